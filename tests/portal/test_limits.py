"""``--limits``: requests in a leaky bucket, running time in baskets of a minute (contract 5.9, 5.10)."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.portal.http import rest_routes
from livefeed.portal.limits.limiter import Limiter
from livefeed.portal.limits.operating import WINDOW_S, Account, Spent, read, spend
from livefeed.portal.limits.plans import PLANS, Plan
from livefeed.portal.limits.requests import Bucket
from livefeed.portal.methods import MethodTable
from livefeed.portal.rest import Door
from livefeed.portal.upkeep import purge
from livefeed.wire.faults import QueryLimitExceeded
from livefeed.wire.ids import MemberId

from .asgi import Response
from .conftest import METHODS, NOW_MS, ROOMS, House

pytestmark = pytest.mark.anyio

STANDARD, ENTERPRISE = PLANS["standard"], PLANS["enterprise"]
WIDE = Plan(name="wide", threshold=10_000, drain_per_s=1, operating_s=10.0)
PORTAL = MemberId("1" * 32)


@dataclass
class Watch:
    """Each run of a method takes as long as it says."""

    call_s: float = 0.0
    ticks: Iterator[int] = field(default_factory=count)
    at_s: float = 0.0

    def __call__(self) -> float:
        if next(self.ticks) % 2:
            self.at_s += self.call_s
        return self.at_s


def limited(house: House, plan: Plan, watch: Watch | None = None) -> House:
    """The same portal, with limits."""
    limiter = Limiter(house.store, plan, timer=watch or Watch())
    door = Door(
        store=house.store, clock=house.clock, keys=house.keys, methods=MethodTable(METHODS), limiter=limiter
    )
    routes = rest_routes(door, clock=house.clock, directory=house.directory)
    return replace(house, app=Starlette(routes=routes))


async def statuses(house: House, calls: int) -> list[int]:
    return [(await house.send(1, "server.time")).status for _ in range(calls)]


async def time_of(house: House, method: str = "server.time", user: int = 1) -> dict[str, Any]:
    return (await house.send(user, method)).json()["time"]


async def batch(house: House, *methods: str) -> Response:
    cmd = {f"c{number}": method for number, method in enumerate(methods)}
    body = json.dumps({"cmd": cmd}).encode()
    return await house.post(house.webhook(1, "batch"), body, "application/json")


async def rows(house: House, table: str) -> int:
    return await house.store.read(lambda tx: tx.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


async def test_the_fifty_first_request_is_refused_and_two_pass_a_second_later(house: House):
    house = limited(house, STANDARD)

    assert await statuses(house, 52) == [200] * 50 + [503] * 2
    assert await house.fault(1, "server.time") == (503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
    assert (await house.send(1, "server.time")).headers["retry-after"] == "1"
    house.clock.advance(1)
    assert await statuses(house, 3) == [200, 200, 503]


async def test_an_enterprise_portal_lets_250_through_and_five_a_second(house: House):
    house = limited(house, ENTERPRISE)

    assert await statuses(house, 251) == [200] * 250 + [503]
    house.clock.advance(1)
    assert await statuses(house, 6) == [200] * 5 + [503]


async def test_requests_of_nobody_count_too(house: House):
    house = limited(house, STANDARD)
    answers = [(await house.get("/rest/1/wrong/server.time")).status for _ in range(50)]

    assert [*answers, *await statuses(house, 1)] == [401] * 50 + [503]


async def test_a_batch_is_one_request(house: House):
    house = limited(house, replace(STANDARD, threshold=2))
    answer = await batch(house, *["server.time"] * 50)

    assert len(answer.json()["result"]["result"]) == 50
    assert await statuses(house, 2) == [200, 503]


async def test_without_limits_nothing_is_stored(house: House):
    assert await statuses(house, 60) == [200] * 60
    assert [0, 0] == [await rows(house, "rest_bucket"), await rows(house, "operating")]
    assert (await time_of(house))["operating"] == 0


@pytest.fixture(params=engines.both())
async def two(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Store, Store]]:
    """One database as two processes have it: on PostgreSQL each opens it for itself."""
    url = engines.database(tmp_path, "limits", ROOMS, engine=request.param)
    clock = ManualClock(NOW_MS)
    here = open_store(url, ROOMS, clock)
    there = here if here.engine == "sqlite" else open_store(url, ROOMS, clock)
    yield here, there
    await here.close()
    if there is not here:
        await there.close()


async def test_addresses_have_their_own_buckets_which_all_processes_share(two: tuple[Store, Store]):
    limiters = [Limiter(store, STANDARD) for store in two]
    for number in range(50):
        await limiters[number % 2].admit(PORTAL, "10.0.0.1")

    for limiter in limiters:
        with pytest.raises(QueryLimitExceeded):
            await limiter.admit(PORTAL, "10.0.0.1")
        await limiter.admit(PORTAL, "10.0.0.2")
        await limiter.admit(MemberId("2" * 32), "10.0.0.1")


async def test_running_time_is_one_sum_for_all_processes(two: tuple[Store, Store]):
    account = Account(portal=PORTAL, caller="app:1", method="user.get")
    for number in range(4):
        await two[number % 2].write(lambda tx: spend(tx, [Spent(account=account, used_us=1_500_000)]))

    assert (await two[0].read(lambda tx: read(tx, account))).seconds == 6.0


@given(
    waits=st.lists(st.integers(0, 4), min_size=80, max_size=160),
    plan=st.sampled_from([STANDARD, ENTERPRISE, replace(STANDARD, threshold=3)]),
)
def test_a_bucket_is_the_documented_counter(waits: list[int], plan: Plan):
    """Each request adds one, each second takes Y away, and a request that makes it more than X is refused."""
    bucket, level, now = Bucket(level=0, second=0), 0, 0
    for wait in waits:
        now += wait // 4
        level = max(0, level - plan.drain_per_s * (wait // 4))
        filled = bucket.drained(now, plan).filled(plan)
        assert (filled is not None) == (level + 1 <= plan.threshold)
        level += filled is not None
        bucket = filled or bucket.drained(now, plan)
        assert bucket.level == level


def test_a_clock_a_little_behind_drains_nothing_twice_and_one_that_was_set_locks_nobody_out():
    full = Bucket(level=50, second=1_000)

    assert full.drained(999, STANDARD) == full
    assert full.drained(100, STANDARD).drained(125, STANDARD).level == 0


async def test_time_tells_what_the_method_has_used_and_when_the_first_of_it_is_forgotten(house: House):
    house = limited(house, WIDE, Watch(call_s=1.5))
    began = house.clock.now_ms() // 1000

    async def used() -> tuple[float, int]:
        told = await time_of(house)
        return told["operating"], told["operating_reset_at"] - began

    assert await used() == (1.5, 600)
    house.clock.advance(70)
    assert await used() == (3.0, 600)
    house.clock.advance(530)
    assert await used() == (3.0, 670)


async def test_the_call_that_crosses_the_limit_completes_and_the_next_is_refused(house: House):
    house = limited(house, WIDE, Watch(call_s=6.0))

    assert await statuses(house, 2) == [200, 200]
    status, code, _ = await house.fault(1, "server.time")
    assert (status, code) == (429, "OPERATION_TIME_LIMIT")
    assert (await time_of(house, "user.current"))["operating"] == 6.0, "other methods go on"
    assert (await time_of(house, user=2))["operating"] == 6.0, "and so do other callers"

    house.clock.advance(WINDOW_S)
    assert await statuses(house, 1) == [200]


async def test_each_call_of_a_batch_counts_for_its_method_and_is_refused_alone(house: House):
    house = limited(house, WIDE, Watch(call_s=6.0))
    result = (await batch(house, "server.time", "server.time", "server.time", "user.current")).json()[
        "result"
    ]

    assert set(result["result"]) == {"c0", "c1", "c3"}
    assert result["result_error"]["c2"]["error"] == "OPERATION_TIME_LIMIT"
    assert "operating" not in result["result_time"]["c0"], "as the documented example"
    methods = await house.store.read(lambda tx: tx.execute("SELECT method FROM operating").fetchall())
    assert {row[0] for row in methods} == {"server.time", "user.current"}


async def test_what_a_refused_method_has_used_counts(house: House):
    house = limited(house, WIDE, Watch(call_s=6.0))

    for _ in range(2):
        assert (await house.fault(1, "log.blogpost.update", POST_ID=999, POST_TITLE="x"))[0] == 400
    assert (await house.fault(1, "log.blogpost.update", POST_ID=999, POST_TITLE="x"))[0] == 429


async def test_an_application_has_a_budget_of_its_own(house: House):
    house = limited(house, WIDE, Watch(call_s=11.0))
    token = await house.token(1)

    assert await statuses(house, 2) == [200, 429]
    assert (await house.get(f"/rest/server.time?auth={token}")).status == 200


async def test_what_no_limit_remembers_any_more_is_dropped(house: House):
    limits = limited(house, STANDARD)
    await statuses(limits, 3)
    assert [1, 1] == [await rows(house, "rest_bucket"), await rows(house, "operating")]

    house.clock.advance(3 * 3_600)
    await purge(house.store, house.clock)
    assert [0, 0] == [await rows(house, "rest_bucket"), await rows(house, "operating")]

"""A client that is used alone, at a real portal with limits: it never meets one, and does nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import engines

from livefeed.client import STANDARD, Answer, Cursor, Manners, Progress, Rate, RestClient
from livefeed.client.hooks import Hook
from livefeed.client.pace import OwnPace
from livefeed.client.sending.operating import OwnOperating
from livefeed.client.sending.repeating import REPEATS, Repeats
from livefeed.clock import ManualClock
from livefeed.durable.store import open_store
from livefeed.errors import ConnectFailed, ConnectionReset, Fault, TimedOut, TransportError, WireError
from livefeed.net.http import HttpAnswer
from livefeed.portal.limits.plans import PLANS, Plan
from livefeed.wire.faults import MethodNotFound, NoPostFound, OverloadLimit

from .limited import ROOMS, Limited, limited_portal
from .serving import serving

WIDE = Rate(capacity=10_000, drain_per_s=1)


@dataclass
class Stopwatch:
    """Every run of a method takes ``call_s``, also on the portal's clock."""

    clock: ManualClock
    call_s: float = 0.0
    is_running: bool = False

    def __call__(self) -> float:
        if self.is_running:
            self.clock.advance(self.call_s)
        self.is_running = not self.is_running
        return self.clock.now_ms() / 1000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_773_750_554_321)


@pytest.fixture
def stopwatch(clock: ManualClock) -> Stopwatch:
    return Stopwatch(clock)


@pytest.fixture
def plan() -> Plan:
    return PLANS["standard"]


@pytest.fixture
async def there(
    tmp_path: Path, plan: Plan, clock: ManualClock, stopwatch: Stopwatch
) -> AsyncIterator[Limited]:
    store = open_store(engines.database(tmp_path, "portal", ROOMS), ROOMS, clock)
    yield await limited_portal(store, clock, plan, stopwatch)
    await store.close()


def client(
    there: Limited, *, rate: Rate = STANDARD, repeats: Repeats = REPEATS, gathers: bool = True, **more: Any
) -> RestClient:
    """As `RestClient.from_webhook` makes one, but for the line and the time."""
    return RestClient(
        there.line,
        Hook(there.hook),
        OwnPace(rate, there.time),
        repeats=repeats,
        gathers=gathers,
        time=there.time,
        **more,
    )


def page(status: int, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=b"<html>")


@pytest.mark.parametrize(
    ("calls", "requests"), [(1, ["server.time"]), (50, ["batch"]), (51, ["batch", "server.time"])]
)
async def test_calls_at_the_same_time_share_a_request_up_to_fifty(
    there: Limited, calls: int, requests: list[str]
):
    async with client(there) as portal:
        answers = await asyncio.gather(*(portal.call("server.time") for _ in range(calls)))

    assert len(answers) == calls
    assert there.line.methods == requests


async def test_what_is_called_while_requests_are_under_way_fills_the_next_ones(there: Limited):
    async with client(there) as portal:
        await asyncio.gather(*(portal.call("server.time") for _ in range(230)))

    assert len(there.line.methods) == 5


async def test_each_of_the_gathered_calls_has_its_own_answer_or_fault(there: Limited):
    edit = {"POST_ID": 999, "POST_TITLE": "x"}
    async with client(there) as portal:
        user, missing, refused = await asyncio.gather(
            portal.call("user.get", {"FILTER": {"ID": 1}}),
            portal.call("no.such.method"),
            portal.call("log.blogpost.update", edit),
            return_exceptions=True,
        )

    assert isinstance(user, Answer)
    assert user.result[0]["ID"] == "1"
    assert isinstance(missing, MethodNotFound)
    assert isinstance(refused, Fault)
    assert refused.description == NoPostFound.description
    assert there.line.methods == ["batch"]


async def test_a_method_that_may_be_no_part_of_a_batch_is_called_alone(there: Limited):
    async with client(there) as portal:
        nested, time = await asyncio.gather(
            portal.call("batch", {"cmd": {"a": "server.time"}}), portal.call("server.time")
        )

    assert set(nested.result["result"]) == {"a"}
    assert isinstance(time.result, str)
    assert there.line.methods == ["batch", "batch"]


async def test_a_caller_who_gives_up_leaves_the_others_their_answers(there: Limited):
    async with client(there) as portal:
        calls = [asyncio.create_task(portal.call("server.time")) for _ in range(3)]
        await asyncio.sleep(0)
        calls[0].cancel()

        assert len(await asyncio.gather(*calls[1:])) == 2


async def test_many_calls_come_back_in_their_order_with_their_faults(there: Limited):
    told: list[Progress] = []
    calls = [("user.get", {"FILTER": {"ID": n}}) if n % 7 else ("no.such.method", {}) for n in range(230)]
    async with client(there) as portal:
        found = await portal.many(calls, progress=told.append)

    assert [isinstance(one, MethodNotFound) for one in found] == [n % 7 == 0 for n in range(230)]
    assert isinstance(found[1], Answer)
    assert found[1].result[0]["ID"] == "1"
    assert told[-1] == Progress(done=230, total=230)


async def test_a_thousand_requests_are_never_refused(there: Limited):
    async with client(there, gathers=False) as portal:
        began_s = there.time.now_s()
        await asyncio.gather(*(portal.call("server.time") for _ in range(1_000)))

    assert [200] * 1_000 == there.line.statuses
    assert there.time.now_s() - began_s == pytest.approx(475, abs=1), "all but fifty at two a second"


async def test_what_others_use_up_costs_time_and_no_call(there: Limited):
    async with client(there, gathers=False) as portal:
        await there.others_call(40)
        await asyncio.gather(*(portal.call("server.time") for _ in range(40)))

    assert there.line.statuses.count(200) == 40
    assert 503 in there.line.statuses


@pytest.mark.parametrize("plan", [Plan(name="slow", threshold=10_000, drain_per_s=1, operating_s=20.0)])
async def test_a_method_lasts_ten_minutes_because_it_is_slowed_before_its_time_is_used_up(
    there: Limited, stopwatch: Stopwatch
):
    stopwatch.call_s = 1.0
    async with client(there, rate=WIDE, gathers=False, budget=OwnOperating(20.0, there.time)) as portal:
        for _ in range(60):
            await portal.call("server.time")

    assert set(there.line.statuses) == {200}
    assert sum(there.time.slept) > 900


@pytest.mark.parametrize("plan", [Plan(name="slow", threshold=10_000, drain_per_s=1, operating_s=2.0)])
async def test_a_method_whose_time_is_used_up_is_called_again_when_the_portal_forgets(
    there: Limited, stopwatch: Stopwatch
):
    stopwatch.call_s = 3.0
    async with client(there, rate=WIDE, gathers=False, budget=OwnOperating(time=there.time)) as portal:
        await portal.call("server.time")
        began_s = there.time.now_s()
        await portal.call("server.time")

    assert there.line.statuses == [200, 429, 200]
    assert there.time.now_s() - began_s == pytest.approx(600, abs=5)


UNSURE = [ConnectionReset("gone"), TimedOut("late"), page(502), page(500)]


@pytest.mark.parametrize("failure", UNSURE, ids=lambda one: type(one).__name__)
async def test_what_reads_is_repeated_after_anything(there: Limited, failure: Any):
    there.line.failures = [failure] * 3
    async with client(there) as portal:
        assert isinstance((await portal.call("user.get")).result, list)

    assert len(there.line.methods) == 4
    first, second, third = there.time.slept
    assert 1 <= first <= 1.5
    assert 2 <= second <= 3
    assert 4 <= third <= 6


@pytest.mark.parametrize("failure", UNSURE, ids=lambda one: type(one).__name__)
async def test_what_writes_is_not_repeated_when_it_may_have_happened(there: Limited, failure: Any):
    there.line.failures = [failure]
    async with client(there) as portal:
        with pytest.raises((Fault, TransportError)):
            await portal.call("log.blogpost.add", {"POST_MESSAGE": "once"})

    assert there.line.methods == ["log.blogpost.add"]


@pytest.mark.parametrize("failures", [[ConnectFailed("nobody")], []], ids=["no connection", "no room"])
async def test_a_write_that_did_not_happen_is_repeated_and_happens_once(
    there: Limited, failures: list[Exception]
):
    there.line.failures = [*failures]
    if not failures:
        await there.others_call(50)
    async with client(there) as portal:
        await portal.call("log.blogpost.add", {"POST_MESSAGE": "once"})
        posts = await portal.call("log.blogpost.get")

    assert posts.total == 1
    assert there.line.methods[:3] == ["log.blogpost.add", "log.blogpost.add", "log.blogpost.get"]


async def test_of_gathered_calls_only_those_that_read_are_repeated(there: Limited):
    there.line.failures = [ConnectionReset("gone")]
    async with client(there) as portal:
        read, written = await asyncio.gather(
            portal.call("user.current"),
            portal.call("log.blogpost.add", {"POST_MESSAGE": "once"}),
            return_exceptions=True,
        )

    assert isinstance(read, Answer)
    assert isinstance(written, ConnectionReset)
    assert there.line.methods == ["batch", "user.current"]


async def test_a_portal_that_asks_for_time_gets_it(there: Limited):
    there.line.failures = [page(503, retry_after="40")]
    async with client(there) as portal:
        await portal.call("user.current")

    assert 40 <= max(there.time.slept) <= 41


async def test_patience_ends_with_the_last_fault(there: Limited):
    there.line.failures = [page(500)] * 9
    async with client(there, repeats=Repeats(attempts=3)) as portal:
        with pytest.raises(Fault) as caught:
            await portal.call("user.current")

    assert caught.value.status == 500
    assert len(there.line.methods) == 3


@pytest.mark.parametrize("fault", [OverloadLimit, MethodNotFound])
async def test_what_will_not_pass_by_itself_is_not_repeated(there: Limited, fault: type[Fault]):
    body = f'{{"error": "{fault.code}", "error_description": ""}}'.encode()
    there.line.failures = [HttpAnswer(status=fault.status, headers={}, body=body)]
    async with client(there) as portal:
        with pytest.raises(fault):
            await portal.call("user.current")


async def test_a_client_of_an_application_repeats_nothing(there: Limited):
    there.line.failures = [page(500)]
    with pytest.raises(Fault):
        await RestClient(there.line, Hook(there.hook)).call("user.current")

    assert there.line.methods == ["user.current"]


async def test_rows_come_in_the_order_of_the_portal_with_all_pages_but_the_first_in_one_request(
    there: Limited,
):
    await there.hire(*range(2, 421))
    told: list[Progress] = []
    async with client(there) as portal:
        ids = [int(row["ID"]) async for row in portal.rows("user.get", progress=told.append)]

    assert ids == list(range(1, 421))
    assert there.line.methods == ["user.get", "batch"]
    assert told == [Progress(done=min(50 * n, 420), total=420) for n in range(1, 10)]


async def test_who_stops_reading_gets_no_more_pages(there: Limited):
    await there.hire(*range(2, 121))
    async with client(there) as portal:
        rows = portal.rows("user.get")
        assert (await anext(rows))["ID"] == "1"
        await rows.aclose()


async def test_by_id_each_row_is_seen_once_while_others_are_added_and_taken_away(there: Limited):
    await there.hire(*range(10, 2_010, 2))
    numbers = iter(range(11, 2_000, 100))

    async def change() -> None:
        new = next(numbers)
        await there.hire(new, 5_000 + new)
        await there.store.write(lambda tx: tx.execute("DELETE FROM person WHERE id = ?", (new - 1,)))

    there.line.after_each = change
    told: list[Progress] = []
    wanted = {"FILTER": {"ACTIVE": True}, "select": ["ID"]}
    async with client(there) as portal:
        ids = [int(row["ID"]) async for row in portal.rows_by_id("user.get", wanted, progress=told.append)]

    assert len(ids) == len(set(ids))
    assert ids == sorted(ids)
    assert set(range(12, 2_010, 2)) - {110, 210} <= set(ids)
    assert there.line.methods[:2] == ["user.get", "batch"]
    assert len(there.line.methods) <= 3
    assert told[-1].done == len(ids)


@pytest.mark.parametrize("people", [1, 50, 100, 101])
async def test_by_id_a_list_ends_where_it_ends(there: Limited, people: int):
    await there.hire(*range(2, people + 1))
    async with client(there) as portal:
        ids = [int(row["ID"]) async for row in portal.rows_by_id("user.get")]

    assert ids == list(range(1, people + 1))


async def test_a_list_that_does_not_sort_by_the_id_is_refused(there: Limited):
    await there.hire(*range(2, 60))
    backwards = Cursor(filter="FILTER", order={"sort": "ID", "order": "DESC"})
    async with client(there) as portal:
        with pytest.raises(WireError, match="sorted"):
            [row async for row in portal.rows_by_id("user.get", cursor=backwards)]


def test_the_manners_of_bitrix24_are_the_default():
    assert Manners() == Manners(rate=Rate(capacity=50, drain_per_s=2), operating_s=480.0)


async def test_five_lines_are_enough(there: Limited):
    async with serving(there.line.app) as url:
        hook = there.hook.replace("http://portal.example", url)
        async with RestClient.from_webhook(hook) as portal:
            people = [row async for row in portal.rows_by_id("user.get")]

    assert [row["ID"] for row in people] == ["1"]

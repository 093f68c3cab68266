"""The running time of methods, for all processes of an application, at a real portal with limits."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import engines

from livefeed.client import RestClient
from livefeed.client.hooks import Hook
from livefeed.client.sending.budgets import Budgets, forget
from livefeed.client.sending.posting import Received
from livefeed.client.sending.repeating import REPEATS, Repeater
from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.errors import Fault, NotYet
from livefeed.portal.limits.plans import Plan
from livefeed.wire.calls import Answer
from livefeed.wire.faults import OperationTimeLimit

from .limited import ROOMS, Limited, limited_portal
from .test_alone import Stopwatch

SLOW = Plan(name="slow", threshold=10_000, drain_per_s=1, operating_s=20.0)


@dataclass
class Houses:
    """A portal where a method may run for 20 seconds, and one process or several that know it."""

    there: Limited
    store: Store
    clock: ManualClock

    def process(self, limit_s: float = 18.0) -> RestClient:
        budgets = Budgets(self.store, self.clock, limit_s)
        return RestClient(
            self.there.line,
            Hook(self.there.hook),
            budget=budgets.of(self.there.portal),
            time=self.there.time,
        )

    async def rows(self) -> list[str]:
        return await self.store.read(
            lambda tx: [row[0] for row in tx.execute("SELECT method FROM operating_time")]
        )


@pytest.fixture
def engine() -> str:
    """Of the application's database."""
    return engines.chosen()


@pytest.fixture
async def houses(tmp_path: Path, engine: str) -> AsyncIterator[Houses]:
    clock = ManualClock(1_773_750_554_321)
    portal = open_store(engines.database(tmp_path, "portal", ROOMS), ROOMS, clock)
    url = engines.database(tmp_path, "app", ["livefeed.client"], engine=engine)
    own = open_store(url, ["livefeed.client"], clock)
    yield Houses(await limited_portal(portal, clock, SLOW, Stopwatch(clock, call_s=1.0)), own, clock)
    await own.close()
    await portal.close()


async def called_until(failure: type[Exception], client: RestClient) -> Exception:
    """What the client raises in the end."""
    while True:
        try:
            await client.call("server.time")
        except failure as exc:
            return exc


async def called_up(client: RestClient) -> NotYet:
    """What it raises when there is no more time to run."""
    later = await called_until(NotYet, client)
    assert isinstance(later, NotYet)
    return later


async def test_a_method_without_time_is_not_called_and_says_when_it_may_be(houses: Houses):
    client = houses.process()
    for _ in range(30):
        later = await called_up(client)
        assert 2 < later.after_s <= 600
        houses.clock.advance(later.after_s)
        await client.call("server.time")

    assert set(houses.there.line.statuses) == {200}
    assert max(houses.there.time.slept, default=0) <= 2, "whoever has to wait longer is sent away"


async def test_another_method_is_called_as_before(houses: Houses):
    client = houses.process()
    await called_up(client)

    assert (await client.call("user.current")).result["ID"] == "1"


async def test_a_batch_with_such_a_method_is_not_sent(houses: Houses):
    client = houses.process()
    await called_up(client)
    sent = len(houses.there.line.methods)

    with pytest.raises(NotYet):
        await client.batch({"one": ("user.current", {}), "two": ("Server.Time", {})})
    assert len(houses.there.line.methods) == sent


async def test_a_process_that_has_just_begun_knows_what_the_others_have_used(houses: Houses):
    await called_up(houses.process())
    sent = len(houses.there.line.methods)

    await called_up(houses.process())
    assert len(houses.there.line.methods) <= sent + 1


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_process_hears_within_a_second_what_another_has_used(houses: Houses):
    here, there = houses.process(), houses.process()
    await here.call("user.current")
    await called_up(there)
    sent = len(houses.there.line.methods)
    houses.clock.advance(1)

    await called_up(here)
    assert len(houses.there.line.methods) <= sent + 1


async def test_who_is_sent_away_comes_again_one_after_the_other(houses: Houses):
    client = houses.process()
    first = await called_up(client)
    second = await called_up(client)
    third = await called_up(client)

    assert first.after_s < second.after_s < third.after_s


class LittleLeft:
    """A budget of which every call has to wait for a second."""

    def __init__(self) -> None:
        self.out = 0

    async def reserve(self, methods: Mapping[str, int], longest_s: float) -> float:
        self.out += sum(methods.values())
        return 1.0

    def note(self, method: str, outcome: Answer | Fault | None) -> None:
        self.out -= 1

    async def share(self, methods: Mapping[str, int]) -> None: ...

    def frees_in_s(self, methods: Mapping[str, int]) -> float:
        return 0.0


async def test_who_gives_up_before_his_calls_are_made_gives_their_time_back():
    budget = LittleLeft()

    async def once() -> Received:
        raise AssertionError("nothing is called")

    calling = Repeater(REPEATS, budget).run({"server.time": 2, "user.current": 1}, once, is_read=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calling, 0.01)

    assert budget.out == 0


async def test_what_was_used_is_struck_out_when_the_portal_has_forgotten_it(houses: Houses):
    client = houses.process()
    await called_up(client)
    assert await houses.rows() == ["server.time"]

    houses.clock.advance(700)
    await client.call("server.time")
    assert await houses.rows() == []


async def test_a_lower_limit_than_was_expected_is_met_once(houses: Houses):
    client = houses.process(limit_s=480.0)
    await called_until(OperationTimeLimit, client)

    later = await called_up(client)
    houses.clock.advance(later.after_s)
    await client.call("server.time")
    assert houses.there.line.statuses.count(429) == 1


async def test_the_budgets_of_a_portal_that_is_erased_are_dropped(houses: Houses):
    await called_up(houses.process())
    await houses.store.write(lambda tx: forget(tx, houses.there.portal))

    assert await houses.rows() == []

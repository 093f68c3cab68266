"""A clock that is set back or jumps ahead: nothing is lost, held up for as long as the jump, or run twice."""

import asyncio
from pathlib import Path

import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.consumers import ConsumerId, register
from livefeed.durable.entries import Arrival, append, append_arrivals
from livefeed.durable.lanes import Lease, Lost, lease_due, list_lanes, next_due, renew, settle_many
from livefeed.durable.outcomes import Again, Done, Down, Outcome
from livefeed.durable.store import Store, Tx, open_store
from livefeed.durable.watch import Steps, oldest_due_ms, why_not_ready
from livefeed.durable.worker import Worker

HOUR_S = 3600.0


class Runs:
    """Answers each run with what is asked for, and remembers it."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.seen: list[str] = []
        self.fails = 0
        self.is_down = False

    async def __call__(self, lease: Lease) -> Outcome:
        self.seen.append(lease.key)
        if self.fails:
            self.fails -= 1
            at_ms = self.clock.now_ms() + 5_000
            return (
                Down(probe_at_ms=at_ms, reason="down")
                if self.is_down
                else Again(at_ms=at_ms, reason="not yet")
            )
        return Done()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, but where it is said: on PostgreSQL other machines write too, and nobody moves their rows."""
    return engines.database(tmp_path, "store", engine=getattr(request, "param", "sqlite"))


on_both = pytest.mark.parametrize("url", engines.both(), indirect=True)
on_a_server = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
def runs(clock: ManualClock) -> Runs:
    return Runs(clock)


@pytest.fixture
def worker(store: Store, runs: Runs, clock: ManualClock) -> Worker:
    return Worker(store, runs, clock=clock)


@pytest.fixture
async def handler(store: Store) -> ConsumerId:
    return await store.write(lambda tx: register(tx, portal="m", name="h", quiet_ms=2_000, max_wait_ms=9_000))


def adding(handler: ConsumerId, key: str):
    def unit(tx: Tx) -> int:
        return append(tx, portal="m", key=key, kind="K", body=b"", source="s", consumers=[handler])

    return unit


async def test_what_waits_for_its_quiet_time_is_not_held_up_by_a_clock_set_back(
    store: Store, worker: Worker, runs: Runs, handler: ConsumerId, clock: ManualClock
) -> None:
    await store.write(adding(handler, "post:1"))
    assert 0 == await worker.run_due()
    clock.advance(-HOUR_S)
    await worker.run_due()
    clock.advance(3)
    assert 1 == await worker.run_due()
    assert ["post:1"] == runs.seen


async def test_what_arrived_at_the_door_is_not_held_up_by_a_clock_set_back(
    store: Store, worker: Worker, runs: Runs, handler: ConsumerId, clock: ManualClock
) -> None:
    await worker.run_due()
    arrival = Arrival("m", "post:1", "K", b"", clock.now_ms(), "door", handler)
    await store.write_row(append_arrivals, arrival)
    clock.advance(-HOUR_S)
    await worker.run_due()
    clock.advance(10)
    await worker.run_due()
    assert ["post:1"] == runs.seen


@pytest.mark.parametrize("is_down", [False, True])
async def test_a_retry_comes_when_it_was_planned_though_the_clock_is_set_back(
    store: Store, worker: Worker, runs: Runs, handler: ConsumerId, clock: ManualClock, is_down: bool
) -> None:
    runs.fails, runs.is_down = 1, is_down
    await store.write(adding(handler, "post:1"))
    clock.advance(2)
    assert 1 == await worker.run_due()
    clock.advance(-HOUR_S)
    assert 0 == await worker.run_due(), "not at once, either"
    clock.advance(6)
    assert 1 == await worker.run_due()


async def test_a_clock_set_back_while_nothing_ran_is_noticed_at_the_start(
    url: str, clock: ManualClock, runs: Runs
) -> None:
    store = open_store(url, [], clock)
    handler = await store.write(lambda tx: register(tx, portal="m", name="h"))
    runs.fails = 1
    await store.write(adding(handler, "post:1"))
    assert 1 == await Worker(store, runs, clock=clock).run_due()
    await store.close()
    clock.advance(-HOUR_S)
    again = open_store(url, [], clock)
    worker = Worker(again, runs, clock=clock)
    await worker.run_due()
    clock.advance(6)
    assert 1 == await worker.run_due()
    await again.close()


async def test_a_lease_of_a_worker_that_is_gone_ends_in_time_though_the_clock_is_set_back(
    store: Store, worker: Worker, runs: Runs, handler: ConsumerId, clock: ManualClock
) -> None:
    await store.write(adding(handler, "post:1"))
    clock.advance(2)
    await worker.run_due()
    await store.write(adding(handler, "post:2"))
    clock.advance(2)
    assert 1 == len(await store.write(lambda tx: lease_due(tx, limit=9, lease_s=10)))
    clock.advance(-HOUR_S)
    await worker.run_due()
    clock.advance(13)
    await worker.run_due()
    assert ["post:1", "post:2"] == runs.seen


@on_both
async def test_a_run_under_way_is_not_repeated_by_a_clock_that_jumps_ahead(
    store: Store, handler: ConsumerId, clock: ManualClock
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def run(lease: Lease) -> Outcome:
        seen.append(lease.key)
        begun.set()
        await may_end.wait()
        return Done()

    await store.write(adding(handler, "post:1"))
    clock.advance(2)
    worker = Worker(store, run, clock=clock)
    await worker.start()
    await begun.wait()
    clock.advance(HOUR_S)
    again = asyncio.Event()
    end = store.listen("lanes", again.set)
    other = await store.write(lambda tx: register(tx, portal="m", name="other"))
    await store.write(
        lambda tx: append(tx, portal="m", key="post:2", kind="K", body=b"", source="s", consumers=[other])
    )
    await again.wait()
    while len(seen) < 2:
        await asyncio.sleep(0)
    may_end.set()
    await worker.stop()
    end()
    assert sorted(seen) == ["post:1", "post:2"]
    assert [] == await store.read(list_lanes)


async def test_a_step_is_mended_though_the_first_unit_that_was_to_do_it_failed(
    store: Store, runs: Runs, handler: ConsumerId, clock: ManualClock
) -> None:
    steps = Steps(clock, lease_s=10)
    steps.look({})
    steps.mended()
    await store.write(adding(handler, "post:1"))
    clock.advance(-HOUR_S)
    mend = steps.look({})
    assert mend is not None

    def fails(tx: Tx) -> None:
        mend(tx)
        raise KeyError

    with pytest.raises(KeyError):
        await store.write(fails)
    again = steps.look({})
    assert again is not None
    await store.write(again)
    steps.mended()
    assert steps.look({}) is None
    assert all(lane.due_at_ms <= clock.now_ms() + 2_000 for lane in await store.read(list_lanes))


@on_both
@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
async def test_the_worker_has_nothing_to_look_at_again_at_once_after_a_jump(
    store: Store, worker: Worker, handler: ConsumerId, clock: ManualClock, jump_s: float
) -> None:
    await store.write(adding(handler, "post:1"))
    await worker.run_due()
    clock.advance(jump_s)
    await worker.run_due()
    due_ms = await store.read(next_due)
    assert due_ms is None or due_ms > clock.now_ms()


@on_a_server
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_on_a_server_what_was_planned_waits_as_long_as_the_clock_was_set_back_and_news_does_not(
    store: Store, worker: Worker, runs: Runs, clock: ManualClock, is_restarted: bool
) -> None:
    handler = await store.write(lambda tx: register(tx, portal="m", name="h"))
    await store.write(adding(handler, "post:0"))
    clock.advance(60)
    assert 1 == await worker.run_due()
    runs.fails = 1
    await store.write(adding(handler, "post:1"))
    assert 1 == await worker.run_due(), "to be repeated in 5 s"
    clock.advance(6 - HOUR_S)
    if is_restarted:
        worker = Worker(store, runs, clock=clock)
    assert 0 == await worker.run_due()
    await store.write(adding(handler, "post:2"))
    assert 1 == await worker.run_due()
    (lane,) = await store.read(list_lanes)
    assert HOUR_S * 1000 > lane.due_at_ms - clock.now_ms() > 0
    clock.advance(HOUR_S)
    assert 1 == await worker.run_due()
    assert ["post:0", "post:1", "post:2", "post:1"] == runs.seen
    assert [] == await store.read(list_lanes)


@on_a_server
async def test_on_a_server_the_lease_of_one_that_is_gone_ends_in_time_though_the_clock_was_set_back(
    store: Store, worker: Worker, runs: Runs, clock: ManualClock
) -> None:
    handler = await store.write(lambda tx: register(tx, portal="m", name="h"))
    await store.write(adding(handler, "post:1"))
    assert 1 == await worker.run_due()
    clock.advance(-HOUR_S)
    await worker.run_due()
    await store.write(adding(handler, "post:2"))
    assert 1 == len(await store.write(lambda tx: lease_due(tx, limit=9, lease_s=10)))
    clock.advance(11)
    assert 1 == await worker.run_due()
    assert ["post:1", "post:2"] == runs.seen


@on_a_server
async def test_on_a_server_others_may_repeat_what_a_machine_runs_whose_clock_was_set_back(
    url: str, store: Store, worker: Worker, runs: Runs, clock: ManualClock
) -> None:
    handler = await store.write(lambda tx: register(tx, portal="m", name="h"))
    set_back = ManualClock(clock.now_ms())
    behind = open_store(url, [], set_back)
    await behind.write(adding(handler, "post:1"))
    (lease,) = await behind.write(lambda tx: lease_due(tx, limit=9, lease_s=10))
    assert 0 == await worker.run_due()
    set_back.advance(-HOUR_S)
    clock.advance(6)
    await behind.write(lambda tx: renew(tx, [lease], lease_s=10))
    assert 0 == await worker.run_due()
    clock.advance(6)
    assert 1 == await worker.run_due(), "it could renew nothing"
    (settled,) = await behind.write(lambda tx: settle_many(tx, [(lease, Done())]))
    await behind.close()

    assert isinstance(settled, Lost)
    assert ["post:1"] == runs.seen
    assert [] == await store.read(list_lanes)


async def test_a_commit_that_seems_to_lie_ahead_does_not_make_it_ready(
    store: Store, clock: ManualClock
) -> None:
    await store.probe()
    clock.advance(-HOUR_S)
    assert await why_not_ready(store, clock) is None
    assert store.committed_at_ms == clock.now_ms(), "a new one was made"


async def test_the_lag_is_that_of_the_lane_that_has_been_due_longest(
    store: Store, handler: ConsumerId, clock: ManualClock
) -> None:
    assert await store.read(oldest_due_ms) is None
    began_ms = clock.now_ms()
    await store.write(adding(handler, "post:1"))
    clock.advance(7)
    await store.write(adding(handler, "post:2"))
    assert began_ms + 2_000 == await store.read(oldest_due_ms)
    await store.write(lambda tx: lease_due(tx, limit=1, lease_s=60))
    assert await store.read(oldest_due_ms) is None, "what is leased does not wait"

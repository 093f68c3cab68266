"""The worker: it runs what is due, once, obeys outcomes, survives failures, and stops in order."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.engines import held, on_a_file
from tests.metrics import Grown

from livefeed.clock import ManualClock, SystemClock
from livefeed.durable.dead import list_dead
from livefeed.durable.engines.unit import Last
from livefeed.durable.lanes import Lease, lease_due, list_lanes
from livefeed.durable.outcomes import Again, Done, Down, Outcome
from livefeed.durable.schedule import Schedule
from livefeed.durable.sql import load
from livefeed.durable.store import Store, Tx, open_store
from livefeed.durable.worker import Worker
from livefeed.durable.worker.exchange import Exchange
from livefeed.durable.worker.tidying import Tidying
from livefeed.errors import StoreBusy

from .test_contract import House


@pytest.fixture
def house(store: Store, clock: ManualClock) -> House:
    return House(store, clock)


def worker_of(house: House, run: Callable[[Lease], Awaitable[Outcome]], **settings: object) -> Worker:
    return Worker(house.store, run, clock=house.clock, **settings)


class Log:
    """A run that notes what it was given, and says what it is told to say."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome or Done()
        self.seen: list[tuple[str, int, list[int]]] = []

    async def __call__(self, lease: Lease) -> Outcome:
        self.seen.append((lease.key, lease.attempt, [entry.seq for entry in lease.entries]))
        return self.outcome


async def test_it_runs_everything_that_is_due_and_says_how_much(house: House) -> None:
    handler = await house.consumer()
    for number in range(3):
        await house.append(handler, key=f"post:{number % 2}")
    log = Log()
    assert await worker_of(house, log).run_due() == 3
    assert sorted(log.seen) == [("post:0", 1, [1]), ("post:0", 1, [3]), ("post:1", 1, [2])]
    assert await house.lanes() == []


async def test_runs_may_be_longer_than_one_entry(house: House) -> None:
    handler = await house.consumer()
    for _ in range(3):
        await house.append(handler)
    log = Log()
    assert await worker_of(house, log, entries_limit=10).run_due() == 1
    assert log.seen == [("post:1", 1, [1, 2, 3])]


async def test_arrivals_are_run_without_further_ado(house: House) -> None:
    inbox = await house.consumer("inbox")
    await house.arrive(inbox)
    assert await worker_of(house, Log()).run_due() == 1


async def test_what_is_not_due_yet_is_left(house: House) -> None:
    handler = await house.consumer(quiet_ms=1_000)
    await house.append(handler)
    worker = worker_of(house, Log())
    assert await worker.run_due() == 0
    house.clock.advance(1)
    assert await worker.run_due() == 1


async def test_an_exception_is_repeated_by_the_schedule_and_given_up_in_the_end(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)

    async def fails(lease: Lease) -> Outcome:
        raise KeyError(lease.key)

    grown = Grown()
    worker = worker_of(house, fails, schedule=Schedule(first_s=1, give_up_s=4, jitter=0))
    assert await worker.run_due() == 1
    for wait_s in (1, 2):
        house.clock.advance(wait_s - 0.001)
        assert await worker.run_due() == 0
        house.clock.advance(0.001)
        assert await worker.run_due() == 1
    [letter] = await house.store.read(list_dead)
    assert letter.reason == "KeyError: 'post:1'"
    assert (2, 1) == (grown("settles_total", outcome="again"), grown("settles_total", outcome="dead"))


async def test_one_lane_failing_delays_no_other(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler, key="post:1")
    await house.append(handler, key="post:2")

    async def fails_for_one(lease: Lease) -> Outcome:
        if lease.key == "post:1":
            raise KeyError
        return Done()

    await worker_of(house, fails_for_one).run_due()
    assert await house.lanes() == [("post:1", "backing_off")]


async def test_effects_that_fail_are_a_failure_of_the_run(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)

    def fail(tx: Tx) -> None:
        raise KeyError("effects")

    worker = worker_of(house, Log(Done(effects=fail)))
    assert await worker.run_due() == 1
    assert await house.lanes() == [("post:1", "backing_off")]


async def test_down_is_obeyed(house: House) -> None:
    handler = await house.consumer()
    for number in range(9):
        await house.append(handler, key=f"post:{number}")
    log = Log(Down(probe_at_ms=house.clock.now_ms() + 1_000, reason="timeout"))
    worker, grown = worker_of(house, log), Grown()
    assert await worker.run_due() == 9
    house.clock.advance(1)
    log.outcome = Down(probe_at_ms=house.clock.now_ms() + 1_000, reason="timeout")
    assert await worker.run_due() == 1
    house.clock.advance(1)
    log.outcome = Done()
    assert await worker.run_due() == 9
    assert (10, 9) == (grown("settles_total", outcome="down"), grown("settles_total", outcome="done"))


async def test_hooks_stand_around_the_run(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)
    steps: list[str] = []

    async def run(lease: Lease) -> Outcome:
        steps.append("run")
        return Done(effects=lambda tx: steps.append("settle"))

    worker = worker_of(
        house,
        run,
        on_leased=lambda lease: steps.append("leased"),
        on_finished=lambda lease: steps.append("finished"),
    )
    await worker.run_due()
    assert steps == ["leased", "run", "finished", "settle"]


async def test_a_started_worker_wakes_by_itself(house: House) -> None:
    handler = await house.consumer()
    ran = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        ran.set()
        return Done()

    worker = worker_of(house, run)
    await worker.start()
    for number in range(3):
        await house.append(handler, key=f"post:{number}")
        await asyncio.wait_for(ran.wait(), 5)
        ran.clear()
        await house.arrive(handler)
        await asyncio.wait_for(ran.wait(), 5)
        ran.clear()
    await worker.stop()


@on_a_file
async def test_an_event_that_is_stored_beside_a_turn_is_leased_in_the_same_commit(house: House) -> None:
    handler = await house.consumer()
    exchange = Exchange(
        house.store,
        clock=house.clock,
        lease_s=10.0,
        entries_limit=1,
        after_failure=lambda lease, reason: Done(),
        on_turn=None,
        on_seen=lambda: None,
    )
    async with held(house.store):
        turn = asyncio.create_task(exchange.turn(10))
        await asyncio.sleep(0)
        stored = asyncio.create_task(house.append(handler))
        await asyncio.sleep(0)
    leases, _ = await turn
    await stored
    assert [lease.key for lease in leases] == ["post:1"]


async def test_what_has_just_begun_goes_before_a_turn_that_could_only_settle(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefeed.durable.worker.worker._HEAD_START_S", 60.0)
    handler = await house.consumer()
    ran = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        ran.set()
        return Done()

    worker = worker_of(house, run)
    await worker.start()
    await house.append(handler, key="post:1")
    await asyncio.wait_for(ran.wait(), 5)
    for _ in range(5):
        await house.store.probe()
    assert await house.lanes() == [("post:1", "leased")]

    ran.clear()
    await house.append(handler, key="post:2")
    await asyncio.wait_for(ran.wait(), 5)
    assert "post:1" not in dict(await house.lanes())
    await worker.stop()


class Crowded:
    """A store in which something happens right after a turn was committed, before its worker hears of it."""

    def __init__(self, store: Store, happens: Callable[[], Awaitable[object]]) -> None:
        self.store = store
        self.happens = happens

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def write(self, unit: Callable[[Tx], object]) -> object:
        result = await self.store.write(unit)
        if isinstance(unit, Last):
            await self.happens()
        return result


class Counted:
    """A store that writes down what each turn settled and leased; runs end before its worker hears of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.turns: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def write(self, unit: Callable[[Tx], Any]) -> object:
        result = await self.store.write(unit)
        if isinstance(unit, Last):
            settled, _, leases, _ = result
            self.turns.append((len(settled), len(leases)))
            for _ in range(100):  # whoever is ready is run meanwhile
                await asyncio.sleep(0)
        return result


@on_a_file
async def test_no_turn_only_settles_while_leases_are_left_to_take(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefeed.durable.worker.worker._LONGEST_UNSETTLED_S", 60.0)
    handler = await house.consumer()
    for number in range(200):
        await house.append(handler, key=f"post:{number}")
    keys: set[str] = set()
    everything = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        await asyncio.sleep(0)
        keys.add(lease.key)
        if len(keys) == 200:
            everything.set()
        return Done()

    counted = Counted(house.store)
    worker = Worker(counted, run, clock=house.clock, concurrency=8)
    await worker.start()
    await asyncio.wait_for(everything.wait(), 10)
    await worker.stop()
    before_the_last = counted.turns[: max(at for at, (_, leased) in enumerate(counted.turns) if leased)]
    assert all(leased for _, leased in before_the_last)
    assert sum(settled for settled, _ in counted.turns) == 200
    assert await house.lanes() == []


@on_a_file
async def test_what_comes_right_after_a_turn_does_not_wait_for_its_head_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livefeed.durable.worker.worker._HEAD_START_S", 60.0)
    handler = await house.consumer()
    begun: list[str] = []
    both = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        begun.append(lease.key)
        if len(begun) == 2:
            both.set()
        return Done()

    async def comes() -> None:
        if await house.lanes() == [("post:1", "leased")]:
            await house.append(handler, key="post:2")

    worker = Worker(Crowded(house.store, comes), run, clock=house.clock)
    await worker.start()
    await house.append(handler, key="post:1")
    await asyncio.wait_for(both.wait(), 10)
    assert begun == ["post:1", "post:2"]
    await worker.stop()


async def indexed(house: House) -> int:
    return await house.store.read(lambda tx: load("livefeed.durable", "queries/entries.sql").indexed(tx.conn))


@on_a_file
async def test_a_free_moment_is_used_for_the_index_of_entries(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)
    worker = worker_of(house, Log())
    assert await indexed(house) == 0
    await worker.start()
    async with asyncio.timeout(10):
        while await indexed(house) < 1:
            pass
    await worker.stop()


@on_a_file
async def test_the_index_is_written_in_small_slices_so_that_nobody_waits_for_all_of_it(house: House) -> None:
    handler = await house.consumer()
    for number in range(51):
        await house.append(handler, key=f"post:{number}")
    tidying = Tidying(house.store)
    steps = [(await tidying.tidy(), await indexed(house)) for _ in range(3)]
    assert steps == [(True, 50), (True, 51), (False, 51)]


async def test_no_more_run_at_a_time_than_asked_for(house: House) -> None:
    handler = await house.consumer(cap=100)
    for number in range(20):
        await house.append(handler, key=f"post:{number}")
    running = most = done = 0
    finished = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await house.store.read(lambda tx: None)
        running -= 1
        done += 1
        if done == 20:
            finished.set()
        return Done()

    worker = worker_of(house, run, concurrency=3)
    await worker.start()
    await asyncio.wait_for(finished.wait(), 5)
    await worker.stop()
    assert most == 3
    assert await house.lanes() == []


class Held:
    """A run that counts what is under way for each consumer, and ends when it is told to."""

    def __init__(self) -> None:
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.seen: list[tuple[str, str, int]] = []
        self.may_end = asyncio.Event()
        self.outcome: Outcome = Done()
        self.changed = asyncio.Event()

    async def __call__(self, lease: Lease) -> Outcome:
        name = lease.consumer.name
        self.seen.append((name, lease.key, lease.attempt))
        self.running[name] += 1
        self.most[name] = max(self.most[name], self.running[name])
        self.changed.set()
        if name != "healthy":
            await self.may_end.wait()
        self.running[name] -= 1
        self.changed.set()
        return self.outcome

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                self.changed.clear()
                await self.changed.wait()


async def test_leasing_ahead_of_the_cap_never_runs_more_than_the_cap(house: House) -> None:
    handler = await house.consumer(cap=3)
    for number in range(40):
        await house.append(handler, key=f"post:{number}")
    run = Held()
    worker = worker_of(house, run)
    await worker.start()
    await run.until(lambda: run.running["handler"] == 3)
    leased = [state for _, state in await house.lanes()].count("leased")
    assert leased > 3 if house.store.engine == "sqlite" else leased == 3
    run.may_end.set()
    await run.until(lambda: len(run.seen) == 40)
    await worker.stop()
    assert 3 == run.most["handler"]
    assert await house.lanes() == []


async def test_a_consumer_begins_few_until_one_of_them_has_ended(house: House) -> None:
    handler = await house.consumer(cap=30)
    for number in range(30):
        await house.append(handler, key=f"post:{number}")
    run = Held()
    worker = worker_of(house, run, opening=2)
    await worker.start()
    await run.until(lambda: run.running["handler"] == 2)
    run.may_end.set()
    run.may_end.clear()  # these two end, those that begin next do not
    await run.until(lambda: run.running["handler"] == 4)
    run.may_end.set()
    await run.until(lambda: len(run.seen) == 30)
    await worker.stop()
    assert 4 <= run.most["handler"] < 30


async def test_what_was_leased_before_its_consumer_went_down_is_put_back_untried(house: House) -> None:
    handler = await house.consumer(cap=2)
    for number in range(9):
        await house.append(handler, key=f"post:{number}")
    run = Held()
    run.outcome = Down(probe_at_ms=house.clock.now_ms() + 60_000, reason="timeout")
    worker = worker_of(house, run)
    await worker.start()
    await run.until(lambda: run.running["handler"] == 2)
    run.may_end.set()
    await run.until(lambda: run.running["handler"] == 0)
    await worker.stop()
    assert len(run.seen) == 2, "nothing is sent to one that is known to be down"
    assert {state for _, state in await house.lanes()} <= {"waiting", "backing_off"}
    house.clock.advance(61)
    log = Log()
    assert await worker_of(house, log).run_due() == 9
    assert sorted(attempt for _, attempt, _ in log.seen) == [1] * 7 + [2] * 2, "only what was sent was a try"


async def test_those_that_hang_leave_the_slots_to_others(house: House) -> None:
    silent = [await house.consumer(f"silent:{number}", cap=4) for number in range(3)]
    run = Held()
    worker = worker_of(house, run, concurrency=8, opening=4)
    for consumer in silent:
        for number in range(6):
            await house.append(consumer, key=f"post:{number}")
    await worker.start()
    await run.until(lambda: sum(run.running.values()) >= 8)
    healthy = await house.consumer("healthy")
    await house.append(healthy)
    await run.until(lambda: ("healthy", "post:1", 1) in run.seen)
    assert sum(run.running.values()) >= 8, "none of them has ended"
    assert max(run.most.values()) <= 4
    run.may_end.set()
    await worker.stop()


async def test_stopping_lets_runs_end_and_puts_back_what_was_not_begun(house: House) -> None:
    handler = await house.consumer(cap=100)
    for number in range(5):
        await house.append(handler, key=f"post:{number}")
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        begun.set()
        await may_end.wait()
        return Done()

    worker = worker_of(house, run, concurrency=1)
    await worker.start()
    await begun.wait()
    stopping = asyncio.create_task(worker.stop())
    may_end.set()
    await stopping
    assert await house.lanes() == [(f"post:{number}", "waiting") for number in range(1, 5)]
    log = Log()
    assert await worker_of(house, log).run_due() == 4
    assert {attempt for _, attempt, _ in log.seen} == {1}, "it was no try"


async def test_a_run_that_does_not_end_is_cancelled_and_counts_as_a_try(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)
    begun = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        return Done()

    worker = worker_of(house, run)
    await worker.start()
    await begun.wait()
    await worker.stop(grace_s=0)
    assert await house.lanes() == [("post:1", "backing_off")]
    log = Log()
    await worker_of(house, log).run_due()
    assert log.seen == [("post:1", 2, [1])]


async def test_a_long_run_keeps_its_lease(url: str) -> None:
    store = open_store(url, [], SystemClock())
    house = House(store, SystemClock())
    handler = await house.consumer()
    await house.append(handler)
    others: list[Lease] = []

    async def run(lease: Lease) -> Outcome:
        [row] = await store.read(list_lanes)
        first_end = row.due_at_ms
        # Until the clock has passed the first end of the lease and nobody else got it.
        while house.clock.now_ms() <= first_end:
            others.extend(await store.write(lambda tx: lease_due(tx, limit=9, lease_s=1)))
        ended.set()
        return Done()

    ended = asyncio.Event()
    worker = Worker(store, run, clock=house.clock, lease_s=0.15)
    await worker.start()
    await asyncio.wait_for(ended.wait(), 5)
    await worker.stop()
    assert others == []
    assert await house.lanes() == []
    await store.close()


async def test_a_settle_is_repeated_while_the_store_is_busy(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)

    class BusyAtFirst:
        """The store, refusing the first unit in which something is settled."""

        refused = 0
        ran = False

        def __getattr__(self, name: str) -> object:
            return getattr(house.store, name)

        async def write(self, unit: Callable[[Tx], object]) -> object:
            if self.ran and not self.refused:
                self.refused = 1
                raise StoreBusy("try again later")
            return await house.store.write(unit)

    busy = BusyAtFirst()

    async def run(lease: Lease) -> Outcome:
        busy.ran = True
        return Done()

    assert await Worker(busy, run, clock=house.clock).run_due() == 1
    assert busy.refused == 1
    assert await house.lanes() == []


async def test_a_lost_lease_changes_nothing(house: House) -> None:
    handler = await house.consumer()
    await house.append(handler)

    async def too_slow(lease: Lease) -> Outcome:
        house.clock.advance(11)
        [other] = await house.lease()
        await house.settle(other, Again(at_ms=house.clock.now_ms() + 10**9, reason="the other's"))
        return Done()

    grown = Grown()
    assert await worker_of(house, too_slow).run_due() == 1
    assert await house.lanes() == [("post:1", "backing_off")]
    assert (1, 0) == (grown("settles_total", outcome="lost"), grown("settles_total", outcome="done"))

"""Units side by side on PostgreSQL: what each sees, what it waits for, and that nothing is lost between them.

A unit is stopped before its commit by an advisory lock that the test holds; another is then run into it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.arrivals import route_all
from livefeed.durable.consumers import ConsumerId, register
from livefeed.durable.entries import Arrival, append, append_arrivals
from livefeed.durable.lanes import Lease, Settled, lease_due, list_lanes, next_due, settle_many
from livefeed.durable.outcomes import Done
from livefeed.durable.store import Store, Tx, open_store

T = TypeVar("T")

_STOPPED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 1"
_AT_THE_ROUTE = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid <> 1"
_BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple')
"""
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


class Gate:
    """Stops units before their commit until it is opened."""

    def __init__(self, conn: "psycopg.Connection[tuple[int]]") -> None:
        self._conn = conn
        self._conn.execute("SELECT pg_advisory_lock(1, 1)")

    def stopping(self, unit: Callable[[Tx], T]) -> Callable[[Tx], T]:
        """The same unit, which stops before its commit."""

        def stopped(tx: Tx) -> T:
            result = unit(tx)
            tx.execute("SELECT pg_advisory_xact_lock(1, 1)")
            return result

        return stopped

    async def reached(self) -> None:
        """Wait until a unit has stopped."""
        await self._seen(_STOPPED)

    async def at_the_route(self) -> None:
        """Wait until a unit waits for its turn to route."""
        await self._seen(_AT_THE_ROUTE)

    async def blocked(self) -> None:
        """Wait until a unit waits for the rows of another."""
        await self._seen(_BLOCKED)

    def open(self) -> None:
        """Let everybody through."""
        self._conn.execute("SELECT pg_advisory_unlock_all()")

    def deadlocks(self) -> int:
        """How many the server has broken up."""
        return self._number(_DEADLOCKS)

    async def _seen(self, question: str) -> None:
        async with asyncio.timeout(10):
            while not self._number(question):
                await asyncio.to_thread(self._conn.execute, "SELECT 1")

    def _number(self, question: str) -> int:
        row = self._conn.execute(question.encode()).fetchone()
        assert row is not None
        return row[0]


class House:
    """Two processes on one database, in the words of the tests."""

    def __init__(self, one: Store, two: Store, clock: ManualClock, gate: Gate) -> None:
        self.one, self.two, self.clock, self.gate = one, two, clock, gate

    async def stopped(self, unit: Callable[[Tx], T]) -> "asyncio.Task[T]":
        """Run a unit in the first process up to its commit."""
        task = asyncio.create_task(self.one.write(self.gate.stopping(unit)))
        await self.gate.reached()
        return task

    async def blocked(self, unit: Callable[[Tx], T]) -> "asyncio.Task[T]":
        """Run a unit in the second process up to a row that the stopped one holds."""
        task = asyncio.create_task(self.two.write(unit))
        await self.gate.blocked()
        return task

    async def finish(self, *tasks: "asyncio.Task[T]") -> list[T]:
        self.gate.open()
        return await asyncio.gather(*tasks)

    async def lease(self, *, entries_limit: int = 1) -> list[Lease]:
        return await self.two.write(leasing(entries_limit=entries_limit))

    async def seqs(self) -> list[int]:
        """Lease and settle until nothing is left; what was seen, in order."""
        seen: list[int] = []
        while leases := await self.lease():
            seen += [entry.seq for lease in leases for entry in lease.entries]
            assert all(isinstance(one, Settled) for one in await self.two.write(settling(*leases)))
        assert [] == await self.two.read(list_lanes), "no lane is left that nobody looks at"
        assert None is await self.two.write(next_due)
        assert 0 == await self.two.read(lambda tx: tx.execute("SELECT count(*) FROM lane").fetchone()[0])
        return seen


def adding(consumer: ConsumerId, key: str = "post:1") -> Callable[[Tx], int]:
    return lambda tx: append(
        tx, portal="m", key=key, kind="UPDATE", body=b"{}", source="rest", consumers=[consumer]
    )


def arriving(consumer: ConsumerId, key: str = "post:1") -> Callable[[Tx], int]:
    return lambda tx: append_arrivals(tx, [Arrival("m", key, "UPDATE", b"{}", tx.now_ms, "door", consumer)])[
        0
    ]


def leasing(*, entries_limit: int = 1) -> Callable[[Tx], list[Lease]]:
    return lambda tx: lease_due(tx, limit=100, lease_s=10, entries_limit=entries_limit)


def settling(*leases: Lease) -> Callable[[Tx], list[object]]:
    return lambda tx: list(settle_many(tx, [(lease, Done()) for lease in leases]))


def consumer(name: str = "handler", cap: int = 32) -> Callable[[Tx], ConsumerId]:
    return lambda tx: register(tx, portal="m", name=name, cap=cap)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with psycopg.connect(engines.database(tmp_path, "store", engine="postgresql"), autocommit=True) as conn:
        yield Gate(conn)


@pytest.fixture
async def house(tmp_path: Path, clock: ManualClock, gate: Gate, anyio_backend: str) -> AsyncIterator[House]:
    url = engines.database(tmp_path, "store", engine="postgresql")
    one, two = open_store(url, [], clock), open_store(url, [], clock)
    yield House(one, two, clock, gate)
    gate.open()
    await one.close()
    await two.close()


async def test_a_settle_waits_for_an_append_and_sees_its_entry(house: House) -> None:
    handler = await house.one.write(consumer())
    await house.one.write(adding(handler))
    (lease,) = await house.lease()
    appended = await house.stopped(adding(handler))
    settled = await house.blocked(settling(lease))
    seq, _ = await house.finish(appended, settled)

    assert [seq] == await house.seqs()


async def test_an_append_waits_for_a_settle_and_its_entry_is_due(house: House) -> None:
    handler = await house.one.write(consumer())
    await house.one.write(adding(handler))
    (lease,) = await house.lease()
    settled = await house.stopped(settling(lease))
    appended = await house.blocked(adding(handler))
    _, seq = await house.finish(settled, appended)

    assert [seq] == await house.seqs()


async def test_appends_of_one_consumer_are_numbered_as_they_are_committed(house: House) -> None:
    handler = await house.one.write(consumer())
    first = await house.stopped(adding(handler))
    second = await house.blocked(adding(handler))
    assert not second.done(), "it has no number before the first is committed"
    numbers = await house.finish(first, second)

    assert sorted(numbers) == numbers == await house.seqs()


async def test_a_lease_passes_over_a_consumer_whose_settle_is_uncommitted(house: House) -> None:
    busy, idle = [await house.one.write(consumer(name)) for name in ("busy", "idle")]
    await house.one.write(adding(busy))
    leases = await house.lease()
    await house.one.write(adding(busy, "post:2"))
    await house.one.write(adding(idle))
    settled = await house.stopped(settling(*leases))

    assert [idle] == [lease.consumer.id for lease in await house.lease()]

    await house.finish(settled)
    assert ["post:2"] == [lease.key for lease in await house.lease()], "and its other lane is not forgotten"


async def test_a_lease_waits_for_a_consumer_that_was_passed_over_for_a_second(house: House) -> None:
    busy = await house.one.write(consumer())
    await house.one.write(adding(busy))
    leases = await house.lease()
    await house.one.write(adding(busy, "post:2"))
    settled = await house.stopped(settling(*leases))
    house.clock.advance(2)
    leased = await house.blocked(leasing())
    _, found = await house.finish(settled, leased)

    assert ["post:2"] == [lease.key for lease in found]


async def test_arrivals_are_routed_after_a_lease_that_is_uncommitted_and_are_not_lost(house: House) -> None:
    handler = await house.one.write(consumer())
    first = await house.one.write(arriving(handler))
    await house.one.write(route_all)
    leased = await house.stopped(leasing())
    second = await house.two.write(arriving(handler))  # the door waits for nobody
    routed = await house.blocked(route_all)
    leases, _ = await house.finish(leased, routed)

    assert [first] == [entry.seq for lease in leases for entry in lease.entries]
    await house.one.write(settling(*leases))
    assert [second] == await house.seqs()


async def test_a_lease_that_sees_a_lane_before_its_route_is_committed_gets_it_afterwards(
    house: House,
) -> None:
    handler = await house.one.write(consumer())
    arrived = await house.one.write(arriving(handler))
    routed = await house.stopped(route_all)
    assert [] == await house.lease()
    await house.finish(routed)

    assert [arrived] == await house.seqs()


@pytest.mark.parametrize("entries_limit", [1, 5])
async def test_an_arrival_that_is_committed_after_a_later_number_was_leased_is_not_lost(
    house: House, entries_limit: int
) -> None:
    handler = await house.one.write(consumer())
    early = await house.stopped(arriving(handler))
    later = await house.two.write(arriving(handler))
    await house.two.write(route_all)
    leases = await house.lease(entries_limit=entries_limit)
    assert [later] == [entry.seq for lease in leases for entry in lease.entries]
    (earlier,) = await house.finish(early)
    assert earlier < later
    house.clock.advance(2)
    await house.two.write(route_all)
    await house.two.write(settling(*leases))

    assert [earlier] == await house.seqs()


async def test_settles_of_the_same_consumers_in_any_order_do_not_meet_in_a_deadlock(house: House) -> None:
    handlers = [await house.one.write(consumer(f"handler {n}")) for n in range(4)]
    for key in ("post:1", "post:2"):
        for handler in handlers:
            await house.one.write(adding(handler, key))
    leases = await house.lease()
    mine = [lease for lease in leases if lease.key == "post:1"]
    theirs = [lease for lease in reversed(leases) if lease.key == "post:2"]
    ours = await house.stopped(settling(*mine))
    waiting = await house.blocked(settling(*theirs))
    results = await house.finish(ours, waiting)

    assert all(isinstance(one, Settled) for result in results for one in result)
    assert 0 == house.gate.deadlocks()


async def test_a_deadlock_is_broken_up_and_the_unit_is_run_again(house: House) -> None:
    one, two = [await house.one.write(consumer(name)) for name in ("one", "two")]
    runs: list[str] = []
    barrier = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()

    def crossing(name: str, first: ConsumerId, second: ConsumerId) -> Callable[[Tx], None]:
        def unit(tx: Tx) -> None:
            locked = tx.execute("UPDATE consumer SET pace_ms = pace_ms + 1 WHERE id = ?", (first,)).rowcount
            assert 1 == locked
            runs.append(name)
            if runs.count(name) == 1:
                asyncio.run_coroutine_threadsafe(barrier.wait(), loop).result(10)
            tx.execute("UPDATE consumer SET pace_ms = pace_ms + 1 WHERE id = ?", (second,))

        return unit

    await asyncio.gather(house.one.write(crossing("a", one, two)), house.two.write(crossing("b", two, one)))

    assert 3 <= len(runs)
    paces = "SELECT pace_ms FROM consumer ORDER BY id"
    assert [2, 2] == [row[0] for row in await house.one.read(lambda tx: tx.execute(paces).fetchall())]


async def test_two_processes_under_load_see_every_entry_once_and_in_order(house: House) -> None:
    handlers = [await house.one.write(consumer(f"handler {n}", cap=3)) for n in range(3)]
    keys = [f"post:{n}" for n in range(5)]
    seen: dict[tuple[ConsumerId, str], list[int]] = {(h, key): [] for h in handlers for key in keys}
    acked: dict[tuple[ConsumerId, str], list[int]] = {name: [] for name in seen}
    rounds, is_over = 12, asyncio.Event()

    async def produce(store: Store, handler: ConsumerId, key: str, kind: str) -> None:
        for _ in range(rounds):
            unit = (adding if kind == "append" else arriving)(handler, key)
            acked[handler, key].append(await store.write(unit))

    async def consume(store: Store) -> None:
        while not is_over.is_set() or await store.read(list_lanes):
            await store.write(route_all)
            leases = await store.write(leasing())
            for lease in leases:
                seen[lease.consumer.id, lease.key] += [entry.seq for entry in lease.entries]
            await store.write(settling(*leases))

    workers = [asyncio.create_task(consume(store)) for store in (house.one, house.two)]
    await asyncio.gather(
        *(
            produce(store, handler, key, "append" if handler == handlers[0] else "arrival")
            for handler in handlers
            for store, key in zip([house.one, house.two] * 3, keys, strict=False)
        )
    )
    is_over.set()
    house.clock.advance(2)
    await asyncio.gather(*workers)

    assert acked == seen
    assert [] == await house.seqs()


async def test_who_routes_all_before_a_change_waits_for_his_turn_with_empty_hands(house: House) -> None:
    def routing(tx: Tx) -> None:
        tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('livefeed arrivals', 0))")
        tx.execute("SELECT pg_advisory_xact_lock(1, 1)")
        route_all(tx)

    first = asyncio.create_task(house.one.write(routing))
    await house.gate.reached()
    second = asyncio.create_task(house.two.write(route_all))
    await house.gate.at_the_route()

    assert [None, None] == await house.finish(first, second)
    assert 0 == house.gate.deadlocks()

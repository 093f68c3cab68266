"""The clockwork against a model, in any order of appends, leases, settles, failures, expiry and restarts."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from tests import engines
from tests.scratch import in_memory

from livefeed.clock import ManualClock
from livefeed.durable.arrivals import route_all
from livefeed.durable.consumers import get, list_consumers, register, retire, set_state
from livefeed.durable.dead import list_dead, replay_all
from livefeed.durable.entries import Arrival, append, append_arrivals, index_entries, list_entries
from livefeed.durable.lanes import Lease, Lost, lease_due, next_due, renew, settle, settle_many
from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.durable.store import open_store
from livefeed.errors import LeaseLost

from .model import LEASE_MS, Consumer

NAMES = ("plain", "narrow", "quiet")
KEYS = ("post:1", "post:2", "post:3", "post:4")


class Clockwork(RuleBasedStateMachine):
    """Every rule does one thing to the store and to the model, and compares."""

    leases = Bundle("leases")
    engine = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=in_memory()))
        self.url = engines.database(self.folder, "model", [], engine=self.engine)
        self.clock = ManualClock()
        self.runner = asyncio.Runner()
        self.store = self.opened()
        self.tokens: set[int] = set()
        self.seqs: dict[str, list[int]] = {}

    def opened(self):
        return open_store(self.url, [], self.clock)

    def write_rows(self, bulk, rows):
        """On PostgreSQL rows that are handed over one by one may be written side by side, in any order."""
        if self.engine == "postgresql":
            return self.write(lambda tx: bulk(tx, rows))

        async def all_at_once():
            return await asyncio.gather(*(self.store.write_row(bulk, row) for row in rows))

        return self.runner.run(all_at_once())

    def write(self, unit):
        return self.runner.run(self.store.write(unit))

    def read(self, query):
        return self.runner.run(self.store.read(query))

    def counted(self, consumer: int) -> int:
        """How many of its lanes are leased; on PostgreSQL its row says it too."""
        leased = "SELECT count(*) FROM lease WHERE consumer = :id"
        [[count]] = self.read(lambda tx: tx.execute(leased, {"id": consumer}).fetchall())
        if self.engine == "postgresql":
            noted = "SELECT in_flight FROM consumer WHERE id = :id"
            assert [(count,)] == [
                tuple(row) for row in self.read(lambda tx: tx.execute(noted, {"id": consumer}).fetchall())
            ]
        return count

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    @initialize()
    def begin(self) -> None:
        self.consumers = {name: self.registered(name) for name in NAMES}

    def registered(self, name: str) -> Consumer:
        cap, quiet, wait = {"plain": (32, 0, 0), "narrow": (2, 0, 0), "quiet": (32, 2_000, 5_000)}[name]
        number = self.write(
            lambda tx: register(tx, portal="m", name=name, cap=cap, quiet_ms=quiet, max_wait_ms=wait)
        )
        return Consumer(number, cap, quiet, wait)

    @rule(key=st.sampled_from(KEYS), names=st.sets(st.sampled_from(NAMES), min_size=1))
    def append(self, key: str, names: set[str]) -> None:
        ids = [self.consumers[name].id for name in names]
        seq = self.write(
            lambda tx: append(tx, portal="m", key=key, kind="K", body=b"b", source="s", consumers=ids)
        )
        self.appended(key, seq, names)

    @rule(rows=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(NAMES)), min_size=1, max_size=6))
    def arrive(self, rows: list[tuple[str, str]]) -> None:
        at = self.now
        arrivals = [Arrival("m", key, "K", b"b", at, "door", self.consumers[name].id) for key, name in rows]
        for (key, name), seq in zip(rows, self.write_rows(append_arrivals, arrivals), strict=True):
            self.appended(key, seq, {name})

    def appended(self, key: str, seq: int, names: set[str]) -> None:
        assert all(seq > known for known in self.seqs.get(key, []))
        self.seqs.setdefault(key, []).append(seq)
        for name in names:
            self.consumers[name].add(key, seq, self.now)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 3.0, 6.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(
        target=leases,
        limit=st.sampled_from([1, 2, 100]),
        most=st.sampled_from([1, 2, 10]),
        times=st.sampled_from([1, 1, 3]),
    )
    def lease(self, limit: int, most: int, times: int):
        times = 1 if self.engine == "postgresql" else times  # beside other processes nobody leases ahead

        def unit(tx):
            route_all(tx)
            return lease_due(tx, limit=limit, lease_s=LEASE_MS / 1000, entries_limit=most, times=times)

        taken = self.write(unit)
        self.compare(taken, limit, most, times)
        tokens = self.tokens_held()
        for consumer in self.consumers.values():
            consumer.expire(tokens, self.now)
        return multiple(*taken)

    def tokens_held(self) -> set[int]:
        return {row[0] for row in self.read(lambda tx: tx.execute("SELECT token FROM lease").fetchall())}

    def compare(self, taken: list[Lease], limit: int, most: int, times: int) -> None:
        # A consumer at its cap is left to the end of a lease, also by those who may lease ahead of it.
        least, may_be = (
            sum(one.may_have(self.now, times) for one in self.consumers.values()) for times in (1, times)
        )
        assert min(limit, least) <= len(taken) <= min(limit, may_be)
        by_id = {one.id: one for one in self.consumers.values()}
        due = {one.id: one.due(self.now) for one in self.consumers.values()}
        for lease in taken:
            assert lease.token not in self.tokens
            self.tokens.add(lease.token)
            consumer = by_id[lease.consumer.id]
            assert consumer.free(self.now, times) > 0
            lane = due[consumer.id].pop(lease.key)
            assert [entry.seq for entry in lease.entries] == lane.pending[:most]
            tries = lane.attempt + (lane.token is not None)
            assert (lease.attempt, lease.head) == (tries + 1, lane.pending[-1])
            lane.attempt = tries
            assert lease.consumer.epoch == consumer.epoch
            lane.token, lane.until = lease.token, self.now + LEASE_MS

    @rule(
        lease=leases,
        kind=st.sampled_from(["done", "first", "again", "down", "dead", "dead-down"]),
        after=st.integers(0, 8_000),
    )
    def settle(self, lease: Lease, kind: str, after: int) -> None:
        outcome, through = self.outcome(lease, kind, after)
        held = self.consumer_of(lease).holds(lease)
        try:
            self.write(lambda tx: settle(tx, lease, outcome))
        except LeaseLost:
            assert not held
            return
        assert held
        self.settled(lease, outcome, through)

    def outcome(self, lease: Lease, kind: str, after: int) -> tuple[Outcome, int]:
        through = lease.entries[0].seq
        at = self.now + after
        return {
            "done": (Done(), lease.through),
            "first": (Done(through=through), through),
            "again": (Again(at_ms=at, reason="refused"), 0),
            "down": (Down(probe_at_ms=at, reason="timeout"), 0),
            "dead": (Dead(reason="no"), lease.through),
            "dead-down": (Dead(reason="no", probe_at_ms=at), lease.through),
        }[kind]

    def consumer_of(self, lease: Lease) -> Consumer:
        return next(one for one in self.consumers.values() if one.id == lease.consumer.id)

    def settled(self, lease: Lease, outcome: Outcome, through: int) -> None:
        consumer = self.consumer_of(lease)
        match outcome:
            case Done():
                consumer.up()
                consumer.move_on(lease, through, self.now)
            case Again(at_ms=at):
                consumer.up()
                consumer.put_back(lease, at)
            case Down(probe_at_ms=at):
                consumer.down(lease, at)
                consumer.put_back(lease, self.now)
            case Dead(probe_at_ms=at):
                consumer.up() if at is None else consumer.down(lease, at)
                consumer.move_on(lease, through, self.now)

    @rule(some=st.lists(leases, min_size=1, max_size=5))
    def settle_together(self, some: list[Lease]) -> None:
        for lease, result in zip(
            some, self.write_rows(settle_many, [(one, Done()) for one in some]), strict=True
        ):
            assert isinstance(result, Lost) == (not self.consumer_of(lease).holds(lease))
            if not isinstance(result, Lost):
                self.settled(lease, Done(), lease.through)

    @rule(some=st.lists(leases, min_size=1, max_size=5))
    def renew(self, some: list[Lease]) -> None:
        self.write(lambda tx: renew(tx, some, lease_s=LEASE_MS / 1000))
        for lease in some:
            if self.consumer_of(lease).holds(lease):
                self.consumer_of(lease).lanes[lease.key].until = self.now + LEASE_MS

    @rule(name=st.sampled_from(NAMES), state=st.sampled_from(["active", "active", "paused", "withheld"]))
    def set_state(self, name: str, state: str) -> None:
        consumer = self.consumers[name]
        if consumer.state == "gone":
            return
        self.write(lambda tx: set_state(tx, consumer.id, state))
        consumer.state = state

    @rule(name=st.sampled_from(NAMES))
    def reinstall(self, name: str) -> None:
        consumer = self.consumers[name]
        self.write(lambda tx: retire(tx, consumer.id))
        consumer.retire()
        revived = self.registered(name)
        assert revived.id == consumer.id
        consumer.state = "active"

    @rule()
    def replay(self) -> None:
        # What is given nothing keeps its dead letters.
        letters = [
            letter
            for letter in self.read(lambda tx: list_dead(tx, limit=500))
            if self.consumers[letter.name].state in {"active", "paused"}
        ]
        newest = max((seq for seqs in self.seqs.values() for seq in seqs), default=0)
        assert self.write(lambda tx: replay_all(tx)) == len(letters)
        for number, letter in enumerate(letters, start=newest + 1):
            self.seqs.setdefault(letter.key, []).append(number)
            self.consumers[letter.name].add(letter.key, number, self.now)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.store.close())
        self.store = self.opened()
        if self.engine == "sqlite":  # on a server another process may hold leases
            for consumer in self.consumers.values():
                consumer.restart(self.now)

    @rule()
    def index(self) -> None:
        self.write(lambda tx: index_entries(tx, limit=3))

    @invariant()
    def every_entry_is_found_by_its_key(self) -> None:
        for key, seqs in self.seqs.items():
            found = self.read(lambda tx, key=key: list_entries(tx, portal="m", key=key, limit=1000))
            assert sorted(seqs) == sorted(entry.seq for entry in found)

    @invariant()
    def a_worker_wakes_in_time(self) -> None:
        """Nobody is looked at later than the model says that there is something to do."""
        self.write(route_all)
        # A file looks at all consumers whose leases have run out when the first of them has.
        ends = [lane.until for one in self.consumers.values() for lane in one.leased()]
        ends = ends if self.engine == "sqlite" else []
        for name in self.consumers:
            own = self.consumers[name]
            row = self.read(lambda tx, number=own.id: get(tx, number))
            assert row is not None
            assert len(own.leased()) == self.counted(own.id)
            if own.may_have(self.now):
                assert min(at for at in (row.ready_at_ms, *ends) if at is not None) <= self.now
            if own.state != "active" or not own.lanes:
                assert row.ready_at_ms is None or own.state == "active"
        due = self.read(next_due)
        ready = [one.ready_at_ms for one in self.read(list_consumers) if one.ready_at_ms is not None]
        latest = min((*ready, *ends), default=None)
        assert (due is None) == (latest is None)
        assert due is None or latest is None or due <= latest

    def teardown(self) -> None:
        """Whatever happened, what is left is delivered in order once everybody is well."""
        if hasattr(self, "consumers"):
            self.drain()
        self.runner.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)
        engines.forget(self.folder)

    def drain(self) -> None:
        for consumer in self.consumers.values():
            self.write(lambda tx, number=consumer.id: set_state(tx, number, "active"))
        left = {
            (one.id, key): list(lane.pending)
            for one in self.consumers.values()
            for key, lane in one.lanes.items()
        }
        for _ in range(200):
            self.clock.advance(12)
            taken = self.write(lambda tx: lease_due(tx, limit=100, lease_s=1, entries_limit=2))
            for lease in taken:
                pending = left[lease.consumer.id, lease.key]
                for entry in lease.entries:
                    assert pending.pop(0) == entry.seq
                self.write(lambda tx, lease=lease: settle(tx, lease, Done()))
            if not any(left.values()):
                break
        assert not any(left.values())
        assert self.read(lambda tx: tx.execute("SELECT count(*) FROM lane").fetchone()[0]) == 0
        assert self.read(lambda tx: tx.execute("SELECT count(*) FROM lease").fetchone()[0]) == 0


class SharedClockwork(Clockwork):
    """The same, on a server."""

    engine = "postgresql"


def bounded(machine: type[Clockwork], examples: int) -> type:
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return pytest.mark.skipif(machine.engine not in engines.both(), reason="of the other engine")(case)


TestClockwork = bounded(Clockwork, 25)
TestSharedClockwork = bounded(SharedClockwork, 5)

"""Turns: consumers as a lease or a settle has them, and when each is to be looked at next.

On PostgreSQL the row of a consumer says how many of its lanes are leased, and it is looked at when a lease
of it ends. A file counts its few leases and knows when the first of all ends: a settle rarely writes the row.
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from livefeed.durable.consumers import ConsumerId
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.rows import SQL, LeasedConsumer, as_json

_MANY: Final = 8
"""Of one that has, or was given, so many leases the next look is rarely in vain."""


class Turn(msgspec.Struct, array_like=True):
    """One consumer whose turn it is; `in_flight`, `not_before` and the last two are written back.

    Attributes:
        overdue: How many of its leases have run out; they are ended first.
        look_at: When it is to be looked at next, if that is known without a look at its lanes.
        due_from: No other of its lanes is due before.
    """

    id: ConsumerId
    portal: str
    name: str
    kind: str | None
    epoch: int
    fails: int
    cap: int
    pace_ms: int
    max_wait_ms: int
    in_flight: int
    not_before: int
    overdue: int = 0
    look_at: int | None = None
    due_from: int = 0

    def room(self, times: int) -> int:
        """How many more of its lanes may be leased at a time: one to probe with if it is down."""
        return (1 if self.fails else self.cap * times) - self.in_flight

    def free(self, now: int, times: int) -> int:
        """How many it may be leased now; one if it is paced."""
        if self.not_before > now:
            return 0
        room = self.room(times)
        return min(room, 1) if self.pace_ms else room

    def foresee(self, asked: int, given: int, now: int) -> None:
        """It was given so many of so many: fewer, and no other is due; many, and there will be more."""
        if given < asked:
            self.due_from = now + 1
        elif asked >= _MANY:
            self.look_at = now

    def consumer(self) -> LeasedConsumer:
        """What its leases say of it."""
        return LeasedConsumer(self.id, self.portal, self.name, self.kind, self.epoch, self.fails, self.cap)


class HeldConsumer(msgspec.Struct, array_like=True):
    """A consumer as locked; `fails`, `in_flight` and `not_before` are written back.

    Attributes:
        tokens: Of its leases; only in a file, where what was read stays true.
        was_full: How many of its lanes were leased, if others may wait for that; else 0.
        is_other: Whether `fails` or `not_before` is another than it was.
    """

    id: ConsumerId
    epoch: int
    fails: int
    in_flight: int
    not_before: int
    max_wait_ms: int
    cap: int
    ready_at: int | None
    tokens: set[int] = msgspec.field(default_factory=set[int])
    was_full: int = 0
    is_other: bool = False

    def is_full(self) -> bool:
        """Whether as many of its lanes are leased as may be, by those who do not lease ahead."""
        return self.in_flight >= (1 if self.fails else self.cap)

    def is_next(self, now: int) -> bool:
        """Whether it is going to be looked at anyway."""
        return self.ready_at is not None and self.ready_at <= now >= self.not_before


_consumers: Final = msgspec.json.Decoder(list[HeldConsumer])


def end_overdue(tx: Tx, now: int) -> None:
    """End the leases that have run out; a file looks for them when the first of all leases may have."""
    lease_end: int | None = SQL.lease_end(tx.conn)
    if lease_end is None or lease_end > now:
        return
    SQL.put_back_overdue(tx.conn, now=now)
    SQL.look_at_overdue(tx.conn, now=now)
    SQL.drop_overdue(tx.conn, now=now)
    SQL.forget_lease_end(tx.conn)
    SQL.find_lease_end(tx.conn)


def write_turns(tx: Tx, turns: Collection[Turn], times: int, now: int) -> None:
    """Write down when each of those who were looked at is to be looked at again."""
    if tx.is_shared:
        rows = [(turn.id, turn.in_flight, turn.fails, turn.not_before, turn.look_at) for turn in turns]
        SQL.write_turns.send(tx.conn, turns=as_json(rows), now=now, times=times)
        return
    paced = [(turn.id, turn.fails, turn.not_before) for turn in turns if turn.pace_ms]
    if paced:
        SQL.note_states.send(tx.conn, states=as_json(paced))
    full: list[ConsumerId] = []
    again: list[ConsumerId] = []
    when_due: dict[int, list[ConsumerId]] = {}
    for turn in turns:
        if turn.room(times) <= 0:
            full.append(turn.id)
        elif turn.look_at is not None:
            again.append(turn.id)
        else:
            when_due.setdefault(turn.due_from, []).append(turn.id)
    _look_at(tx, full, None)
    _look_at(tx, again, now)
    for due_from, some in when_due.items():
        _look_when_due(tx, some, due_from, now)


def hold_consumers(tx: Tx, ids: Iterable[ConsumerId]) -> dict[ConsumerId, HeldConsumer]:
    """Lock the rows that a settle decides from."""
    held = _consumers.decode(SQL.held_consumers(tx.conn, consumers=as_json(sorted(ids))))
    for one in held:
        one.in_flight = one.in_flight if tx.is_shared else len(one.tokens)
        one.was_full = one.in_flight if one.is_full() else 0
    return {one.id: one for one in held}


def write_held(tx: Tx, consumers: Iterable[HeldConsumer]) -> None:
    """Write back what a settle has changed, and when each consumer is to be looked at.

    Who looks at a consumer works that out from its lanes and leases, which is dear. Where he comes next
    anyway, it is left to him: at one that is due to be looked at, and at one that was full and has room now.
    """
    if tx.is_shared:
        _write_all(tx, consumers)
        return
    changed = [one for one in consumers if one.was_full or one.is_other]
    states = [(one.id, one.fails, one.not_before) for one in changed if one.is_other]
    if states:
        SQL.note_states.send(tx.conn, states=as_json(states))
    moved = [one for one in changed if not one.is_next(tx.now_ms)]
    soon = {one.id for one in moved if one.was_full >= _MANY and not one.is_other}
    _look_at(tx, soon, tx.now_ms)
    _look_when_due(tx, [one.id for one in moved if one.id not in soon], 0, tx.now_ms)


def _write_all(tx: Tx, consumers: Iterable[HeldConsumer]) -> None:
    kept: list[tuple[int, int, int, int]] = []
    moved: list[tuple[int, int, int, int, int | None]] = []
    for one in consumers:
        row = (one.id, one.in_flight, one.fails, one.not_before)
        if one.is_next(tx.now_ms):
            kept.append(row)
        else:
            moved.append((*row, tx.now_ms if one.was_full and not one.is_full() else None))
    if kept:
        SQL.keep_turns.send(tx.conn, turns=as_json(kept))
    if moved:
        SQL.write_turns.send(tx.conn, turns=as_json(moved), now=tx.now_ms, times=1)


def _look_at(tx: Tx, consumers: Collection[ConsumerId], at: int | None) -> None:
    if consumers:
        SQL.look_at.send(tx.conn, consumers=as_json(list(consumers)), at=at)


def _look_when_due(tx: Tx, consumers: Collection[ConsumerId], due_from: int, now: int) -> None:
    if consumers:
        SQL.look_when_due.send(tx.conn, consumers=as_json(list(consumers)), due_from=due_from, now=now)

"""Lease: takes due lanes, one turn for each consumer, and hides them for a while."""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.engines.unit import Tx
from livefeed.durable.entries import Entry
from livefeed.durable.lanes.rows import SQL, Lease, LeasedConsumer, as_json
from livefeed.durable.lanes.turns import Turn, end_overdue, write_turns


class _Due(msgspec.Struct, array_like=True):
    """One due lane."""

    consumer: ConsumerId
    key: str
    head: int
    attempt: int
    first_at: int
    calm_at: int
    due_at: int
    first: int | None

    def really_due_at(self, max_wait_ms: int) -> int:
        """A lane that has got more since waits until it is calm; one that is retried does not."""
        return (
            self.due_at if self.attempt else max(self.due_at, min(self.calm_at, self.first_at + max_wait_ms))
        )


# Lanes that a consumer is given in one turn while others wait: its pages are read and written once for them.
_TURN: Final = 32
_SHARES: Final = 8  # but a small limit is shared among as many

_turns: Final = msgspec.json.Decoder(list[Turn])
_due: Final = msgspec.json.Decoder(list[_Due])
_pairs: Final = msgspec.json.Decoder(list[tuple[int, int]])


def lease_due(
    tx: Tx,
    *,
    limit: int,
    lease_s: float,
    entries_limit: int = 1,
    times: int = 1,
    now_ms: int | None = None,
) -> list[Lease]:
    """Take up to ``limit`` due lanes and hide them for ``lease_s`` seconds.

    The consumers that have waited longest come first; each then goes to the back of the queue. One at its cap
    gets none, one that is down gets one to be probed with.

    Args:
        tx: The unit.
        limit: At least 1.
        lease_s: Seconds before another worker may take the lane; longer than one attempt, or renewed.
        entries_limit: How many entries of a lane are leased as one run.
        times: How many times its cap a consumer may be leased; above 1 it is the caller who keeps to the cap.
        now_ms: The time; default: the unit's.

    Returns:
        Leases, at most ``limit``; empty when nothing is due.
    """
    now = tx.now_ms if now_ms is None else now_ms
    leases: list[Lease] = []
    if tx.is_shared:
        SQL.await_overdue(tx.conn, now=now)
    else:
        end_overdue(tx, now)
    until = now + round(lease_s * 1000)
    each = max(1, min(_TURN, limit // _SHARES))
    while len(leases) < limit:
        left = limit - len(leases)
        turns = _turns.decode(SQL.due_consumers(tx.conn, now=now, limit=max(1, left // each)))
        if not turns:
            break
        taken = _take_turns(tx, turns, left, until, entries_limit, times, now)
        each = max(1, min(each, len(taken) // len(turns)))
        leases += taken
    if leases and not tx.is_shared:
        SQL.note_lease_end.send(tx.conn, until=until)
    return leases


def _take_turns(
    tx: Tx, turns: list[Turn], limit: int, until: int, entries_limit: int, times: int, now: int
) -> list[Lease]:
    for turn in turns:
        if turn.overdue:
            SQL.put_back_overdue_of(tx.conn, consumer=turn.id, now=now)
            turn.in_flight -= SQL.drop_overdue_of(tx.conn, consumer=turn.id, now=now)
    lanes = _pick(tx, turns, limit, times, now)
    by_id = {turn.id: turn for turn in turns}
    leases = _leases(tx, lanes, by_id, entries_limit)
    marks = [(lease.consumer.id, lease.key, lease.token, until) for lease in leases]
    sql.run_rows(tx, SQL.add_lease, marks)
    _count(by_id, leases, now)
    write_turns(tx, turns, times, now)
    return leases


def _pick(tx: Tx, turns: list[Turn], limit: int, times: int, now: int) -> list[_Due]:
    """An equal share for each consumer that may have some, the longest due first."""
    free = {turn.id: free for turn in turns if (free := turn.free(now, times)) > 0}
    if not free:
        return []
    share = min(max(1, limit // len(free)), max(free.values()))
    due = _due.decode(SQL.due_lanes(tx.conn, consumers=as_json(list(free)), turn=share, now=now))
    due.sort(key=lambda lane: lane.due_at)
    waits = {turn.id: turn.max_wait_ms for turn in turns}
    left = free.copy()
    picked: list[_Due] = []
    early: list[tuple[ConsumerId, str, int]] = []
    for lane in due:
        # What is calm is really due: nearly all are.
        if lane.calm_at > now and (really_at := lane.really_due_at(waits[lane.consumer])) > now:
            early.append((lane.consumer, lane.key, really_at))
        elif left[lane.consumer] > 0:
            left[lane.consumer] -= 1
            picked.append(lane)
    postponed = {consumer for consumer, _, _ in early}
    for turn in turns:
        if left.get(turn.id, 0) > 0 and turn.id not in postponed:
            turn.foresee(share, free[turn.id] - left[turn.id], now)
    if early:
        SQL.postpone_lanes.send(tx.conn, lanes=as_json(early))
    return picked


def _leases(tx: Tx, lanes: list[_Due], turns: dict[ConsumerId, Turn], entries_limit: int) -> list[Lease]:
    if not lanes:
        return []
    runs = _runs(tx, lanes, entries_limit)
    tokens = tx.take_many("token", len(lanes))
    consumers = {turn.id: turn.consumer() for turn in turns.values()}
    leases: list[Lease] = []
    empty: list[tuple[ConsumerId, str]] = []
    for number, (lane, run) in zip(tokens, zip(lanes, runs, strict=True), strict=True):
        if run:
            leases.append(_lease(lane, consumers[lane.consumer], number, run))
        else:
            empty.append((lane.consumer, lane.key))
    if empty:  # every entry of these was purged
        sql.run_terms(tx, SQL.drop_whole_lane, empty)
    return leases


def _lease(lane: _Due, consumer: LeasedConsumer, token: int, run: Sequence[Entry]) -> Lease:
    return Lease(consumer, lane.key, token, lane.head, lane.attempt + 1, lane.first_at, tuple(run))


def _runs(tx: Tx, lanes: list[_Due], entries_limit: int) -> Sequence[Sequence[Entry]]:
    """The entries of each lane; none where all were purged."""
    if entries_limit == 1:
        found = _found(tx, {lane.first for lane in lanes if lane.first is not None})
        return [(found[lane.first],) if lane.first in found else () for lane in lanes]
    seqs = _seqs(tx, lanes, entries_limit)
    found = _found(tx, {seq for run in seqs for seq in run})
    return [[found[seq] for seq in run if seq in found] for run in seqs]


def _found(tx: Tx, seqs: set[int]) -> dict[int | None, Entry]:
    return {row[0]: Entry(*row) for row in SQL.entries_of(tx.conn, seqs=as_json(sorted(seqs)))}


def _seqs(tx: Tx, lanes: list[_Due], most: int) -> list[list[int]]:
    asked = [(lane.consumer, lane.key) for lane in lanes]
    seqs: list[list[int]] = [[] for _ in lanes]
    for index, seq in _pairs.decode(SQL.run_seqs(tx.conn, lanes=as_json(asked), most=most)):
        seqs[index].append(seq)
    return seqs


def _count(turns: dict[ConsumerId, Turn], leases: list[Lease], now: int) -> None:
    """Count what was leased, and pace."""
    for lease in leases:
        turn = turns[lease.consumer.id]
        turn.in_flight += 1
        if turn.pace_ms:
            turn.not_before = max(turn.not_before, now + turn.pace_ms)

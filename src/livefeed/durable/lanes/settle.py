"""Settle: ends leases, many with a few statements, deciding only from the rows it has locked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

import msgspec

from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.dead import bury
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.rows import SQL, Lease, as_json
from livefeed.durable.lanes.turns import HeldConsumer, hold_consumers, write_held
from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.errors import LeaseLost
from livefeed.failpoints import is_mutated

_IS_UNFENCED: Final = is_mutated("drop-fence")
_IS_HEAD_STALE: Final = is_mutated("settle-by-subselect")


class Settled(msgspec.Struct, frozen=True):
    """The outcome and its effects are stored."""


class Lost(msgspec.Struct, frozen=True):
    """Somebody else holds the lane, or its consumer is gone: nothing is stored."""


class _HeldLane(msgspec.Struct, array_like=True):
    """A lane as locked.

    Attributes:
        index: The row of the batch that asked for it.
        token: Of its lease.
        head: The highest seq that it has still to deal with.
        calm_at: When it has been quiet for long enough.
        has_more: Whether entries wait that were not leased. Where units run side by side a lower seq may be
            committed after a higher one was leased, so that `head` alone does not say it.
    """

    index: int
    token: int
    head: int
    calm_at: int
    has_more: bool = False


_SETTLED: Final = Settled()
_LOST: Final = Lost()

Row = tuple[Lease, Outcome]
"""A lease, and what became of it."""

_lanes: Final = msgspec.json.Decoder(list[_HeldLane])


@dataclass(slots=True)
class _Changes:
    """What a batch of settles does to the lanes."""

    ended: list[tuple[ConsumerId, str]] = field(default_factory=list[tuple[ConsumerId, str]])
    dropped: list[tuple[ConsumerId, str, int]] = field(default_factory=list[tuple[ConsumerId, str, int]])
    put_back: list[tuple[ConsumerId, str, int, int, int]] = field(
        default_factory=list[tuple[ConsumerId, str, int, int, int]]
    )
    dead: list[tuple[Lease, int, str]] = field(default_factory=list[tuple[Lease, int, str]])
    retried: list[Lease] = field(default_factory=list[Lease])


def settle(tx: Tx, lease: Lease, outcome: Outcome) -> None:
    """End one lease and run the outcome's effects, in this unit.

    Raises:
        LeaseLost: Somebody else holds the lane, or its consumer is gone; let it roll back the unit.
    """
    if isinstance(settle_many(tx, [(lease, outcome)])[0], Lost):
        raise LeaseLost(f"{lease.consumer.name} {lease.key}: the lease {lease.token} is over")


def settle_many(tx: Tx, rows: Sequence[Row]) -> list[Settled | Lost]:
    """End many leases and run the effects of those that still held; a bulk unit for `Store.write_row`.

    An exception of one outcome's effects fails that row alone: the writer then runs each row apart.
    """
    for portal in sorted({lease.consumer.portal for lease, outcome in rows if outcome.effects is not None}):
        tx.serialize(portal)
    consumers = hold_consumers(tx, {lease.consumer.id for lease, _ in rows})
    if tx.is_shared or _IS_UNFENCED or _IS_HEAD_STALE:
        results = _settle_each(tx, rows, consumers)
    else:
        results = _settle_alone(tx, rows, consumers)
    write_held(tx, consumers.values())
    for (_, outcome), result in zip(rows, results, strict=True):
        if outcome.effects is not None and result is _SETTLED:
            outcome.effects(tx)
    return results


def _settle_alone(
    tx: Tx, rows: Sequence[Row], consumers: dict[ConsumerId, HeldConsumer]
) -> list[Settled | Lost]:
    """Where one unit runs at a time: what is simply done, as nearly everything is, costs one insert."""
    results: list[Settled | Lost] = [_LOST] * len(rows)
    done: list[tuple[ConsumerId, str, int, int, int, int]] = []
    others: list[int] = []
    now = tx.now_ms
    for index, (lease, outcome) in enumerate(rows):
        id_, token = lease.consumer.id, lease.token
        consumer = consumers.get(id_)
        if consumer is None or token not in consumer.tokens or consumer.epoch != lease.consumer.epoch:
            continue
        if type(outcome) is Done and outcome.through is None and lease.attempt == 1 == len(lease.entries):
            consumer.tokens.remove(token)
            _set_up(consumer)
            done.append((id_, lease.key, token, lease.entries[0].seq, now, consumer.max_wait_ms))
            results[index] = _SETTLED
        else:
            others.append(index)
    sql.run_rows(tx, SQL.end_lane, done)
    if others:
        settled = _settle_each(tx, [rows[index] for index in others], consumers)
        for index, result in zip(others, settled, strict=True):
            results[index] = result
    return results


def _settle_each(
    tx: Tx, rows: Sequence[Row], consumers: dict[ConsumerId, HeldConsumer]
) -> list[Settled | Lost]:
    """Decide for each row, then do the same to all of them."""
    lanes = _lock_lanes(tx, rows)
    changes = _Changes()
    results: list[Settled | Lost] = []
    ended: set[tuple[ConsumerId, str]] = set()
    for index, (lease, outcome) in enumerate(rows):
        name = lease.consumer.id, lease.key
        consumer, lane = consumers.get(lease.consumer.id), lanes.get(index)
        if consumer is None or lane is None or name in ended or not _holds(lease, consumer, lane):
            results.append(_LOST)
            continue
        ended.add(name)
        consumer.in_flight -= 1
        changes.ended.append((consumer.id, lease.key))
        _decide(changes, lease, outcome, consumer, lane, tx.now_ms)
        results.append(_SETTLED)
    _write(tx, changes)
    return results


def _lock_lanes(tx: Tx, rows: Sequence[Row]) -> dict[int, _HeldLane]:
    asked = [(lease.consumer.id, lease.key, [entry.seq for entry in lease.entries]) for lease, _ in rows]
    held = _lanes.decode(SQL.held_lanes(tx.conn, lanes=as_json(asked)))
    return {lane.index: lane for lane in held}


def _holds(lease: Lease, consumer: HeldConsumer, lane: _HeldLane) -> bool:
    """The fence: an old lease must not settle what somebody else holds now."""
    if _IS_UNFENCED:
        return True
    return lane.token == lease.token and consumer.epoch == lease.consumer.epoch


def _decide(
    changes: _Changes, lease: Lease, outcome: Outcome, consumer: HeldConsumer, lane: _HeldLane, now: int
) -> None:
    match outcome:
        case Done():
            _set_up(consumer)
            _move_on(changes, lease, _through(lease, outcome), consumer, lane, now)
        case Dead():
            if outcome.probe_at_ms is None:
                _set_up(consumer)
            else:
                _set_down(consumer, lease, outcome.probe_at_ms)
            through = _through(lease, outcome)
            changes.dead.append((lease, through, outcome.reason))
            _move_on(changes, lease, through, consumer, lane, now)
        case Again():
            if outcome.is_try:
                _set_up(consumer)
            _put_back(changes, lease, max(outcome.at_ms, now), is_try=outcome.is_try)
        case Down():
            _set_down(consumer, lease, outcome.probe_at_ms)
            _put_back(changes, lease, now)
        case _:
            assert_never(outcome)


def _through(lease: Lease, outcome: Done | Dead) -> int:
    """Only what was leased can be dealt with: a later entry has not been seen."""
    return lease.through if outcome.through is None else min(outcome.through, lease.through)


def _set_up(consumer: HeldConsumer) -> None:
    """It answered."""
    if consumer.fails:
        consumer.fails = 0
        consumer.not_before = 0
        consumer.is_other = True


def _set_down(consumer: HeldConsumer, lease: Lease, probe_at_ms: int) -> None:
    """It did not answer; many leases that fail together count once."""
    consumer.is_other = True
    consumer.fails = max(consumer.fails, lease.consumer.fails + 1)
    consumer.not_before = max(consumer.not_before, probe_at_ms)


def _move_on(
    changes: _Changes, lease: Lease, through: int, consumer: HeldConsumer, lane: _HeldLane, now: int
) -> None:
    """Delete the lane if nothing is left; else it is due again, once it is calm."""
    if lease.attempt > 1:
        changes.retried.append(lease)
    head = lease.head if _IS_HEAD_STALE else lane.head
    name = lease.consumer.id, lease.key
    changes.dropped += [(*name, entry.seq) for entry in lease.entries if entry.seq <= through]
    if head <= through and not lane.has_more:
        changes.dropped.append((*name, 0))
        return
    due_at = max(now, min(lane.calm_at, now + consumer.max_wait_ms))
    changes.put_back.append((*name, now, due_at, 0))


def _put_back(changes: _Changes, lease: Lease, due_at: int, *, is_try: bool = True) -> None:
    attempt = lease.attempt if is_try else lease.attempt - 1
    changes.put_back.append((lease.consumer.id, lease.key, lease.first_at_ms, due_at, attempt))


def _write(tx: Tx, changes: _Changes) -> None:
    sql.run_terms(tx, SQL.drop_lease, changes.ended)
    if changes.dropped:
        sql.run_terms(tx, SQL.drop_row, changes.dropped)
    if changes.put_back:
        SQL.put_back_lanes.send(tx.conn, lanes=as_json(changes.put_back))
    if changes.dead:
        bury(
            tx,
            [
                (one.consumer.id, entry, why)
                for one, through, why in changes.dead
                for entry in one.entries
                if entry.seq <= through
            ],
        )
    if changes.retried:
        sql.run_terms(tx, SQL.forget_done, [(one.consumer.id, one.key) for one in changes.retried])

"""Entries: appends events and makes the lanes of the consumers concerned due, in the caller's unit."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

from livefeed import telemetry
from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId, hold
from livefeed.durable.engines.unit import Tx

LANES: Final = "lanes"
"""The topic that is woken when a consumer has got work earlier than it was looked at."""

ARRIVALS: Final = "arrivals"
"""The topic that is woken when entries wait for their lanes; see `livefeed.durable.arrivals`."""

_SQL: Final = sql.load("livefeed.durable", "queries/entries.sql")
_encode: Final = msgspec.json.encode

_Row = tuple[ConsumerId, str, int, int | None, str, int | None]
"""A row of a lane: consumer, key, seq (0: the lane itself), head, kind, now."""


class Entry(msgspec.Struct, frozen=True):
    """One event as stored.

    Attributes:
        seq: Its place in the order of commits.
        portal: The portal's member_id.
        key: What it is about, in the caller's words: ``post:205``, ``person:5``.
        kind: The name of the event.
        body: What the caller stored.
        at_ms: When it happened.
        source: Who stored it: ``rest``, ``web``, ``door``, ``replay`` …
        only: The one consumer that sees it; None: all.
    """

    seq: int
    portal: str
    key: str
    kind: str
    body: bytes
    at_ms: int
    source: str
    only: ConsumerId | None = None


class Arrival(msgspec.Struct, frozen=True):
    """An event at the door, for one consumer; None: kept, but nobody has to do anything.

    An urgent one does not wait for its consumer's quiet time.
    """

    portal: str
    key: str
    kind: str
    body: bytes
    at_ms: int
    source: str
    consumer: ConsumerId | None
    is_urgent: bool = False


class Addition(msgspec.Struct, frozen=True):
    """An event that is to be appended, and who gets it; see `append`."""

    portal: str
    key: str
    kind: str
    body: bytes
    source: str
    consumers: Sequence[ConsumerId]
    only: ConsumerId | None = None


def append(
    tx: Tx,
    *,
    portal: str,
    key: str,
    kind: str,
    body: bytes,
    source: str,
    consumers: Sequence[ConsumerId],
    only: ConsumerId | None = None,
) -> int:
    """Append one entry and make the lane of each consumer due after its quiet time.

    Consumers that are withheld or gone get no lane.

    Returns:
        The entry's seq.
    """
    return append_many(tx, [Addition(portal, key, kind, body, source, consumers, only)])[0]


def append_many(tx: Tx, additions: Sequence[Addition]) -> Sequence[int]:
    """Append entries as `append` does, in their order, with one statement a table for all of them.

    Returns:
        The seq of each.
    """
    if not additions:
        return ()
    hold(tx, [consumer for one in additions for consumer in one.consumers])
    now = tx.now_ms
    seqs = tx.take_many("entry", len(additions))
    numbered = list(zip(seqs, additions, strict=True))
    sql.run_rows(
        tx,
        _SQL.add_entries,
        [
            (seq, one.portal, one.key, one.kind, one.body, now, one.source, one.only, None, 0)
            for seq, one in numbered
        ],
    )
    # A statement has each lane once, with its last head; who hears of one kind only has no lane of another.
    for kind, some in groupby(numbered, key=lambda pair: pair[1].kind):
        rows: dict[tuple[ConsumerId, str, int], _Row] = {}
        for seq, one in some:
            for consumer in one.consumers:
                rows[consumer, one.key, 0] = (consumer, one.key, 0, seq, kind, now)
                rows[consumer, one.key, seq] = (consumer, one.key, seq, None, kind, None)
        _make_due(tx, [rows[place] for place in sorted(rows)])
    if not tx.is_shared:
        _SQL.pass_over(tx.conn, first=seqs[0], last=seqs[-1])
    tx.count(telemetry.events_appended, len(additions))
    return seqs


def append_arrivals(tx: Tx, rows: Sequence[Arrival]) -> list[int]:
    """Append many entries with one statement; a bulk unit for `Store.write_row`.

    Their lanes are written a moment later, in bulk: the worker calls `route_arrivals`. What is answered after
    this commit is never lost: the entries are stored, and so is how far they are routed.

    Returns:
        The seq of each.
    """
    seqs = list(tx.take_many("entry", len(rows)))
    # sqlite3 takes integers, texts and bytearrays as they are; for bytes, booleans and None it first asks
    # around for somebody who would convert them, which costs as much as storing them.
    kept = bytes if tx.is_shared else bytearray
    entries = [
        (
            seq,
            one.portal,
            one.key,
            one.kind,
            kept(one.body),
            one.at_ms,
            one.source,
            one.consumer,
            int(one.is_urgent),
        )
        for seq, one in zip(seqs, rows, strict=True)
    ]
    sql.run_rows(tx, _SQL.add_arrivals, entries)
    tx.wake(ARRIVALS)
    tx.count(telemetry.events_appended, len(rows))
    return seqs


def append_batches(tx: Tx, batches: Sequence[Sequence[Arrival]]) -> list[None]:
    """Append the arrivals of many callers, each of whom waits for all of his; a bulk unit."""
    append_arrivals(tx, [one for batch in batches for one in batch])
    return [None] * len(batches)


def _make_due(tx: Tx, rows: Sequence[_Row]) -> None:
    if not rows:
        return
    sql.run_rows(tx, _SQL.add_rows, rows)
    consumers = sorted({row[0] for row in rows})
    if _SQL.lower_ready(tx.conn, consumers=_encode(consumers).decode(), now=tx.now_ms) > 0:
        tx.wake(LANES)


def get_entry(tx: Tx, seq: int) -> Entry | None:
    """The entry with this seq, unless it is purged."""
    row = _SQL.get_entry(tx.conn, seq=seq)
    return None if row is None else Entry(*row)


def list_entries(
    tx: Tx, *, portal: str | None = None, key: str | None = None, since_ms: int = 0, limit: int = 100
) -> list[Entry]:
    """The newest entries first: those of one portal's key, of one portal, or of all."""
    after = before_moment(tx, since_ms)
    if portal is None:
        return _entries(_SQL.list_all_entries(tx.conn, after=after, limit=limit))
    if key is None:
        return _entries(_SQL.list_portal_entries(tx.conn, portal=portal, after=after, limit=limit))
    return _entries(_SQL.list_entries(tx.conn, portal=portal, key=key, after=after, limit=limit))


def newest_of_kind(tx: Tx, *, portal: str, key: str, kind: str, consumer: ConsumerId) -> Entry | None:
    """The newest entry of a key that a consumer of this kind was to see."""
    row = _SQL.newest_of_kind(tx.conn, portal=portal, key=key, kind=kind, consumer=consumer)
    return None if row is None else Entry(*row)


def entries_after(tx: Tx, *, portal: str, after: int, limit: int) -> list[Entry]:
    """The oldest entries of one portal beyond the seq ``after`` first."""
    return _entries(_SQL.portal_entries_after(tx.conn, portal=portal, after=after, limit=limit))


def before_moment(tx: Tx, at_ms: int) -> int:
    """A seq before which everything is older than ``at_ms``, found in steps that halve; seqs follow time."""
    if at_ms <= 0:
        return 0
    low, high = 0, int(_SQL.newest(tx.conn) or 0)
    while low < high:
        middle = (low + high + 1) // 2
        row = _SQL.entry_from(tx.conn, seq=middle)
        if row is None or row["at"] >= at_ms:
            high = middle - 1
        else:
            low = row["seq"]
    return low


def _entries(rows: Iterable[Sequence[Any]]) -> list[Entry]:
    return [Entry(*row) for row in rows]


def index_entries(tx: Tx, *, limit: int = 500) -> int:
    """Make up to ``limit`` entries known to the index by key; the worker does it when nothing is due.

    Returns:
        How many were; call again, in another unit, until it is 0.
    """
    after: int = _SQL.indexed(tx.conn)
    through = min(after + limit, int(_SQL.newest(tx.conn) or 0))
    if through <= after:
        return 0
    _SQL.index_entries(tx.conn, after=after, through=through)
    _SQL.order_entries(tx.conn, after=after, through=through)
    _SQL.set_indexed(tx.conn, through=through)
    return through - after

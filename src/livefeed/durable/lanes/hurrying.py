"""Lanes that wait for their next try, tried at once: what failed may have been mended."""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId, hold, refresh
from livefeed.durable.engines.unit import Tx
from livefeed.durable.entries import Entry
from livefeed.durable.lanes.rows import SQL, as_json

_CONSUMERS: Final = sql.load("livefeed.durable", "queries/consumers.sql")
_SLICE: Final = 20
_RUN: Final = 256
_pairs: Final = msgspec.json.Decoder(list[tuple[int, int]])


class Hurried(msgspec.Struct, frozen=True):
    """A lane that is tried at once.

    Attributes:
        consumer: Whose.
        name: The consumer's name.
        key: What it is about.
        entries: What the try is made with, and what may be behind it.
    """

    consumer: ConsumerId
    name: str
    key: str
    entries: tuple[Entry, ...]


def hurry_failing(
    tx: Tx, *, portal: str | None = None, key: str | None = None, after: tuple[int, str] = (0, "")
) -> Sequence[Hurried]:
    """Let a slice of the lanes that failed be tried at once: of one portal or all, about one thing or any.

    How often they were tried stays, so one that fails again waits as long as it would have. A consumer that
    is down is probed. Nothing that waits for a quiet time is hurried.

    Args:
        tx: The unit.
        portal: Of this portal only.
        key: About this only.
        after: Consumer and key of the last lane of the slice before.

    Returns:
        At most 20, with at most 256 entries each; empty when nothing waits for another try.
    """
    rows = SQL.failing_lanes(
        tx.conn,
        portal=portal,
        key=key,
        now=tx.now_ms,
        after_consumer=after[0],
        after_key=after[1],
        limit=_SLICE,
    )
    lanes = [(ConsumerId(row["consumer"]), str(row["key"]), str(row["name"])) for row in rows]
    consumers = sorted({consumer for consumer, _, _ in lanes})
    hold(tx, consumers)
    for consumer in consumers:
        _CONSUMERS.end_pause(tx.conn, id=consumer)
    for consumer, about, _ in lanes:
        SQL.hurry_lane(tx.conn, consumer=consumer, key=about, now=tx.now_ms)
    if consumers:
        refresh(tx, consumers)
    runs = _runs(tx, [(consumer, about) for consumer, about, _ in lanes])
    return [
        Hurried(consumer, name, about, tuple(run))
        for (consumer, about, name), run in zip(lanes, runs, strict=True)
    ]


def _runs(tx: Tx, lanes: Sequence[tuple[ConsumerId, str]]) -> list[list[Entry]]:
    found = _pairs.decode(SQL.run_seqs(tx.conn, lanes=as_json(lanes), most=_RUN))
    seqs = as_json(sorted({seq for _, seq in found}))
    entries = {row[0]: Entry(*row) for row in SQL.entries_of(tx.conn, seqs=seqs)}
    runs: list[list[Entry]] = [[] for _ in lanes]
    for index, seq in found:
        if seq in entries:
            runs[index].append(entries[seq])
    return runs

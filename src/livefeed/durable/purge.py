"""Purge: drops what is older than its retention, a slice at a time."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from livefeed.durable import sql
from livefeed.durable.attempts import drop_attempts_of
from livefeed.durable.consumers import hold
from livefeed.durable.dead import bury
from livefeed.durable.engines.unit import Tx
from livefeed.durable.entries import Entry, before_moment

ENTRIES_DAYS: Final = 30
DEAD_DAYS: Final = 90
_DAY_MS: Final = 86_400_000
_ONE_AT_A_TIME: Final = "purge"

_SQL: Final = sql.load("livefeed.durable", "queries/records.sql")


def purge_entries(tx: Tx, *, before_ms: int, limit: int = 100, kept: Sequence[str] = ()) -> int:
    """Drop up to ``limit`` entries older than ``before_ms``, but for those that are ``kept``.

    What a consumer has still not dealt with becomes one dead letter of that consumer, ``expired``. Entries of
    lanes that are leased stay until they are settled.

    Args:
        tx: The unit.
        before_ms: What is younger stays.
        limit: At most so many.
        kept: A portal, or a portal, a space and a key.

    Returns:
        How many entries were dropped; call again, in another unit, until it is 0.
    """
    tx.serialize(_ONE_AT_A_TIME)
    through = before_moment(tx, before_ms)
    if not through:
        return 0
    asked = {"through": through, "before": before_ms, "kept": _as_json(kept), "limit": limit}
    rows = list(_SQL.old_entries(tx.conn, **asked))
    dropped = [
        (row["portal"], row["key"], row["seq"])
        for row in rows
        if _expire(tx, Entry(row["seq"], row["portal"], row["key"], row["kind"], row["body"], 0, ""))
    ]
    _drop(tx, dropped)
    return len(dropped)


def _expire(tx: Tx, entry: Entry) -> bool:
    """Bury what is pending; False: somebody has leased it in the meantime."""
    pending = _SQL.pending_for(tx.conn, portal=entry.portal, key=entry.key, seq=entry.seq)
    consumers = [consumer for (consumer,) in pending]
    hold(tx, consumers)
    if tx.is_shared and consumers and _SQL.is_leased(tx.conn, portal=entry.portal, key=entry.key):
        return False
    for consumer in consumers:
        bury(tx, [(consumer, entry, "expired")])
        _SQL.drop_pending(tx.conn, consumer=consumer, key=entry.key, seq=entry.seq)
        _SQL.drop_ended_lane(tx.conn, consumer=consumer, key=entry.key, seq=entry.seq)
    return True


def purge_dead(tx: Tx, *, before_ms: int, limit: int = 500, kept: Sequence[str] = ()) -> int:
    """Drop up to ``limit`` dead letters older than ``before_ms`` that are not ``kept``; returns how many."""
    if not kept:
        return int(_SQL.purge_dead(tx.conn, before=before_ms, limit=limit))
    return int(_SQL.purge_other_dead(tx.conn, before=before_ms, kept=_as_json(kept), limit=limit))


def purge_attempts(tx: Tx, *, before_ms: int, limit: int = 500) -> int:
    """Drop up to ``limit`` attempts of days before that of ``before_ms``; returns how many."""
    return int(_SQL.purge_attempts(tx.conn, before=before_ms // _DAY_MS, limit=limit))


def purge_portal(tx: Tx, *, portal: str, limit: int = 500) -> int:
    """Drop up to ``limit`` entries, with their attempts, and dead letters of a portal that has left.

    Its consumers must be gone; they keep their rows, so that no id or epoch is ever given out again.

    Returns:
        How many entries and letters were dropped; call again, in another unit, until it is 0.
    """
    letters = int(_SQL.drop_portal_letters(tx.conn, portal=portal, limit=limit))
    names = [
        (portal, row["key"], row["seq"])
        for row in _SQL.entries_of_portal(tx.conn, portal=portal, limit=limit)
    ]
    _drop(tx, names)
    drop_attempts_of(tx, [seq for _, _, seq in names])
    return len(names) + letters


def erase_entry(tx: Tx, entry: Entry, *, even_pending: bool) -> bool:
    """Drop one entry with its attempts, before its time.

    Args:
        tx: The unit.
        entry: Which.
        even_pending: Whether it goes, too, if somebody has still to deal with it; nobody will then.

    Returns:
        Whether it is gone; False: it waits, or is being worked on.
    """
    if _SQL.is_unrouted(tx.conn, seq=entry.seq) is not None:
        return False
    pending = _SQL.pending_for(tx.conn, portal=entry.portal, key=entry.key, seq=entry.seq)
    consumers = [consumer for (consumer,) in pending]
    if consumers and not even_pending:
        return False
    hold(tx, consumers)
    if consumers and _SQL.is_leased(tx.conn, portal=entry.portal, key=entry.key):
        return False
    for consumer in consumers:
        _SQL.drop_pending(tx.conn, consumer=consumer, key=entry.key, seq=entry.seq)
        _SQL.drop_ended_lane(tx.conn, consumer=consumer, key=entry.key, seq=entry.seq)
    names = [(entry.portal, entry.key, entry.seq)]
    _drop(tx, names)
    drop_attempts_of(tx, [seq for _, _, seq in names])
    return True


@contextmanager
def overwriting(tx: Tx) -> Generator[None]:
    """While the block lasts, what is deleted from a file is overwritten there; a server has no such thing."""
    if tx.is_shared:
        yield
        return
    (before,) = tx.execute("PRAGMA secure_delete").fetchone()
    tx.execute("PRAGMA secure_delete = ON").fetchall()
    try:
        yield
    finally:
        tx.execute(f"PRAGMA secure_delete = {int(before)}").fetchall()


def _drop(tx: Tx, names: Sequence[tuple[str, str, int]]) -> None:
    """Drop entries, each by portal, key and seq, and forget their keys."""
    sql.run_terms(tx, _SQL.drop_entry_key, names)
    sql.run_terms(tx, _SQL.drop_entry_order, [(portal, seq) for portal, _, seq in names])
    _SQL.drop_entries(tx.conn, seqs=_seqs(names))


def _as_json(kept: Sequence[str]) -> str:
    return msgspec.json.encode(list(kept)).decode()


def _seqs(names: Sequence[tuple[str, str, int]]) -> str:
    return msgspec.json.encode([name[2] for name in names]).decode()

"""Dead letters: entries that were given up, and their replay."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId, get, hold
from livefeed.durable.engines.unit import Tx
from livefeed.durable.entries import Entry, append, get_entry

_SQL: Final = sql.load("livefeed.durable", "queries/records.sql")
_SLICE: Final = 500


class DeadLetter(msgspec.Struct, frozen=True):
    """An entry that one consumer was not given, or refused until it was given up."""

    id: int
    consumer: ConsumerId
    portal: str
    name: str
    key: str
    seq: int
    kind: str
    body: bytes
    reason: str
    at_ms: int


def bury(tx: Tx, entries: Sequence[tuple[ConsumerId, Entry, str]]) -> None:
    """Write a dead letter for each consumer, entry and reason."""
    rows = [
        (consumer, entry.key, entry.seq, entry.kind, entry.body, reason, tx.now_ms)
        for consumer, entry, reason in entries
    ]
    sql.run_rows(tx, _SQL.bury, rows)


def list_dead(
    tx: Tx,
    *,
    portal: str | None = None,
    consumer: ConsumerId | None = None,
    since_ms: int = 0,
    limit: int = 100,
) -> list[DeadLetter]:
    """Dead letters, oldest first: of one portal, of one consumer, or all."""
    rows = _SQL.list_dead(tx.conn, portal=portal, consumer=consumer, since=since_ms, limit=limit)
    return [DeadLetter(*row) for row in rows]


Amend: TypeAlias = Callable[[DeadLetter], bytes]
"""What is stored when a letter is put back: by default what was stored before."""


def replay(
    tx: Tx, dead_id: int, *, portal: str | None = None, amend: Amend = lambda letter: letter.body
) -> int | None:
    """Append the letter's entry again, for its consumer alone; the letter is gone then.

    Returns:
        The seq of the new entry, or None if there is no such letter, it is not of this portal, or its
        consumer is given nothing any more.
    """
    row = _SQL.get_dead(tx.conn, id=dead_id)
    letter = None if row is None else DeadLetter(*row)
    return None if letter is None or portal not in (None, letter.portal) else _replay(tx, letter, amend)


def replay_all(
    tx: Tx,
    *,
    portal: str | None = None,
    consumer: ConsumerId | None = None,
    since_ms: int = 0,
    amend: Amend = lambda letter: letter.body,
) -> int:
    """Replay up to 500 letters, oldest first: of one portal, of one consumer or of all, since a time.

    Those of consumers that are withheld or gone stay: nobody would be given them.

    Returns:
        How many were replayed; call again until it is 0.
    """
    rows = _SQL.list_replayable(tx.conn, portal=portal, consumer=consumer, since=since_ms, limit=_SLICE)
    letters = [DeadLetter(*row) for row in rows]
    hold(tx, [letter.consumer for letter in letters])
    return sum(_replay(tx, letter, amend) is not None for letter in letters)


def replay_entry(tx: Tx, *, seq: int, consumer: ConsumerId, body: bytes | None = None) -> int | None:
    """Append an entry again for one consumer, whatever became of it the first time.

    Args:
        tx: The unit.
        seq: Which.
        consumer: For whom.
        body: What is stored; None: what was stored before.

    Returns:
        The seq of the new entry, or None if the entry is purged.
    """
    entry = get_entry(tx, seq)
    if entry is None:
        return None
    return append(
        tx,
        portal=entry.portal,
        key=entry.key,
        kind=entry.kind,
        body=entry.body if body is None else body,
        source="replay",
        consumers=[consumer],
        only=consumer,
    )


def _replay(tx: Tx, letter: DeadLetter, amend: Amend) -> int | None:
    """None: somebody else has put it back meanwhile, or nobody would be given it."""
    hold(tx, [letter.consumer])
    consumer = get(tx, letter.consumer)
    if consumer is None or consumer.state not in ("active", "paused"):
        return None
    if not _SQL.drop_dead(tx.conn, id=letter.id):
        return None
    return append(
        tx,
        portal=letter.portal,
        key=letter.key,
        kind=letter.kind,
        body=amend(letter),
        source="replay",
        consumers=[letter.consumer],
        only=letter.consumer,
    )

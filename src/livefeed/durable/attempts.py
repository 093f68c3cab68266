"""Attempts: the log of what was sent, sliced by day."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import astuple

from livefeed import telemetry
from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.engines.unit import Tx

_SQL: Final = sql.load("livefeed.durable", "queries/records.sql")
_DAY_MS: Final = 86_400_000

ATTEMPTS: Final = "attempts"
"""The topic that is woken when attempts are written."""

ANSWER_BYTES: Final = 512
"""As much of an answer is kept."""


class Attempt(msgspec.Struct, frozen=True):
    """One try to hand one entry to one consumer.

    Attributes:
        seq: The entry.
        consumer: Whose attempt.
        key: What the entry is about.
        attempt: 1 for the first.
        webhook_id: The same for all attempts of one delivery.
        sent_at_ms: When the call began.
        status: HTTP status; None: no answer.
        error: ``connect``, ``timeout``, ``tls``, ``reset``, ``blocked``, ``status``, ``too_large``; None:
            delivered.
        ms: How long it took.
        state: What became of the delivery: ``delivered``, ``backing_off``, ``dead``, ``withheld``.
        size: How long the body was that was sent, in bytes; 0: nothing was, or it is not known.
        answer: The first bytes of what was answered, at most `ANSWER_BYTES`; None: nothing was kept.
    """

    seq: int
    consumer: ConsumerId
    key: str
    attempt: int
    webhook_id: str
    sent_at_ms: int
    status: int | None
    error: str | None
    ms: int
    state: str
    size: int = 0
    answer: bytes | None = None


def record_attempts(tx: Tx, rows: Sequence[Attempt]) -> list[None]:
    """Write attempts; a bulk unit for `Store.write_row`. Who listens to `ATTEMPTS` is woken."""
    tx.wake(ATTEMPTS)
    for result, count in Counter([row.error or "delivered" for row in rows]).items():
        tx.count(telemetry.deliveries.labels(result), count)
    ids = tx.take_many("attempt", len(rows))
    # The columns after day and id are the fields of an attempt, in their order.
    sql.run_rows(
        tx,
        _SQL.add_attempts,
        [(row.sent_at_ms // _DAY_MS, number, *astuple(row)) for number, row in zip(ids, rows, strict=True)],
    )
    return [None] * len(rows)


def record_batches(tx: Tx, batches: Sequence[Sequence[Attempt]]) -> list[None]:
    """Write several batches of attempts; a bulk unit for `Store.write_row`."""
    record_attempts(tx, [row for batch in batches for row in batch])
    return [None] * len(batches)


def list_attempts(
    tx: Tx,
    *,
    portal: str | None = None,
    key: str | None = None,
    consumer: ConsumerId | None = None,
    state: str | None = None,
    since_ms: int = 0,
    limit: int = 100,
) -> list[Attempt]:
    """Attempts, newest first; ``portal`` and ``key`` go together."""
    if portal is not None and key is not None:
        rows = _SQL.list_attempts_of_key(
            tx.conn, portal=portal, key=key, consumer=consumer, state=state, since=since_ms, limit=limit
        )
    else:
        rows = _SQL.list_attempts(
            tx.conn, day=since_ms // _DAY_MS, consumer=consumer, state=state, since=since_ms, limit=limit
        )
    return [Attempt(*row) for row in rows]

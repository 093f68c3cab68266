"""Attempts: the log of what was sent, sliced by day.

A file keeps those of one consumer and state that were logged together in one row, a run; a server one by one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import astuple

from livefeed import telemetry
from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.engines.unit import Tx

_SQL: Final = sql.load("livefeed.durable", "queries/records.sql")
_DAY_MS: Final = 86_400_000
_encode: Final = msgspec.json.Encoder().encode
_SPAN: Final = 64  # seqs from the first of a run to its last: the statements look so far
_SLICE: Final = 256  # runs that are in memory while some of their attempts are dropped

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


_Numbered = tuple[int, Attempt]
"""An attempt and the number it was given."""

_Name = tuple[ConsumerId, str, int]
"""Consumer, state and day: of attempts with the same a run is made."""


def record_attempts(tx: Tx, rows: Sequence[Attempt]) -> list[None]:
    """Write attempts; a bulk unit for `Store.write_row`. Who listens to `ATTEMPTS` is woken."""
    tx.wake(ATTEMPTS)
    for result, count in Counter([row.error or "delivered" for row in rows]).items():
        tx.count(telemetry.deliveries.labels(result), count)
    numbered = list(zip(tx.take_many("attempt", len(rows)), rows, strict=True))
    if tx.is_shared:
        # The columns after day and id are the fields of an attempt, in their order.
        given = [(row.sent_at_ms // _DAY_MS, number, *astuple(row)) for number, row in numbered]
        sql.run_rows(tx, _SQL.add_attempts, given)
    else:
        _add_runs(tx, numbered)
    return [None] * len(rows)


def record_batches(tx: Tx, batches: Sequence[Sequence[Attempt]]) -> list[None]:
    """Write several batches of attempts; a bulk unit for `Store.write_row`."""
    record_attempts(tx, [row for batch in batches for row in batch])
    return [None] * len(batches)


def drop_attempts_of(tx: Tx, seqs: Sequence[int]) -> None:
    """Drop all attempts of these entries."""
    asked = _encode(seqs).decode()
    if tx.is_shared:
        _SQL.drop_attempts_of(tx.conn, seqs=asked)
        return
    runs = [run for (run,) in _SQL.runs_with(tx.conn, seqs=asked)]
    for start in range(0, len(runs), _SLICE):
        ids = _encode(runs[start : start + _SLICE]).decode()
        left = [(number, Attempt(*row)) for number, *row in _SQL.others_of(tx.conn, ids=ids, seqs=asked)]
        _SQL.drop_runs(tx.conn, ids=ids)
        _add_runs(tx, left)


def _add_runs(tx: Tx, numbered: Iterable[_Numbered]) -> None:
    together: dict[_Name, list[_Numbered]] = {}
    for one in numbered:
        row = one[1]
        together.setdefault((row.consumer, row.state, row.sent_at_ms // _DAY_MS), []).append(one)
    given: list[tuple[object, ...]] = []
    for name, some in together.items():
        if len(some) == 1:  # of many handlers each has one
            given.append(_row_of_one(name, *some[0]))
        else:
            given += [_row_of(name, run) for run in _runs(some)]
    sql.run_rows(tx, _SQL.add_runs, given)


def _runs(some: list[_Numbered]) -> Iterable[list[_Numbered]]:
    """Cut them so that the seqs of each run lie close together, and it is small."""
    some.sort(key=lambda one: one[1].seq)
    first = 0
    for place, (_, row) in enumerate(some):
        if row.seq - some[first][1].seq >= _SPAN:
            yield some[first:place]
            first = place
    yield some[first:]


def _row_of(name: _Name, run: list[_Numbered]) -> tuple[object, ...]:
    """The row of a run."""
    consumer, state, day = name
    number = run[0][0]
    answers = bytearray()
    lines: list[tuple[object, ...]] = []
    for own, row in run:
        lines.append(_line(row, own - number, len(answers)))
        answers += row.answer or b""
    seqs = [row.seq for _, row in run]
    texts = _encode(seqs).decode(), _encode(lines).decode()
    return number, day, consumer, state, seqs[0], seqs[-1], *texts, answers


def _row_of_one(name: _Name, number: int, row: Attempt) -> tuple[object, ...]:
    """The same of a run of one."""
    consumer, state, day = name
    texts = f"[{row.seq}]", _encode((_line(row, 0, 0),)).decode()
    return number, day, consumer, state, row.seq, row.seq, *texts, row.answer or b""


def _line(row: Attempt, offset: int, place: int) -> tuple[object, ...]:
    """One attempt of a run, in the order in which the view ``attempt`` reads it."""
    length = None if row.answer is None else len(row.answer)
    return (
        offset,
        row.seq,
        row.key,
        row.attempt,
        row.webhook_id,
        row.sent_at_ms,
        row.status,
        row.error,
        row.ms,
        row.size,
        place,
        length,
    )


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

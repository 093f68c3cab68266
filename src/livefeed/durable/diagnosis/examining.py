"""Examining: one finding for each thing that can be wrong with a database; nothing is changed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from importlib import import_module
from typing import Final

from livefeed.clock import Clock
from livefeed.durable import sql
from livefeed.durable.diagnosis.files import of_a_file
from livefeed.durable.diagnosis.findings import Finding, ok, problem
from livefeed.durable.engines.unit import Tx
from livefeed.durable.store import open_readonly
from livefeed.durable.watch import oldest_due_ms
from livefeed.errors import LivefeedError, StoreError
from livefeed.settings import DatabaseUrl

Examination = Callable[[Tx], Iterable[Finding]]

_SQL: Final = sql.load("livefeed.durable", "queries/watch.sql")
_LONGEST_LAG_MS: Final = 60_000
_FRESH_MS: Final = 24 * 3_600_000


def examine(
    database: DatabaseUrl, rooms: Sequence[str], clock: Clock, *more: Examination
) -> Iterator[Finding]:
    """Look at everything, one after the other; what cannot be looked at is a problem.

    Args:
        database: Which.
        rooms: Whose tables it has.
        clock: Tells the time.
        more: Further looks, of the rooms.
    """
    try:
        reader = open_readonly(database, rooms, clock=clock)
    except StoreError as exc:
        yield problem("schema", str(exc), "see what it says")
        return
    yield ok("schema", "the schema is that of this program")
    with closing(reader):
        for look in (_engine_of(database, clock), _lag, _letters, *more):
            try:
                yield from reader.read(lambda tx, look=look: list(look(tx)))
            except LivefeedError as exc:
                yield problem("database", str(exc), "see what it says")


def _engine_of(database: DatabaseUrl, clock: Clock) -> Examination:
    if database.is_file:
        return lambda tx: of_a_file(tx, database.path)
    servers = import_module("livefeed.durable.diagnosis.servers")
    return lambda tx: servers.of_a_server(tx, clock)


def _lag(tx: Tx) -> Iterator[Finding]:
    due_ms = oldest_due_ms(tx)
    lag_ms = 0 if due_ms is None else max(0, tx.now_ms - due_ms)
    said = (
        f"the oldest work that is due has waited for {lag_ms / 1000:.1f} s"
        if lag_ms
        else "no work that is due waits"
    )
    if lag_ms > _LONGEST_LAG_MS:
        yield problem("lag", said, "is a worker or dispatcher running? if so, see livefeed lanes")
    else:
        yield ok("lag", said)


def _letters(tx: Tx) -> Iterator[Finding]:
    """Old ones are known, or nobody minds; they go with the purge."""
    total, fresh = (int(one) for one in _SQL.count_dead(tx.conn, since=tx.now_ms - _FRESH_MS))
    said = f"{total} dead letters, {fresh} of the last day" if total else "no dead letters"
    if fresh:
        yield problem("dead", said, "see livefeed dead list, mend the cause, and replay them")
    else:
        yield ok("dead", said)

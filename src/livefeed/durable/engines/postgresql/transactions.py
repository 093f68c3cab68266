"""Transactions: a unit runs in one, and again if another unit was in its way."""

import random
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.engines.postgresql.connections import Connection
from livefeed.durable.engines.postgresql.faults import is_lost, is_to_repeat, translated
from livefeed.durable.engines.postgresql.lines import Line
from livefeed.durable.engines.unit import Tx
from livefeed.errors import StoreUnavailable

T = TypeVar("T")

_MOST_RUNS: Final = 10
_LONGEST_PAUSE_S: Final = 0.02
# A transaction has a number once it has locked or changed a row: its commit is written to the disk.
_HAS_WRITTEN: Final = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


def run_unit(
    line: Line, unit: Callable[[Tx], T], clock: Clock, *, is_short: bool = False
) -> tuple[T, Tx, bool]:
    """Run ``unit`` and commit; gives its result, what else was asked for, and whether anything was written.

    A unit is run again when another was in its way, and once when its connection was lost before the commit.
    A short one, and any commit, is given up soon when the server does not answer.

    Raises:
        StoreError: What the driver said, translated. An error of the unit itself comes as it is.
    """
    try:
        return _run_unit(line, unit, clock, is_short=is_short)
    finally:
        line.rest()


def _run_unit(line: Line, unit: Callable[[Tx], T], clock: Clock, *, is_short: bool) -> tuple[T, Tx, bool]:
    is_fresh = False
    for number in range(1, _MOST_RUNS + 1):
        conn = line.conn()
        if is_short:
            line.hurry()
        tx = Tx(conn, clock.now_ms())
        try:
            conn.begin()
            result = unit(tx)
        except BaseException as exc:
            if _undone(line, exc) and not is_fresh:
                is_fresh = True  # perhaps the server was started anew since the last unit
                continue
            if is_to_repeat(exc) and number < _MOST_RUNS:
                _pause(number)
                continue
            if (error := translated(exc)) is exc:
                raise
            raise error from exc
        line.hurry()
        try:
            return result, tx, _commit(conn)
        except psycopg.Error as exc:
            if _undone(line, exc):
                raise StoreUnavailable(f"it is not known whether the commit succeeded: {exc}") from exc
            # The server's own word, on the commit or on a statement that was sent with it: it is undone.
            if is_to_repeat(exc) and number < _MOST_RUNS:
                _pause(number)
                continue
            raise translated(exc) from exc
    raise AssertionError("the last run returns or raises")


def _commit(conn: Connection) -> bool:
    """Commit; says whether there was anything to write.

    A warning that comes with it means that the standby has not got it.
    The server gives up waiting for its standby when the statement is ended by the time limit or by somebody.
    It then warns, and says that the commit succeeded: it has, on a machine that may be lost.
    """
    conn.is_warned = False
    written = conn.execute(_HAS_WRITTEN)
    began_s = time.perf_counter()
    conn.end()
    took_s = time.perf_counter() - began_s
    if conn.is_warned:
        raise psycopg.OperationalError("the server did not wait for its standby")
    row = written.fetchone()
    if row is None or not row[0]:
        return False
    telemetry.commit_seconds.observe(took_s)
    return True


class Snapshots:
    """Implements `livefeed.durable.engines.readers.Source` on one line."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock

    def run(self, query: Callable[[Tx], Any]) -> Any:  # noqa: ANN401 - of any query
        """Run one query; again, once, if the connection was lost.

        Raises:
            StoreError: What the driver said, translated.
        """
        try:
            return _run_query(self._line, query, self._clock.now_ms())
        finally:
            self._line.rest()

    def close(self) -> None:
        """Close the connection."""
        self._line.drop()


def _run_query(line: Line, query: Callable[[Tx], Any], now_ms: int) -> Any:  # noqa: ANN401 - of any query
    for is_last in (False, True):
        conn = line.conn()
        try:
            conn.begin()
            result = query(Tx(conn, now_ms))
            conn.end()
        except BaseException as exc:
            if _undone(line, exc) and not is_last:
                continue
            if (error := translated(exc)) is exc:
                raise
            raise error from exc
        return result
    raise AssertionError("the last run returns or raises")


def _undone(line: Line, cause: BaseException) -> bool:
    """Roll back; says whether the connection was lost."""
    if is_lost(cause):
        line.drop()
        return True
    try:
        line.conn().rollback()
    except (psycopg.Error, StoreUnavailable):
        line.drop()
    return False


def _pause(number: int) -> None:
    time.sleep(random.random() * min(_LONGEST_PAUSE_S, 0.001 * 2**number))

"""Transactions: a unit runs in one, and again if another unit was in its way."""

import random
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg

from livefeed.clock import Clock
from livefeed.durable.engines.postgresql.connections import Connection, Line
from livefeed.durable.engines.postgresql.faults import is_lost, is_to_repeat, translated
from livefeed.durable.engines.unit import Tx
from livefeed.errors import StoreUnavailable

T = TypeVar("T")

_MOST_RUNS: Final = 10
_LONGEST_PAUSE_S: Final = 0.02


def run_unit(line: Line, unit: Callable[[Tx], T], clock: Clock, *, is_short: bool = False) -> tuple[T, Tx]:
    """Run ``unit`` and commit; gives its result and what else was asked for.

    A unit is run again when another was in its way, and once when its connection was lost before the commit.
    A short one, and any commit, is given up soon when the server does not answer.

    Raises:
        StoreError: What the driver said, translated. An error of the unit itself comes as it is.
    """
    try:
        return _run_unit(line, unit, clock, is_short=is_short)
    finally:
        line.rest()


def _run_unit(line: Line, unit: Callable[[Tx], T], clock: Clock, *, is_short: bool) -> tuple[T, Tx]:
    is_fresh = False
    for number in range(1, _MOST_RUNS + 1):
        conn = line.conn()
        if is_short:
            line.hurry()
        tx = Tx(conn, clock.now_ms())
        try:
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
            _commit(conn)
        except psycopg.Error as exc:
            if is_to_repeat(exc) and not _undone(line, exc) and number < _MOST_RUNS:
                _pause(number)
                continue
            line.drop()
            raise StoreUnavailable(f"it is not known whether the commit succeeded: {exc}") from exc
        return result, tx
    raise AssertionError("the last run returns or raises")


def _commit(conn: Connection) -> None:
    """Commit; a warning that comes with it means that the standby has not got it.

    The server gives up waiting for its standby when the statement is ended by the time limit or by somebody.
    It then warns, and says that the commit succeeded: it has, on a machine that may be lost.
    """
    conn.is_warned = False
    conn.commit()
    if conn.is_warned:
        raise psycopg.OperationalError("the server did not wait for its standby")


def run_query(line: Line, query: Callable[[Tx], Any], now_ms: int) -> Any:  # noqa: ANN401 - of any query
    """Run ``query`` on a snapshot.

    Raises:
        StoreError: What the driver said, translated.
    """
    try:
        return _run_query(line, query, now_ms)
    finally:
        line.rest()


def _run_query(line: Line, query: Callable[[Tx], Any], now_ms: int) -> Any:  # noqa: ANN401 - of any query
    for is_last in (False, True):
        conn = line.conn()
        try:
            result = query(Tx(conn, now_ms))
        except BaseException as exc:
            if _undone(line, exc) and not is_last:
                continue
            if (error := translated(exc)) is exc:
                raise
            raise error from exc
        try:
            conn.rollback()
        except psycopg.Error:
            line.drop()
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

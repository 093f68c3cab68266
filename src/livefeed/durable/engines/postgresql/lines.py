"""Lines: one connection of one thread each, which is made when it is needed and again after it was lost."""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import psycopg

from livefeed.durable.engines.postgresql.connections import WRITING_S, Connection, connect_for_units
from livefeed.errors import StoreUnavailable

_REST_S: Final = 0.25
_READING_S: Final = 60
# The server ends a statement first; what is cut is a server that does not even do that.
_PATIENCE_S: Final = 2.0
_CANCEL_S: Final = 1.0
# A batch of the door or of settles, and any commit: who waits for it is answered before he gives up himself.
_SHORT_S: Final = 8.0
# The guard of a living process has cut the unit and its commit by then; one that is stopped has none.
_LONGEST_WRITING_S: Final = 45
_LONGEST_READING_S: Final = 75
_NEVER_S: Final = float("inf")


class Line:
    """One connection of one thread, which is made when it is first needed and again after it was lost."""

    def __init__(
        self, make: Callable[[], Connection], *, patience_s: float = WRITING_S + _PATIENCE_S
    ) -> None:
        """Prepare; ``patience_s`` is how long one unit may hold the line before `cut` ends it."""
        self._make = make
        self._patience_s = patience_s
        self._conn: Connection | None = None
        self._dead_until_s = 0.0
        self._deadline_s = _NEVER_S
        self._is_cancelled = False
        # Of its own, so that another thread may end the connection without a race for the number.
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def conn(self) -> Connection:
        """The connection; while the server is gone it is looked for four times a second.

        Raises:
            StoreUnavailable: There is none.
        """
        if self._conn is None or self._conn.closed:
            self._connect()
        assert self._conn is not None, "there is one, or an error was raised"
        self._expect_within(self._patience_s)
        return self._conn

    def hurry(self) -> None:
        """What the server is asked from here on is answered soon, or not at all."""
        self._expect_within(_SHORT_S)

    def rest(self) -> None:
        """The unit is over."""
        self._deadline_s = _NEVER_S

    def drop(self) -> None:
        """Close the connection; the next call makes another."""
        conn, self._conn = self._conn, None
        self._deadline_s = _NEVER_S
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        if conn is not None:
            conn.close()

    def cut(self) -> None:
        """From another thread: if the server keeps a unit waiting, ask it to give up; next time hang up.

        A server that waits for its standby gives up, and its process with it; one that is frozen does not.
        """
        conn = self._conn
        if time.monotonic() < self._deadline_s or conn is None:
            return
        if not self._is_cancelled:
            self._is_cancelled = True
            with suppress(psycopg.Error):
                conn.cancel_safe(timeout=_CANCEL_S)
            return
        with self._lock, suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def _expect_within(self, seconds: float) -> None:
        self._is_cancelled = False
        self._deadline_s = time.monotonic() + seconds

    def _connect(self) -> None:
        self.drop()
        if time.monotonic() < self._dead_until_s:
            raise StoreUnavailable("the database does not answer")
        try:
            conn = self._make()
        except StoreUnavailable:
            self._dead_until_s = time.monotonic() + _REST_S
            raise
        with self._lock:
            self._handle = socket.socket(fileno=os.dup(conn.fileno()))
        self._conn = conn


def line_for_writing(dsn: str) -> Line:
    """A line for units of work."""
    return Line(partial(connect_for_units, dsn, "BEGIN", transaction_s=_LONGEST_WRITING_S))


def line_for_reading(dsn: str, *, transaction_s: int = _LONGEST_READING_S) -> Line:
    """A line whose transactions are snapshots and cannot write; 0: they may take as long as they like."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    make = partial(connect_for_units, dsn, begin, statement_s=_READING_S, transaction_s=transaction_s)
    return Line(make, patience_s=_READING_S + _PATIENCE_S)

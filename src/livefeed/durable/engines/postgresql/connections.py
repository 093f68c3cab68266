"""Connections: how one is made, what is set on it, and how it is made again after it was lost."""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Final, LiteralString, TypeVar, cast

import psycopg
from psycopg import Pipeline, sql
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Diagnostic
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper

from livefeed.durable.engines.postgresql.faults import translated as as_store_error
from livefeed.durable.engines.postgresql.statements import Row, row_maker, translated, without_zeros
from livefeed.errors import StoreUnavailable

T = TypeVar("T")

_DEFAULTS: Final = {
    "application_name": "livefeed",
    "connect_timeout": "5",
    # A machine that has gone silent is noticed, and so is one that held locks.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    # Of several hosts, the one that may be written to.
    "target_session_attrs": "read-write",
    # Each statement has one right plan, whatever the statistics of tables that fill and empty say.
    "options": " ".join(
        f"-c {setting}"
        for setting in (
            *(
                "jit=off",
                "enable_seqscan=off",
                "enable_sort=off",
                "enable_hashjoin=off",
                "enable_mergejoin=off",
            ),
            "idle_in_transaction_session_timeout=30s",
        )
    ),
}
_PREPARED: Final = 512
_REST_S: Final = 0.25
# The server ends a statement first; what is cut is a server that does not even do that.
_WRITING_S: Final = 30
_READING_S: Final = 60
_PATIENCE_S: Final = 2.0
_CANCEL_S: Final = 1.0
# A batch of the door or of settles, and any commit: who waits for it is answered before he gives up himself.
_SHORT_S: Final = 8.0
_NEVER_S: Final = float("inf")


class _Flag(Dumper):
    """True and False are numbers in both engines."""

    oid = 20
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:  # noqa: ANN401 - the driver's signature
        return bool(obj).to_bytes(8)


class Cursor(psycopg.Cursor[Row]):
    """The driver's cursor, for statements with ``:name`` or ``?``."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        cast("Connection", self.connection).catch_up()
        return super().rowcount

    def execute(self, query: Any, params: Any = None, **options: Any) -> "Cursor":  # noqa: ANN401 - as the driver's
        """Run one statement."""
        text: Any = translated(query) if isinstance(query, str) else query
        given: Any = () if params is None else params
        try:
            return super().execute(text, given, **options)
        except psycopg.DataError as exc:
            storable = without_zeros(given)
            if exc.sqlstate is not None or storable == given:
                raise
            # The driver itself refused it: nothing was sent, and the transaction goes on.
            return super().execute(text, storable, **options)


class Connection(psycopg.Connection[Row]):
    """The driver's connection, called like that of the other engine.

    Attributes:
        is_warned: Whether the server has warned since this was set to false. At a commit it does when it gave
            up waiting for the standby: the commit may be lost with this server.
    """

    engine: Final = "postgresql"
    is_warned: bool = False
    _begin: LiteralString = "BEGIN"
    _pipe: Pipeline | None = None
    _piping: ExitStack | None = None

    def hear(self, notice: Diagnostic) -> None:
        """Remember that there was a warning."""
        self.is_warned = self.is_warned or notice.severity_nonlocalized == "WARNING"

    def pipe(self, begin: LiteralString) -> None:
        """From now on send statements without waiting for them, until a result is asked for.

        Transactions begin with `begin`, which says ``begin`` to the server, and end with `end` or `rollback`.
        """
        self._begin = begin
        self._piping = ExitStack()
        self._pipe = self._piping.enter_context(self.pipeline())

    def begin(self) -> None:
        """Begin a transaction, together with its first statement."""
        self.execute(self._begin, prepare=False)

    def end(self) -> None:
        """Commit, and hear what was wrong with any statement before.

        Raises:
            psycopg.Error: One with an ``sqlstate`` is the server's word that nothing was committed.
        """
        self.execute("COMMIT", prepare=False)
        self.catch_up()

    def catch_up(self) -> None:
        """Wait for the results of all that was sent.

        Raises:
            psycopg.Error: What was wrong with the first statement of them that failed.
        """
        if self._pipe is not None:
            self._pipe.sync()

    def rollback(self) -> None:
        """Undo the transaction; what was wrong with its statements is known by now, or not asked for."""
        with suppress(psycopg.Error):
            self.catch_up()
        super().rollback()

    def close(self) -> None:
        """Close the connection; it is not asked for anything more."""
        super().close()
        piping, self._piping = self._piping, None
        if piping is not None:
            with suppress(psycopg.Error):
                piping.close()


def connect(dsn: str, *, autocommit: bool = False, statement_s: int = _WRITING_S) -> Connection:
    """A connection to the first host that may be written to; it ends statements that take too long.

    Raises:
        StoreUnavailable: There is none.
    """
    settings: dict[str, Any] = _DEFAULTS | _words(dsn)
    settings["options"] = f"-c statement_timeout={statement_s}s {settings['options']}"
    try:
        conn = Connection.connect(
            **settings,
            autocommit=autocommit,
            row_factory=row_maker,
            cursor_factory=Cursor,
            prepare_threshold=1,
        )
    except psycopg.Error as exc:
        raise as_store_error(exc) from exc
    conn.prepared_max = _PREPARED
    # As bytes: a batch of bodies as text takes eighty times as long.
    conn.adapters.register_dumper(int, Int8BinaryDumper)
    conn.adapters.register_dumper(bool, _Flag)
    conn.adapters.register_dumper(list, ListBinaryDumper)
    conn.add_notice_handler(conn.hear)
    return conn


def _piped(dsn: str, begin: LiteralString, statement_s: int) -> Connection:
    conn = connect(dsn, autocommit=True, statement_s=statement_s)
    conn.pipe(begin)
    return conn


def line_for_writing(dsn: str) -> "Line":
    """A line for units of work."""
    return Line(partial(_piped, dsn, "BEGIN", _WRITING_S))


def line_for_reading(dsn: str) -> "Line":
    """A line whose transactions are snapshots and cannot write."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    return Line(partial(_piped, dsn, begin, _READING_S), patience_s=_READING_S + _PATIENCE_S)


def make_database(dsn: str) -> None:
    """Make the database, unless another process has just made it.

    Raises:
        StoreUnavailable: The server does not answer, or does not allow it.
    """
    name = str(conninfo_to_dict(dsn).get("dbname") or "")
    settings: dict[str, Any] = _DEFAULTS | _words(dsn) | {"dbname": "postgres"}
    try:
        with psycopg.connect(**settings, autocommit=True) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.Error as exc:
        raise as_store_error(exc) from exc


def _words(dsn: str) -> dict[str, str]:
    return {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value is not None}


class Line:
    """One connection of one thread, which is made when it is first needed and again after it was lost."""

    def __init__(
        self, make: Callable[[], Connection], *, patience_s: float = _WRITING_S + _PATIENCE_S
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

"""Connections: how one is made, what is set on it, and how it is made again after it was lost."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper

from livefeed.durable.engines.postgresql.faults import translated as as_store_error
from livefeed.durable.engines.postgresql.statements import Row, row_maker, translated
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
            *("idle_in_transaction_session_timeout=30s", "statement_timeout=60s"),
        )
    ),
}
_PREPARED: Final = 512
_REST_S: Final = 0.25


class _Flag(Dumper):
    """True and False are numbers in both engines."""

    oid = 20

    def dump(self, obj: Any) -> bytes:  # noqa: ANN401 - the driver's signature
        return b"1" if obj else b"0"


class Cursor(psycopg.Cursor[Row]):
    """The driver's cursor, for statements with ``:name`` or ``?``."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "Cursor":  # noqa: ANN401 - as the driver's
        """Run one statement."""
        text: Any = translated(query) if isinstance(query, str) else query
        return super().execute(text, () if params is None else params, **options)


class Connection(psycopg.Connection[Row]):
    """The driver's connection, called like that of the other engine."""

    engine: Final = "postgresql"


def connect(dsn: str, *, autocommit: bool = False) -> Connection:
    """A connection to the first host that may be written to.

    Raises:
        StoreUnavailable: There is none.
    """
    settings: dict[str, Any] = _DEFAULTS | _words(dsn)
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
    conn.adapters.register_dumper(int, Int8Dumper)
    conn.adapters.register_dumper(bool, _Flag)
    return conn


def connect_for_reading(dsn: str) -> Connection:
    """A connection whose transactions are snapshots and cannot write.

    Raises:
        StoreUnavailable: There is none.
    """
    conn = connect(dsn)
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    return conn


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

    def __init__(self, make: Callable[[], Connection]) -> None:
        self._make = make
        self._conn: Connection | None = None
        self._dead_until_s = 0.0

    def conn(self) -> Connection:
        """The connection; while the server is gone it is looked for four times a second.

        Raises:
            StoreUnavailable: There is none.
        """
        if self._conn is not None and not self._conn.closed:
            return self._conn
        if time.monotonic() < self._dead_until_s:
            raise StoreUnavailable("the database does not answer")
        try:
            self._conn = self._make()
        except StoreUnavailable:
            self._dead_until_s = time.monotonic() + _REST_S
            raise
        return self._conn

    def drop(self) -> None:
        """Close the connection; the next call makes another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

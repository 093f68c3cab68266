"""Connections: how one is made, what is set on it, and how statements travel on it."""

from contextlib import ExitStack, suppress
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
WRITING_S: Final = 30
"""How long a statement may take before the server ends it."""

# Where statements travel together the server does not see that a transaction is idle, only that it lasts.
_LIMIT: Final = """
SELECT set_config('transaction_timeout', :limit, false) WHERE current_setting('transaction_timeout') = '0'
"""
_KNOWS_LIMIT: Final = 170_000


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


def connect(dsn: str, *, autocommit: bool = False, statement_s: int = WRITING_S) -> Connection:
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


def connect_for_units(
    dsn: str, begin: LiteralString, *, statement_s: int = WRITING_S, transaction_s: int = 0
) -> Connection:
    """A connection whose statements travel together and whose transactions begin with ``begin``.

    Args:
        dsn: Where.
        begin: ``BEGIN``, and which kind of transaction.
        statement_s: Seconds after which the server ends a statement.
        transaction_s: Seconds after which it ends a transaction together with its connection, so that a
            process that was stopped in the middle of a unit does not hold its locks for ever; 0: never.
            Before PostgreSQL 17 none does; what is set for the role, the database or in the URL stays.

    Raises:
        StoreUnavailable: There is none.
    """
    conn = connect(dsn, autocommit=True, statement_s=statement_s)
    if transaction_s and conn.info.server_version >= _KNOWS_LIMIT:
        try:
            conn.execute(_LIMIT, {"limit": f"{transaction_s}s"})
        except psycopg.Error as exc:
            conn.close()
            raise as_store_error(exc) from exc
    conn.pipe(begin)
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

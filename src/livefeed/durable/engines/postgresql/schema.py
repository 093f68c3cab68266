"""The schema: brought up to date by the first process that starts, while the others wait for it."""

# yoyo has no types: what comes from it is unknown here, and nowhere else.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from livefeed.durable.engines.migrations import (
    IDS,
    TABLE,
    MarkedInOneCommit,
    check_complete,
    check_not_newer,
    known,
)
from livefeed.durable.engines.postgresql.connections import connect, make_database
from livefeed.durable.engines.unit import Tx
from livefeed.errors import StoreUnavailable
from livefeed.settings import DatabaseUrl

COPYING: Final = "livefeed_copying"
"""A table that is there as long as a copy into this database is not finished."""

_LOCK: Final = "SELECT pg_advisory_lock(hashtextextended('livefeed schema', 0))"
_LOCK_TIMEOUT: Final = "SET lock_timeout = '300ms'"
_PAUSE_S: Final = 0.7
_LOCKED_S: Final = 300.0
_UNFINISHED: Final = "is a copy that is not finished; run livefeed db copy again, or drop it"
_HAS_TABLE: Final = "SELECT to_regclass(:table) IS NOT NULL"


class _Backend(MarkedInOneCommit, PostgresqlPsycopgBackend):
    """yoyo's backend with our own connection, and with step and mark in one commit."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, "", {}), TABLE)

    def connect(self, dburi: Any) -> psycopg.Connection[Any]:  # noqa: ANN401 - yoyo's signature
        del dburi
        return psycopg.connect(self._dsn, autocommit=True)

    @contextmanager
    def lock(self, timeout: float = 10) -> Generator[None]:
        """Nothing: the advisory lock of this connection is held already, and ends with the process."""
        del timeout
        yield


def prepare(dsn: str, rooms: Sequence[str], *, create: bool, is_copying: bool = False) -> None:
    """Make the database where it may be made, and apply the migrations that it has not seen.

    Raises:
        StoreTooNew: It has migrations that this program does not know.
        StoreUnavailable: The server does not answer, there is no such database, or a migration failed.
    """
    try:
        connect(dsn).close()
    except StoreUnavailable as exc:
        if (
            not create
            or not isinstance(exc.__cause__, psycopg.OperationalError)
            or "does not exist" not in str(exc)
        ):
            raise
        make_database(dsn)
    name = name_of(dsn)
    try:
        with _Backend(dsn) as backend:
            backend.execute(_LOCK)
            if not create and not _applied(backend):
                raise StoreUnavailable(
                    f"{name} holds no portal; make one with: livefeed portal init --db {name}"
                )
            if not is_copying and _is_there(backend, COPYING):
                raise StoreUnavailable(f"{name} {_UNFINISHED}")
            backend.ensure_internal_schema_updated()
            chain = known("postgresql", tuple(rooms))
            check_not_newer(name, _applied(backend), chain)
            _apply(backend, chain)
    except psycopg.Error as exc:
        raise StoreUnavailable(f"{name}: the schema cannot be brought up to date: {exc}") from exc


def _apply(backend: _Backend, chain: Any) -> None:  # noqa: ANN401 - yoyo's MigrationList
    """Apply what is missing while others work: who waits for a lock keeps all others waiting behind him.

    Raises:
        psycopg.errors.LockNotAvailable: Somebody's transaction held a table all the time.
    """
    backend.execute(_LOCK_TIMEOUT)
    deadline_s = time.monotonic() + _LOCKED_S
    while True:
        try:
            backend.apply_migrations(backend.to_apply(chain))
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def check(tx: Tx, rooms: Sequence[str]) -> None:
    """Refuse to read a database whose schema is not this program's.

    Raises:
        StoreTooNew: It is newer.
        StoreUnavailable: It is older, or no database of livefeed.
    """
    name = "the database"
    if not tx.execute(_HAS_TABLE, {"table": TABLE}).fetchone()[0]:
        raise StoreUnavailable(f"{name} is not a livefeed database; check --db")
    if tx.execute(_HAS_TABLE, {"table": COPYING}).fetchone()[0]:
        raise StoreUnavailable(f"{name} {_UNFINISHED}")
    applied = {str(row[0]) for row in tx.execute(IDS)}
    check_complete(name, applied, "postgresql", rooms)


def name_of(dsn: str) -> str:
    """The database as commands take it, without a password."""
    return str(DatabaseUrl.parse(dsn))


def _applied(backend: _Backend) -> set[str]:
    if not _is_there(backend, TABLE):
        return set()
    return {str(row[0]) for row in backend.execute(IDS).fetchall()}


def _is_there(backend: _Backend, table: str) -> bool:
    return bool(backend.execute(f"SELECT to_regclass('{table}') IS NOT NULL").fetchone()[0])

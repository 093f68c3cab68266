"""Brings a database's schema up to date with yoyo-migrations, each migration in one transaction."""

# yoyo has no types: what comes from it is unknown here, and nowhere else.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import sqlite3
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from yoyo import read_migrations
from yoyo.backends.base import DatabaseBackend
from yoyo.backends.core.sqlite3 import SQLiteBackend
from yoyo.connections import DatabaseURI

from livefeed.durable.engines.unit import Engine
from livefeed.errors import StoreTooNew, StoreUnavailable

_OWN_ROOM: Final = "livefeed.durable"
TABLE: Final = "_yoyo_migration"
IDS: Final = "SELECT migration_id FROM _yoyo_migration"


class MarkedInOneCommit(DatabaseBackend):
    """What both engines change of yoyo's backends: step and mark are one commit, and no host is named."""

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, object]:  # noqa: ANN401 - as in yoyo
        """The row of yoyo's log, without asking the name server for the name of this host."""
        data = _log_row(operation)
        if migration is not None:
            data |= {"migration_id": migration.id, "migration_hash": migration.hash}
        return data

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:  # noqa: ANN401 - as in yoyo
        """Run the steps and mark them as run, all or nothing."""
        migration.load()
        with self.transaction():
            for step in migration.steps:
                step.apply(self, force)
            self.log_migration(migration, "apply")
            if mark:
                self.mark_one(migration, log=False)


class _Backend(MarkedInOneCommit, SQLiteBackend):
    """yoyo's SQLite backend with our own connection."""

    def connect(self, dburi: Any) -> sqlite3.Connection:  # noqa: ANN401 - yoyo's signature
        return sqlite3.connect(dburi.database, isolation_level=None)

    @contextmanager
    def lock(self, timeout: float = 10) -> Generator[None]:
        """Nothing: the file is ours already, and a lock row would outlive a killed process."""
        del timeout
        yield


def _log_row(operation: str) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "migration_id": None,
        "migration_hash": None,
        "username": "livefeed",
        "hostname": "",
        "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
        "operation": operation,
    }


@cache
def known(engine: Engine, rooms: tuple[str, ...]) -> Any:  # noqa: ANN401 - yoyo's MigrationList
    """The migrations of these rooms, and of the clockwork."""
    sources = [f"package:{room}:migrations/{engine}" for room in dict.fromkeys((_OWN_ROOM, *rooms))]
    return read_migrations(*sources)


def migrate(path: Path, rooms: Sequence[str]) -> None:
    """Apply the migrations that this database has not seen.

    Raises:
        StoreTooNew: The database has migrations that this program does not know.
        StoreUnavailable: A migration failed; the database is as it was before it.
    """
    chain = known("sqlite", tuple(rooms))
    uri = DatabaseURI("sqlite", None, None, None, None, str(path), {})
    try:
        with _Backend(uri, TABLE) as backend:
            backend.ensure_internal_schema_updated()
            applied = {str(row[0]) for row in backend.execute(IDS).fetchall()}
            check_not_newer(path, applied, chain)
            backend.apply_migrations(backend.to_apply(chain))
    except sqlite3.DatabaseError as exc:
        raise StoreUnavailable(f"{path}: the schema cannot be brought up to date: {exc}") from exc


def check_schema(conn: sqlite3.Connection, path: Path, rooms: Sequence[str]) -> None:
    """Refuse to read a database whose schema is not this program's.

    Raises:
        StoreTooNew: It is newer.
        StoreUnavailable: It is older, or no database of livefeed.
    """
    try:
        applied = {str(row[0]) for row in conn.execute(IDS)}
    except sqlite3.DatabaseError as exc:
        raise StoreUnavailable(f"{path} is not a livefeed database: {exc}") from exc
    check_complete(path, applied, "sqlite", rooms)


def check_complete(path: Path | str, applied: set[str], engine: Engine, rooms: Sequence[str]) -> None:
    """Refuse a schema that is newer or older than this program's.

    Raises:
        StoreTooNew: It is newer.
        StoreUnavailable: It is older, or that of another part of livefeed.
    """
    chain = known(engine, tuple(rooms))
    check_not_newer(path, applied, chain)
    missing = {str(one.id) for one in chain} - applied
    if rooms and missing and {name[:2] for name in missing}.isdisjoint(name[:2] for name in applied):
        raise StoreUnavailable(f"{path} is a database of another part of livefeed; check --db")
    if missing:
        raise StoreUnavailable(
            f"{path} is older than this program ({min(missing)} is missing); start its server once"
        )


def check_not_newer(path: Path | str, applied: set[str], chain: Any) -> None:  # noqa: ANN401 - yoyo's MigrationList
    """Rooms number their migrations by hundreds; those of rooms that are not opened do not matter.

    Raises:
        StoreTooNew: The database has one that the chain has not.
    """
    names = {str(one.id) for one in cast("list[Any]", chain)}
    hundreds = {name[:2] for name in names}
    unknown = sorted(one for one in applied - names if one[:2] in hundreds)
    if unknown:
        raise StoreTooNew(f"{path} was written by a newer livefeed (it has {unknown[-1]}); update this one")

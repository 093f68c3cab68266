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
from yoyo.backends.core.sqlite3 import SQLiteBackend
from yoyo.connections import DatabaseURI

from livefeed.errors import StoreTooNew, StoreUnavailable

_OWN_ROOM: Final = "livefeed.durable"
_TABLE: Final = "_yoyo_migration"
_IDS: Final = "SELECT migration_id FROM _yoyo_migration"


class _Backend(SQLiteBackend):
    """yoyo's SQLite backend with our own connection, and with step and mark in one commit."""

    def connect(self, dburi: Any) -> sqlite3.Connection:  # noqa: ANN401 - yoyo's signature
        return sqlite3.connect(dburi.database, isolation_level=None)

    @contextmanager
    def lock(self, timeout: float = 10) -> Generator[None]:
        """Nothing: the file is ours already, and a lock row would outlive a killed process."""
        del timeout
        yield

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
def _known(rooms: tuple[str, ...]) -> Any:  # noqa: ANN401 - yoyo's MigrationList
    sources = [f"package:{room}:migrations/sqlite" for room in dict.fromkeys((_OWN_ROOM, *rooms))]
    return read_migrations(*sources)


def migrate(path: Path, rooms: Sequence[str]) -> None:
    """Apply the migrations that this database has not seen.

    Raises:
        StoreTooNew: The database has migrations that this program does not know.
        StoreUnavailable: A migration failed; the database is as it was before it.
    """
    known = _known(tuple(rooms))
    uri = DatabaseURI("sqlite", None, None, None, None, str(path), {})
    try:
        with _Backend(uri, _TABLE) as backend:
            backend.ensure_internal_schema_updated()
            applied = {str(row[0]) for row in backend.execute(_IDS).fetchall()}
            _check_not_newer(path, applied, known)
            backend.apply_migrations(backend.to_apply(known))
    except sqlite3.DatabaseError as exc:
        raise StoreUnavailable(f"{path}: the schema cannot be brought up to date: {exc}") from exc


def check_schema(conn: sqlite3.Connection, path: Path, rooms: Sequence[str]) -> None:
    """Refuse to read a database whose schema is not this program's.

    Raises:
        StoreTooNew: It is newer.
        StoreUnavailable: It is older, or no database of livefeed.
    """
    try:
        applied = {str(row[0]) for row in conn.execute(_IDS)}
    except sqlite3.DatabaseError as exc:
        raise StoreUnavailable(f"{path} is not a livefeed database: {exc}") from exc
    known = _known(tuple(rooms))
    _check_not_newer(path, applied, known)
    missing = {str(one.id) for one in known} - applied
    if rooms and missing and {name[:2] for name in missing}.isdisjoint(name[:2] for name in applied):
        raise StoreUnavailable(f"{path} is a database of another part of livefeed; check --db")
    if missing:
        raise StoreUnavailable(
            f"{path} is older than this program ({min(missing)} is missing); start its server once"
        )


def _check_not_newer(path: Path, applied: set[str], known: Any) -> None:  # noqa: ANN401 - yoyo's MigrationList
    """Rooms number their migrations by hundreds; those of rooms that are not opened do not matter."""
    names = {str(one.id) for one in cast("list[Any]", known)}
    hundreds = {name[:2] for name in names}
    unknown = sorted(one for one in applied - names if one[:2] in hundreds)
    if unknown:
        raise StoreTooNew(f"{path} was written by a newer livefeed (it has {unknown[-1]}); update this one")

"""The store: units of work against one database, and how it is opened."""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol, TypeVar

from livefeed.clock import Clock
from livefeed.durable.engines.backups import copy_file
from livefeed.durable.engines.sqlite import SqliteReader, SqliteStore
from livefeed.durable.engines.unit import BulkUnit, Tx, Unit
from livefeed.durable.lanes.upkeep import free_all
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl

__all__ = ["BulkUnit", "Reader", "Store", "Tx", "Unit", "back_up", "open_readonly", "open_store", "rewrite"]

R = TypeVar("R")
T = TypeVar("T")

_WAITING_UNITS: Final = 10_000


class Store(Protocol):
    """Runs units of work. A unit is sync, database only, takes under 5 ms, and may be run again."""

    @property
    def committed_at_ms(self) -> int:
        """When a commit last succeeded."""
        ...

    @property
    def engine(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    @property
    def units(self) -> int:
        """How many units were run so far, each row of a bulk unit counted."""
        ...

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run ``unit`` and return its result after the commit.

        An exception of the unit rolls back this unit alone, and is raised here.

        Raises:
            StoreBusy: Too many units wait; try again later.
            StoreConflict: A constraint refused a row.
            StoreUnavailable: The commit failed; nothing of the unit is stored.
        """
        ...

    def write_row(self, bulk: Callable[[Tx, Sequence[R]], Sequence[T]], row: R) -> "asyncio.Future[T]":
        """Run ``bulk`` with this row and all others that wait for the same bulk unit.

        Args:
            bulk: Gets the rows in the order they came, and returns one result a row.
            row: One row.

        Returns:
            A future with this row's result, done after the commit. It fails as `write` does.

        Raises:
            StoreBusy: Too many units wait; try again later.
        """
        ...

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on a reader connection, on a snapshot of this moment; it cannot write."""
        ...

    def listen(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` in the running loop after each commit that woke ``topic``.

        Returns:
            A function that ends it.
        """
        ...

    async def probe(self) -> None:
        """Make a tiny real commit.

        Raises:
            StoreUnavailable: It failed.
        """
        ...

    async def close(self) -> None:
        """Run what waits, then close the database."""
        ...


class Reader(Protocol):
    """Reads a database that another process may be writing; for commands."""

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on a snapshot."""
        ...

    def changes(self) -> int:
        """A number that is another one once somebody has committed since it was asked for."""
        ...

    def close(self) -> None:
        """Close the database."""
        ...


def open_store(
    url: str | DatabaseUrl,
    rooms: Sequence[str],
    clock: Clock,
    *,
    create: bool = True,
    waiting_units: int = _WAITING_UNITS,
) -> Store:
    """Open a database for writing and bring its schema up to date.

    A file belongs to this process alone, so all its leases are freed; on a server other processes hold some.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user@host/database``.
        rooms: Packages with ``migrations/<engine>/NNNN.name.sql``; ``livefeed.durable`` always counts.
        clock: Tells units the time.
        create: Whether a database that does not exist is made.
        waiting_units: How many units may wait before StoreBusy.

    Raises:
        SettingsError: The URL is not understood, or the driver is not installed.
        StoreInUse: Another process writes this file.
        StoreTooNew: The schema is newer than this program.
        StoreUnavailable: The database cannot be opened, or does not exist and ``create`` is false.
    """
    database = _parsed(url)
    if database.is_file:
        return SqliteStore(
            database.path, rooms, clock, first=free_all, create=create, waiting_units=waiting_units
        )
    return _server().PostgresqlStore(database.dsn, rooms, clock, create=create, waiting_units=waiting_units)


def open_readonly(url: str | DatabaseUrl, rooms: Sequence[str] = (), *, clock: Clock | None = None) -> Reader:
    """Open a database for reading only, beside a process that may be writing it.

    Raises:
        StoreTooNew: The schema is newer than this program.
        StoreUnavailable: There is no such database, or its schema is older than this program.
    """
    database = _parsed(url)
    if database.is_file:
        return SqliteReader(database.path, rooms, clock)
    return _server().PostgresqlReader(database.dsn, rooms, clock)


def back_up(database: DatabaseUrl, into: Path, *, compact: bool = False) -> int:
    """Copy an SQLite database as it is at this moment to a file that does not exist, beside its writer.

    Returns:
        The size of the copy in bytes; it was checked.

    Raises:
        SettingsError: The file exists, or its folder does not.
        StoreUnavailable: The database cannot be read, the copy cannot be written, or it is not whole.
    """
    return copy_file(database.path, into, compact=compact)


async def rewrite(store: Store) -> bool:
    """Write the file of a store anew: nothing of what was deleted is left in it or its log.

    Returns:
        Whether it was; a server has no file that is ours, and one that is large or busy is left as it is.
    """
    return isinstance(store, SqliteStore) and await store.rewrite()


def _parsed(url: str | DatabaseUrl) -> DatabaseUrl:
    return DatabaseUrl.parse(url) if isinstance(url, str) else url


def _server() -> ModuleType:
    """The engine for a server, whose driver is an extra."""
    try:
        return import_module("livefeed.durable.engines.postgresql.store")
    except ImportError as exc:
        raise SettingsError(f"PostgreSQL needs its driver ({exc.name}); install livefeed[postgres]") from exc

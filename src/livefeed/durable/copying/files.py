"""An SQLite file at either end of a copy."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from livefeed.clock import Clock
from livefeed.durable.arrivals import route_all
from livefeed.durable.copying.ends import (
    NUMBERS_OF_TABLES,
    VIEWS_OF_FILES,
    Row,
    Table,
    columns_of,
    is_copied,
)
from livefeed.durable.engines.faults import translated
from livefeed.durable.engines.migrations import check_schema, migrate
from livefeed.durable.engines.sqlite import hold, open_file
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.upkeep import free_all
from livefeed.errors import SettingsError, StoreUnavailable

_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
_COLUMNS: Final = "SELECT name, pk FROM pragma_table_info(?) ORDER BY pk"
_REFERENCES: Final = """
SELECT m.name, f."table" FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table'
"""
_DRAWN: Final = "SELECT name, value FROM sequence WHERE name NOT IN ('indexed', 'routed')"
_SET_DRAWN: Final = "UPDATE sequence SET value = ? WHERE name = ?"
_IDS: Final = "SELECT name, seq FROM sqlite_sequence"
_SET_IDS: Final = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
_ADD_IDS: Final = """
INSERT INTO sqlite_sequence (name, seq)
SELECT name, ? FROM sqlite_master
WHERE name = ? AND sql LIKE '%AUTOINCREMENT%' AND name NOT IN (SELECT name FROM sqlite_sequence)
"""
# Entries are in the order of their indexes at once, and all have their lanes.
_FILL: Final = (
    "INSERT INTO entry_key (portal, key, seq) SELECT portal, key, seq FROM entry ORDER BY portal, key, seq",
    "INSERT INTO entry_order (portal, seq) SELECT portal, seq FROM entry ORDER BY portal, seq",
    """
    UPDATE sequence SET value = (SELECT value FROM sequence WHERE name = 'entry')
    WHERE name IN ('indexed', 'routed')
    """,
)


class _File:
    """What both ends have in common."""

    def __init__(self, conn: sqlite3.Connection, undo: ExitStack) -> None:
        self._conn = conn
        self._undo = undo

    def tables(self) -> dict[str, Table]:
        """Its tables, without those of one engine."""
        names = [*(str(row[0]) for row in self._conn.execute(_TABLES)), *VIEWS_OF_FILES]
        return {name: self._table(name) for name in names if is_copied(name)}

    def count(self, table: Table) -> int:
        """How many rows the table has."""
        return int(self._conn.execute(table.count).fetchone()[0])

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in the order of the key, one at a time."""
        cursor = self._conn.cursor()
        cursor.row_factory = None
        yield from cursor.execute(table.select)

    def close(self) -> None:
        """Let go of it."""
        self._undo.close()

    def _table(self, name: str) -> Table:
        rows = self._conn.execute(_COLUMNS, (name,)).fetchall()
        return Table(
            name=name,
            columns=columns_of(name, (str(row[0]) for row in rows)),
            key=VIEWS_OF_FILES.get(name) or tuple(str(row[0]) for row in rows if row[1]),
        )


class FileSource(_File):
    """Implements `livefeed.durable.copying.ends.Source`; nobody else writes the file meanwhile."""

    def __init__(self, path: Path, rooms: Sequence[str], clock: Clock) -> None:
        """Take the file, and give what has arrived its lanes, as its server would do.

        Raises:
            StoreInUse: Another process writes it.
            StoreUnavailable: It is none, or its schema is older than this program.
            StoreTooNew: Its schema is newer.
        """
        if not path.exists():
            raise StoreUnavailable(f"there is no database {path}; check the name")
        with ExitStack() as undo:
            undo.callback(os.close, hold(path))
            conn = undo.enter_context(closing(open_file(path)))
            check_schema(conn, path, rooms)
            _in_one_commit(conn, lambda: route_all(Tx(conn, clock.now_ms())))
            conn.execute("BEGIN")
            super().__init__(conn, undo.pop_all())

    def numbers(self) -> dict[str, int]:
        """The highest number that was ever drawn."""
        drawn = {str(name): int(value) for name, value in self._conn.execute(_DRAWN)}
        return drawn | {f"{NUMBERS_OF_TABLES}{name}": int(value) for name, value in self._conn.execute(_IDS)}


class FileTarget(_File):
    """Implements `livefeed.durable.copying.ends.Target`: a file of another name until it is finished."""

    def __init__(self, path: Path, rooms: Sequence[str], clock: Clock) -> None:
        """Make the file.

        Raises:
            SettingsError: There is one of this name already, or no such folder.
            StoreInUse: Another process makes it.
        """
        if path.exists():
            raise SettingsError(f"{path} exists already; name a file that does not")
        if not path.parent.is_dir():
            raise SettingsError(f"there is no folder {path.parent}; make it first")
        self._path, self._clock = path, clock
        self._part = path.with_name(f"{path.name}.part")
        with ExitStack() as undo:
            undo.callback(os.close, hold(path))
            undo.callback(self._remove)
            self._remove()
            self._part.touch(mode=0o600)
            conn = undo.enter_context(closing(open_file(self._part)))
            conn.execute("PRAGMA journal_mode = WAL")
            # What is not finished is removed, whatever ended it.
            conn.execute("PRAGMA synchronous = OFF")
            conn.execute("PRAGMA foreign_keys = OFF")
            migrate(self._part, rooms)
            super().__init__(conn, undo.pop_all())

    def references(self) -> set[tuple[str, str]]:
        """(table, table it refers to)."""
        return {(str(table), str(other)) for table, other in self._conn.execute(_REFERENCES)}

    def empty(self, tables: Iterable[Table]) -> None:
        """Remove what migrations put there."""
        for table in tables:
            if table.name not in VIEWS_OF_FILES:  # these no migration fills
                self._conn.execute(f"DELETE FROM {table.name}")  # noqa: S608 - a name of the catalog

    def storable(self, row: Row) -> Row:
        """The row itself: it can hold every text."""
        return row

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows."""
        columns, places = ", ".join(table.columns), ", ".join("?" for _ in table.columns)
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({places})"  # noqa: S608 - names of the catalog
        _in_one_commit(self._conn, lambda: self._conn.executemany(statement, rows))
        self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def finish(self, numbers: Mapping[str, int]) -> None:
        """Go on after these numbers, free the leases, and give the file its name."""
        _in_one_commit(self._conn, lambda: self._complete(numbers))
        wrong = self._conn.execute("PRAGMA foreign_key_check").fetchone()
        if wrong is not None:
            raise StoreUnavailable(f"the copy is not whole: a row of {wrong[0]} refers to none of {wrong[2]}")
        self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._conn.close()
        for path in (self._part, self._part.parent):
            _sync(path)
        self._part.rename(self._path)
        _sync(self._path.parent)

    def _complete(self, numbers: Mapping[str, int]) -> None:
        for name, value in numbers.items():
            if name.startswith(NUMBERS_OF_TABLES):
                table = name.removeprefix(NUMBERS_OF_TABLES)
                self._conn.execute(_ADD_IDS, (value, table))
                self._conn.execute(_SET_IDS, (value, table))
            else:
                self._conn.execute(_SET_DRAWN, (value, name))
        for statement in _FILL:
            self._conn.execute(statement)
        free_all(Tx(self._conn, self._clock.now_ms()))

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self._part}{ending}").unlink(missing_ok=True)


def _in_one_commit(conn: sqlite3.Connection, work: Callable[[], object]) -> None:
    try:
        conn.execute("BEGIN IMMEDIATE")
        work()
        conn.execute("COMMIT")
    except sqlite3.Error as exc:
        raise translated(exc) from exc


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

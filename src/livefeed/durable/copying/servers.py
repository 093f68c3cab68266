"""A PostgreSQL database at either end of a copy."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import IsolationLevel

from livefeed.clock import Clock
from livefeed.durable.arrivals import route_all
from livefeed.durable.copying.ends import NUMBERS_OF_TABLES, Row, Table, columns_of, is_copied
from livefeed.durable.engines.postgresql import schema
from livefeed.durable.engines.postgresql.connections import connect, make_database
from livefeed.durable.engines.postgresql.faults import translated
from livefeed.durable.engines.postgresql.statements import without_zeros
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.upkeep import free_all
from livefeed.errors import SettingsError, StoreInUse, StoreUnavailable

_Conn: TypeAlias = "psycopg.Connection[Row]"

_NAME: Final = "livefeed db copy"
_ROWS_A_TIME: Final = 2_000
_TABLES: Final = """
SELECT c.relname, a.attname, coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) AS place
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname, place
"""
_REFERENCES: Final = """
SELECT r.relname, f.relname
FROM pg_constraint AS c JOIN pg_class AS r ON r.oid = c.conrelid JOIN pg_class AS f ON f.oid = c.confrelid
WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace
"""
_SEQUENCES: Final = """
SELECT c.relname FROM pg_class AS c
WHERE c.relkind = 'S' AND c.relname LIKE 'sequence\\_%' AND c.relnamespace = current_schema()::regnamespace
"""
_IDENTITIES: Final = """
SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)
FROM information_schema.columns WHERE is_identity = 'YES' AND table_schema = current_schema()
"""
_HIGHEST: Final = "SELECT coalesce(max({}), 0) FROM {}"
_DRAWN: Final = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}"
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND application_name IN ('livefeed', current_setting('application_name'))
"""
# A connection that was closed a moment ago is still listed.
_LOOKS: Final = 40
_LOOK_S: Final = 0.05
_MARK: Final = f"CREATE TABLE IF NOT EXISTS {schema.COPYING} (begun_at TIMESTAMPTZ NOT NULL DEFAULT now())"
_UNMARK: Final = f"DROP TABLE {schema.COPYING}"
_IS_BEGUN: Final = "SELECT to_regclass(%s) IS NOT NULL"


class _Server:
    """What both ends have in common."""

    def __init__(self, conn: _Conn, undo: ExitStack) -> None:
        self._conn = conn
        self._undo = undo

    def tables(self) -> dict[str, Table]:
        """Its tables, without those of one engine."""
        columns: dict[str, list[str]] = {}
        keys: dict[str, list[str]] = {}
        for name, column, place in self._conn.execute(_TABLES):
            if is_copied(name) and name != schema.COPYING:
                columns.setdefault(name, []).append(column)
                keys.setdefault(name, []).extend([column] if place else [])
        return {
            name: Table(name=name, columns=columns_of(name, found), key=tuple(keys[name]))
            for name, found in columns.items()
        }

    def count(self, table: Table) -> int:
        """How many rows the table has."""
        return int(_one(self._conn, table.count))

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in the order of the key, some thousand at a time."""
        with self._conn.cursor(f"rows_of_{table.name}") as cursor:
            cursor.itersize = _ROWS_A_TIME
            yield from cursor.execute(table.select.encode())

    def close(self) -> None:
        """Let go of it."""
        self._undo.close()


class ServerSource(_Server):
    """Implements `livefeed.durable.copying.ends.Source` on one snapshot."""

    def __init__(self, dsn: str, rooms: Sequence[str], clock: Clock) -> None:
        """Make sure that nobody uses it, and give what has arrived its lanes, as its server would do.

        Raises:
            StoreInUse: A process of livefeed is connected.
            StoreUnavailable: It does not answer, or its schema is older than this program.
            StoreTooNew: Its schema is newer.
        """
        with ExitStack() as undo:
            conn = undo.enter_context(closing(_connected(dsn)))
            _refuse_others(conn, dsn)
            with closing(connect(dsn)) as reading:
                schema.check(Tx(reading, clock.now_ms()), rooms)
            with closing(connect(dsn)) as writing:
                route_all(Tx(writing, clock.now_ms()))
                writing.commit()
            conn.commit()
            conn.isolation_level = IsolationLevel.REPEATABLE_READ
            conn.read_only = True
            if _one(conn, "SELECT count(*) FROM arrival"):
                raise StoreInUse(f"{schema.name_of(dsn)} goes on getting entries; stop all of its servers")
            super().__init__(conn, undo.pop_all())

    def numbers(self) -> dict[str, int]:
        """The highest number that was ever drawn."""
        drawn = {
            str(name).removeprefix("sequence_"): _drawn(self._conn, str(name))
            for (name,) in self._conn.execute(_SEQUENCES).fetchall()
        }
        ids = self._conn.execute(_IDENTITIES).fetchall()
        return drawn | {f"{NUMBERS_OF_TABLES}{table}": _drawn(self._conn, name) for table, _, name in ids}


class ServerTarget(_Server):
    """Implements `livefeed.durable.copying.ends.Target`: a mark says that it is unfinished."""

    def __init__(self, dsn: str, rooms: Sequence[str], clock: Clock) -> None:
        """Make the database where it may be made, mark it, and make its tables.

        Raises:
            SettingsError: It holds data already.
            StoreInUse: A process of livefeed is connected.
        """
        self._dsn, self._clock = dsn, clock
        try:
            connect(dsn).close()
        except StoreUnavailable as exc:
            if "does not exist" not in str(exc):
                raise
            make_database(dsn)
        with ExitStack() as undo:
            conn = undo.enter_context(closing(_connected(dsn)))
            _refuse_others(conn, dsn)
            if not _is_there(conn, schema.COPYING) and _is_there(conn, schema.TABLE):
                raise SettingsError(
                    f"{schema.name_of(dsn)} is a database of livefeed already; name another, or drop it"
                )
            conn.execute(_MARK.encode())
            conn.commit()
            schema.prepare(dsn, rooms, create=True, is_copying=True)
            super().__init__(conn, undo.pop_all())

    def references(self) -> set[tuple[str, str]]:
        """(table, table it refers to)."""
        return {(str(table), str(other)) for table, other in self._conn.execute(_REFERENCES)}

    def empty(self, tables: Iterable[Table]) -> None:
        """Remove what migrations, or a copy that was broken off, put there."""
        names = ", ".join(table.name for table in tables)
        self._conn.execute(f"TRUNCATE {names}".encode())
        self._conn.commit()

    def storable(self, row: Row) -> Row:
        """U+FFFD for each zero character, as in all that is stored here."""
        if any(isinstance(one, str) and "\x00" in one for one in row):
            return tuple(without_zeros(row))
        return row

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows."""
        statement = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN"
        try:
            with self._conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                for row in rows:
                    copy.write_row(row)
            self._conn.execute(f"ANALYZE {table.name}".encode())
            self._conn.commit()
        except psycopg.Error as exc:
            raise StoreUnavailable(f"{table.name} cannot be stored: {exc}") from exc

    def finish(self, numbers: Mapping[str, int]) -> None:
        """Go on after these numbers, free the leases, and take the mark away."""
        self._conn.commit()
        for name, value in numbers.items():
            if not name.startswith(NUMBERS_OF_TABLES) and _is_there(self._conn, f"sequence_{name}"):
                _draw_after(self._conn, f"sequence_{name}", value)
        for table, column, sequence in self._conn.execute(_IDENTITIES).fetchall():
            highest = _one(self._conn, _HIGHEST.format(column, table))
            _draw_after(
                self._conn, sequence, max(int(highest), numbers.get(f"{NUMBERS_OF_TABLES}{table}", 0))
            )
        self._conn.commit()
        with closing(connect(self._dsn, statement_s=0)) as conn:
            free_all(Tx(conn, self._clock.now_ms()))
            conn.execute(_UNMARK)
            conn.commit()


def _connected(dsn: str) -> _Conn:
    """A connection for long transactions.

    Raises:
        StoreUnavailable: There is none.
    """
    options: dict[str, Any] = {"target_session_attrs": "read-write", "connect_timeout": 5}
    try:
        return psycopg.connect(dsn, application_name=_NAME, **options)
    except psycopg.Error as exc:
        raise translated(exc) from exc


def _refuse_others(conn: _Conn, dsn: str) -> None:
    others = _others(conn)
    for _ in range(_LOOKS):
        if not others:
            return
        time.sleep(_LOOK_S)
        others = _others(conn)
    raise StoreInUse(
        f"{others} connections of livefeed use {schema.name_of(dsn)}; stop its servers on every machine"
    )


def _others(conn: _Conn) -> int:
    found = int(_one(conn, _OTHERS))
    conn.rollback()  # within one transaction the answer stays the same
    return found


def _is_there(conn: _Conn, relation: str) -> bool:
    row = conn.execute(_IS_BEGUN, (relation,)).fetchone()
    return row is not None and bool(row[0])


def _drawn(conn: _Conn, sequence: str) -> int:
    return int(_one(conn, _DRAWN.format(sequence)))


def _draw_after(conn: _Conn, sequence: str, value: int) -> None:
    conn.execute("SELECT setval(%s, %s, %s)", (sequence, max(value, 1), value > 0))


def _one(conn: _Conn, statement: str) -> Any:  # noqa: ANN401 - a value of any type
    row = conn.execute(statement.encode()).fetchone()
    return None if row is None else row[0]

"""Data of every earlier schema is there and usable after the upgrade; both engines have one schema."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.engines import migrations
from livefeed.durable.store import Store, open_store

HALVES = {
    "portal": ("livefeed.portal",),
    "app": ("livefeed.client", "livefeed.app", "livefeed.notifier"),
}

# What a CHECK allows; anything else does for the other columns.
WORDS = {
    ("consumer", "state"): "active",
    ("app", "state"): "installed",
    ("app", "auth_keys"): "documented",
    ("handler", "state"): "bound",
    ("handler", "webhook"): None,
}

# The clockwork counts and indexes its entries in another way on each engine.
OF_ONE_ENGINE = {"sequence", "arrival", "entry_key", "entry_order", "attempt", "attempt_run"}


# Made for each engine on its own; their text is only ever equal or not.
CLOCKWORK = {"attempt", "consumer", "dead", "done", "entry", "lane", "lease", "sequence"}

# Whoever opens a file ends the leases in it.
FREED = {"ready_at", "in_flight", "due_at", "attempt"}


@dataclass
class Table:
    """What is compared of a table.

    Columns are (name, kind, is required), indexes (is unique, columns, is partial); the key is one of them.
    Of a text that may be long PostgreSQL keeps the hash in the index.
    """

    columns: list[tuple[str, str, bool]] = field(default_factory=list)
    indexes: set[tuple[bool, tuple[str, ...], bool]] = field(default_factory=set)
    references: set[tuple[str, str]] = field(default_factory=set)
    checks: int = 0
    drawn: str | None = None
    """The column whose numbers the database draws."""


def ids(half: str) -> list[str]:
    return sorted(str(one.id) for one in migrations.known("sqlite", HALVES[half]))


STEPS = [(half, step) for half in HALVES for step in ids(half)[:-1]]


class Place:
    """One database that is upgraded step by step."""

    def __init__(self, engine: str, half: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine, self.rooms, self._monkeypatch = engine, HALVES[half], monkeypatch
        self.url = engines.database(folder, half, engine=engine)

    def opened(self) -> Store:
        return open_store(self.url, self.rooms, ManualClock())

    def opened_by_the_program_of(self, step: str) -> Store:
        """As a program opened it that knew the migrations up to ``step``."""
        known = migrations.known

        def earlier(engine: Any, rooms: tuple[str, ...]) -> Any:
            return known(engine, rooms).filter(lambda one: one.id <= step)

        users = [migrations]
        if self.engine == "postgresql":
            users.append(import_module("livefeed.durable.engines.postgresql.schema"))
        with self._monkeypatch.context() as patch:
            for user in users:
                patch.setattr(user, "known", earlier)
            return self.opened()


@pytest.fixture
def place_of(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Place]:
    return lambda half: Place(engine, half, tmp_path, monkeypatch)


@pytest.mark.parametrize(("half", "step"), STEPS)
async def test_rows_of_an_earlier_schema_are_there_after_the_upgrade(
    place_of: Callable[[str], Place], half: str, step: str
) -> None:
    place = place_of(half)
    store = place.opened_by_the_program_of(step)
    tables = tables_of(place.url)
    for name in in_order(tables):
        await store.write(lambda tx, name=name: insert(tx, name, tables[name], "x"))
    before = {name: await rows(store, name) for name in tables if name != "lease"}
    await store.close()

    store = place.opened()
    try:
        for name, then in before.items():
            now = await rows(store, name)
            assert [{**one, **was} for one, was in zip(now, then, strict=True)] == now, name
        for name, table in tables_of(place.url).items():
            if table.drawn is not None:
                await store.write(lambda tx, name=name, table=table: insert(tx, name, table, "y"))
    finally:
        await store.close()


@pytest.mark.parametrize("half", HALVES)
async def test_both_engines_have_the_same_tables(half: str, tmp_path: Path) -> None:
    found: list[dict[str, Table]] = []
    for engine in engines.ENGINES:
        url = engines.database(tmp_path, half, engine=engine)
        await open_store(url, HALVES[half], ManualClock()).close()
        found.append(tables_of(url))
    sqlite, postgresql = found
    assert sqlite.keys() - OF_ONE_ENGINE == postgresql.keys() - OF_ONE_ENGINE
    for name in sqlite.keys() - OF_ONE_ENGINE:
        columns = sqlite[name].columns
        assert columns == postgresql[name].columns[: len(columns)], name
        assert sqlite[name] == postgresql[name] or name in CLOCKWORK, name


async def test_a_file_shows_attempts_as_a_server_keeps_them(tmp_path: Path) -> None:
    url = engines.database(tmp_path, "other", engine="postgresql")
    await open_store(url, HALVES["portal"], ManualClock()).close()
    columns = [name for name, _, _ in tables_of(url)["attempt"].columns]
    store = open_store(engines.database(tmp_path, "portal", engine="sqlite"), HALVES["portal"], ManualClock())
    try:
        shown = await store.read(
            lambda tx: [row[0] for row in tx.execute("SELECT name FROM pragma_table_info('attempt')")]
        )
    finally:
        await store.close()
    assert [*columns, "run", "first_seq", "last_seq"] == shown


def test_each_migration_is_there_for_both_engines() -> None:
    for half, rooms in HALVES.items():
        assert ids(half) == sorted(str(one.id) for one in migrations.known("postgresql", rooms))


def in_order(tables: dict[str, Table]) -> list[str]:
    """Those that are referred to come first; what a migration has filled itself is left alone."""
    names = sorted(tables, key=lambda name: (name != "app", name))
    return [name for name in names if name not in {"sequence", "install_version"}]


def insert(tx: Any, name: str, table: Table, word: str) -> None:
    columns = [column for column in table.columns if column[0] != table.drawn]
    values = [value_of(name, column, kind, word) for column, kind, _ in columns]
    named, places = ", ".join(column for column, _, _ in columns), ", ".join("?" for _ in columns)
    tx.execute(f"INSERT INTO {name} ({named}) VALUES ({places})", values)


def value_of(table: str, column: str, kind: str, word: str) -> Any:
    if (table, column) in WORDS:
        return WORDS[table, column]
    return {"number": 1, "fraction": 1.0, "text": word, "bytes": word.encode()}[kind]


async def rows(store: Store, table: str) -> list[dict[str, Any]]:
    found = await store.read(lambda tx: [dict(row) for row in tx.execute(f"SELECT * FROM {table}")])
    return sorted(({name: one[name] for name in one.keys() - FREED} for one in found), key=str)


def tables_of(url: str) -> dict[str, Table]:
    return dict(
        of_sqlite(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite") else of_server(url)
    )


def of_sqlite(path: Path) -> Iterator[tuple[str, Table]]:
    kinds = {"INTEGER": "number", "REAL": "fraction", "TEXT": "text", "BLOB": "bytes"}
    with closing(sqlite3.connect(path)) as conn:
        made = conn.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
        for name, text in made:
            if name.startswith(("sqlite_", "_yoyo", "yoyo")):
                continue
            columns = conn.execute(f"PRAGMA table_info({name})").fetchall()
            key = [row[1] for row in sorted(columns, key=lambda row: row[5]) if row[5]]
            table = Table(checks=text.count("CHECK ("), indexes={(True, tuple(key), False)})
            table.columns = [(row[1], kinds[row[2]], bool(row[3]) or row[1] in key) for row in columns]
            table.drawn = "id" if "AUTOINCREMENT" in text or name == "notice" else None
            for _, index, unique, origin, partial in conn.execute(f"PRAGMA index_list({name})"):
                if origin != "pk":
                    inside = tuple(row[2] for row in conn.execute(f"PRAGMA index_info({index})"))
                    table.indexes.add((bool(unique), inside, bool(partial)))
            for row in conn.execute(f"PRAGMA foreign_key_list({name})"):
                table.references.add((row[3], row[2]))
            yield name, table


def of_server(url: str) -> Iterator[tuple[str, Table]]:
    database = url.rsplit("/", 1)[1]

    def ask(text: str) -> list[Any]:
        return engines.cluster().sql(text, database=database)

    kinds = {"bigint": "number", "double precision": "fraction", "text": "text", "bytea": "bytes"}
    found: dict[str, Table] = {}
    others: set[tuple[str, str]] = set()
    for name, column, kind, collation, nullable, drawn in ask(
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, is_identity"
        " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name, ordinal_position"
    ):
        if name.startswith(("_yoyo", "yoyo")):
            continue
        table = found.setdefault(name, Table())
        if kind == "text" and collation != "C":
            others.add((name, column))
        table.columns.append((column, kinds[kind], nullable == "NO"))
        table.drawn = column if drawn == "YES" else table.drawn
    for name, unique, partial, inside in ask(
        "SELECT c.relname, i.indisunique, i.indpred IS NOT NULL, ARRAY("
        "SELECT regexp_replace(pg_get_indexdef(i.indexrelid, number, true), '^md5\\((.*)\\)$', '\\1')"
        " FROM generate_series(1, i.indnatts) AS number ORDER BY number)"
        " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid"
        " WHERE c.relnamespace = 'public'::regnamespace"
    ):
        if name in found:
            found[name].indexes.add((unique, tuple(inside), partial))
    for name, kind, column, other in ask(
        "SELECT c.relname, k.contype::text, a.attname, o.relname FROM pg_constraint AS k"
        " JOIN pg_class AS c ON c.oid = k.conrelid LEFT JOIN pg_class AS o ON o.oid = k.confrelid"
        " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]"
        " WHERE k.contype IN ('c', 'f') AND c.relnamespace = 'public'::regnamespace"
    ):
        if name not in found:
            continue
        if kind == "c":
            found[name].checks += 1
        else:
            found[name].references.add((column, other))
    assert not {name for name, _ in others} - CLOCKWORK, "text is compared by bytes, as on SQLite"
    yield from found.items()

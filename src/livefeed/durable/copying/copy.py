"""The copy: every table in the order of references, then a comparison of both ends, then it may be opened."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib import import_module
from itertools import zip_longest
from types import ModuleType
from typing import Final

import msgspec

from livefeed.clock import Clock
from livefeed.durable.copying.ends import Row, Source, Table, Target
from livefeed.durable.copying.files import FileSource, FileTarget
from livefeed.errors import SettingsError, StoreUnavailable
from livefeed.settings import DatabaseUrl

_STEP: Final = 50_000

Progress = Callable[[str, int, int], None]
"""Is told a table's name, how many of its rows are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied, and found equal at both ends.

    Attributes:
        rows: How many rows each table has.
        changed: How many of them have a text that the other engine cannot hold: U+FFFD stands for each zero
            character there.
        digests: A digest of all rows of each table, in the order of its key.
    """

    rows: Mapping[str, int]
    changed: Mapping[str, int]
    digests: Mapping[str, str]


def copy_database(
    origin: DatabaseUrl,
    target: DatabaseUrl,
    rooms: Sequence[str],
    clock: Clock,
    *,
    on_progress: Progress,
    on_stored: Callable[[], None] = lambda: None,
) -> Copied:
    """Copy a database that nobody uses to one that does not exist yet, and compare both row by row.

    Args:
        origin: The database; its schema is that of this program.
        target: Where it goes. A copy to PostgreSQL that was broken off is begun anew.
        rooms: Whose tables it has.
        clock: Tells the time at which leases are freed.
        on_progress: See `Progress`.
        on_stored: Called when all rows are stored, and before they are compared.

    Raises:
        SettingsError: The target holds data, or both are the same.
        StoreInUse: A process uses one of them.
        StoreUnavailable: One of them cannot be used, or the copy is not equal; then no server opens it.
    """
    if origin == target:
        raise SettingsError("a database cannot be copied to itself; name another")
    with closing(_source(origin, rooms, clock)) as source, closing(_target(target, rooms, clock)) as into:
        tables = _in_order(_same_tables(source, into), into.references())
        into.empty(tables)
        for table in tables:
            total = source.count(table)
            rows = map(into.storable, source.rows(table))
            into.add(table, _counted(rows, table, total, on_progress))
        on_stored()
        compared = {table.name: compare(source, into, table) for table in tables}
        into.finish(source.numbers())
    return Copied(
        rows={name: found.rows for name, found in compared.items()},
        changed={name: found.changed for name, found in compared.items()},
        digests={name: found.digest for name, found in compared.items()},
    )


@dataclass(frozen=True, slots=True)
class Equal:
    """What one table came to: how many rows, how many of them changed, a digest of all."""

    rows: int
    changed: int
    digest: str


def compare(source: Source, target: Target, table: Table) -> Equal:
    """Read one table at both ends, side by side.

    Raises:
        StoreUnavailable: A row differs, or is missing at one end.
    """
    digest = hashlib.blake2b(digest_size=16)
    count = changed = 0
    for mine, theirs in zip_longest(source.rows(table), target.rows(table)):
        wanted = None if mine is None else target.storable(mine)
        row = msgspec.msgpack.encode(wanted)
        if row != msgspec.msgpack.encode(theirs):
            raise StoreUnavailable(
                f"the copy is not equal: {table.name} ({_key(table, wanted or theirs)}) differs; "
                "no server opens it, so copy again"
            )
        digest.update(row)
        count += 1
        changed += wanted is not mine
    return Equal(count, changed, digest.hexdigest())


def _key(table: Table, row: Row) -> str:
    named = dict(zip(table.columns, row, strict=True))
    return ", ".join(f"{name} {named[name]!r}" for name in table.key)


def _counted(rows: Iterable[Row], table: Table, total: int, on_progress: Progress) -> Iterator[Row]:
    done = 0
    for done, row in enumerate(rows, 1):
        if done % _STEP == 0:
            on_progress(table.name, done, total)
        yield row
    if done % _STEP or not done:
        on_progress(table.name, done, total)


def _same_tables(source: Source, target: Target) -> dict[str, Table]:
    mine, theirs = source.tables(), target.tables()
    if mine != theirs:
        names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
        raise StoreUnavailable(
            f"the schemas differ in {', '.join(names)}; use one version of livefeed for both"
        )
    return mine


def _in_order(tables: Mapping[str, Table], references: Iterable[tuple[str, str]]) -> list[Table]:
    """Those that are referred to come first."""
    graph: TopologicalSorter[str] = TopologicalSorter({name: set[str]() for name in sorted(tables)})
    for table, other in references:
        if table != other:
            graph.add(table, other)
    return [tables[name] for name in graph.static_order()]


def _source(database: DatabaseUrl, rooms: Sequence[str], clock: Clock) -> Source:
    if database.is_file:
        return FileSource(database.path, rooms, clock)
    return _server().ServerSource(database.dsn, rooms, clock)


def _target(database: DatabaseUrl, rooms: Sequence[str], clock: Clock) -> Target:
    if database.is_file:
        return FileTarget(database.path, rooms, clock)
    return _server().ServerTarget(database.dsn, rooms, clock)


def _server() -> ModuleType:
    try:
        return import_module("livefeed.durable.copying.servers")
    except ImportError as exc:
        raise SettingsError(f"PostgreSQL needs its driver ({exc.name}); install livefeed[postgres]") from exc

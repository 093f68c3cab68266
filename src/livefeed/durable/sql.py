"""Loads named SQL: statements live in ``.sql`` files beside the room that owns them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from inspect import Signature
from itertools import chain
from typing import Any, Final, Protocol, cast

import aiosql
from aiosql.adapters.sqlite3 import SQLite3Adapter
from aiosql.types import SQLOperationType

from livefeed.durable.engines.unit import Connection, Engine, Tx

_ONE_TERM: Final = re.compile(r"WHERE\s*(\([^()]*\))")
_MOST_ROWS: Final = 64
_NAME: Final = re.compile(r":\w+")
_ONE_ROW: Final = re.compile(r"VALUES\s*\(([^()]*)\)")


class _Operation(Protocol):
    sql: str
    operation: SQLOperationType
    __signature__: Signature

    def __call__(self, conn: object, /, **parameters: object) -> Any: ...  # noqa: ANN401 - rows are the caller's to type


_Run = Callable[[Connection, Mapping[str, object]], Any]


class Query:
    """One named statement; called with the connection and its parameters by name.

    Attributes:
        name: Its name.
        sql: Its text for SQLite, where it has one.
        parameters: The names of its parameters, as declared.
        names: The same in the order of the text, for one that is run for many rows.
    """

    def __init__(self, name: str, operations: dict[Engine, _Operation]) -> None:
        self.name = name
        self._operations = operations
        self._runs = {engine: _run_of(operation) for engine, operation in operations.items()}
        self.sql = next(iter(operations.values())).sql
        declared = next(iter(operations.values())).__signature__.parameters
        self.parameters = tuple(one for one in declared if one != "self")
        self.names = tuple(dict.fromkeys(one[1:] for one in _NAME.findall(self.sql)))

    def __call__(self, conn: Connection, /, **parameters: object) -> Any:  # noqa: ANN401 - rows are the caller's to type
        """Run the statement of the connection's engine."""
        return self._runs[conn.engine](conn, parameters)

    def send(self, conn: Connection, /, **parameters: object) -> None:
        """Run the statement without asking what it did: on PostgreSQL it travels with the next one."""
        conn.execute(self._operations[conn.engine].sql, parameters)

    def text(self, engine: Engine) -> str:
        """Its text for one engine.

        Raises:
            KeyError: It has none.
        """
        return self._operations[engine].sql


def _run_of(operation: _Operation) -> _Run:
    """How a statement is run: aiosql reads the files; its own way to the driver takes as long as SQLite."""
    sql = operation.sql
    match operation.operation:
        case SQLOperationType.SELECT:
            return lambda conn, parameters: iter(conn.execute(sql, parameters))
        case SQLOperationType.SELECT_ONE:
            return lambda conn, parameters: conn.execute(sql, parameters).fetchone()
        case SQLOperationType.SELECT_VALUE:
            return lambda conn, parameters: _value(conn.execute(sql, parameters).fetchone())
        case SQLOperationType.INSERT_UPDATE_DELETE:
            return lambda conn, parameters: conn.execute(sql, parameters).rowcount
        case _:
            return lambda conn, parameters: operation(conn, **parameters)


def _value(row: Any) -> Any:  # noqa: ANN401 - the driver's row, and whatever stands in it
    return None if row is None else row[0]


class Queries:
    """The statements of one file, by name; it is read when the first is asked for."""

    def __init__(self, package: str, file: str) -> None:
        self._file = (package, file)

    def __getattr__(self, name: str) -> Query:
        """The statement called ``name``."""
        queries = _queries(*self._file)
        if name not in queries:
            raise AttributeError(f"there is no statement {name}; there are {', '.join(queries)}")
        self.__dict__.update(queries)
        return queries[name]

    def __iter__(self) -> Iterator[Query]:
        """All statements."""
        return iter(_queries(*self._file).values())


class _Adapter(SQLite3Adapter):
    """aiosql's adapter, for rows that have names as well as places, of either engine."""

    def select_value(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:  # noqa: ANN401 - aiosql
        """The first column of the first row; None if there is no row."""
        del query_name
        row = conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]


def load(package: str, file: str) -> Queries:
    """The statements of ``file``, a path inside ``package``, which is read once per process.

    Each statement is headed by its name, its parameters and what it gives, for example
    ``-- name: find_post(id)^``: ``^`` one row or None, ``$`` one value, ``!`` the number of changed rows,
    ``<!`` the new row id, no sign: all rows. What PostgreSQL needs in other words stands under the same
    name in the file beside it: ``posts.sql`` and ``posts.postgresql.sql``; so does what it alone needs, and
    in ``posts.sqlite.sql`` what SQLite alone needs.
    """
    return Queries(package, file)


@cache
def _queries(package: str, file: str) -> dict[str, Query]:
    shared = _read(package, file)
    others = _read(package, file.removesuffix(".sql") + ".postgresql.sql")
    own = _read(package, file.removesuffix(".sql") + ".sqlite.sql")
    queries = {
        name: Query(name, {"sqlite": operation, "postgresql": others.get(name, operation)})
        for name, operation in shared.items()
    }
    queries |= {name: Query(name, {"postgresql": others[name]}) for name in others.keys() - shared.keys()}
    return queries | {name: Query(name, {"sqlite": operation}) for name, operation in own.items()}


def _read(package: str, file: str) -> dict[str, _Operation]:
    source = resources.files(package).joinpath(file)
    if not source.is_file():
        return {}
    loaded: Any = aiosql.from_str(source.read_text(encoding="utf-8"), _Adapter)  # pyright: ignore[reportUnknownMemberType] - no types
    return {
        str(name): cast("_Operation", getattr(loaded, name))
        for name in loaded.available_queries
        if not (
            str(name).endswith("_cursor") and str(name).removesuffix("_cursor") in loaded.available_queries
        )
    }


def run_rows(tx: Tx, query: Query, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run an ``INSERT … VALUES (:a, :b)`` for many rows.

    On SQLite 64 a statement: one statement for many rows is one step of the engine, and so one release of the
    interpreter lock. On PostgreSQL all of them as arrays, one a column: one text, prepared once.
    """
    if tx.is_shared:
        _run_columns(tx, query, rows)
        return
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        tx.execute(_for_rows(query.sql, len(some)), list(chain.from_iterable(some)))


def run_terms(tx: Tx, query: Query, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a ``DELETE … WHERE (a = :a AND b = :b)`` for many rows; on PostgreSQL as `run_rows` does."""
    if tx.is_shared:
        _run_columns(tx, query, rows)
        return
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        tx.execute(_for_terms(query.sql, len(some)), list(chain.from_iterable(some)))


def _run_columns(tx: Tx, query: Query, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        columns = zip(query.names, zip(*rows, strict=True), strict=True)
        tx.execute(query.text("postgresql"), {name: list(values) for name, values in columns})


@cache
def _for_rows(statement: str, count: int) -> str:
    match = _ONE_ROW.search(statement)
    assert match is not None, "the statement has no VALUES (…) of one row"
    row = "(" + ", ".join("?" for _ in match.group(1).split(",")) + ")"
    return statement[: match.start()] + "VALUES " + ", ".join([row] * count) + statement[match.end() :]


@cache
def _for_terms(statement: str, count: int) -> str:
    match = _ONE_TERM.search(statement)
    assert match is not None, "the statement has no WHERE (…) of one term"
    term = _NAME.sub("?", match.group(1))
    return statement[: match.start()] + "WHERE " + " OR ".join([term] * count) + statement[match.end() :]

"""Loads named SQL: statements live in ``.sql`` files beside the room that owns them."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol, cast

import aiosql
from aiosql.adapters.sqlite3 import SQLite3Adapter

from livefeed.durable.engines.unit import Tx

_ONE_TERM: Final = re.compile(r"WHERE\s*(\([^()]*\))")
_MOST_ROWS: Final = 64
_NAME: Final = re.compile(r":\w+")
_ONE_ROW: Final = re.compile(r"VALUES\s*\(([^()]*)\)")


class Query(Protocol):
    """One named statement; called with the connection and its parameters by name."""

    sql: str

    def __call__(self, conn: object, /, **parameters: object) -> Any:  # noqa: ANN401 - rows are the caller's to type
        """Run the statement."""
        ...


class Queries(Protocol):
    """The statements of one file, by name."""

    def __getattr__(self, name: str) -> Query:
        """The statement called ``name``."""
        ...


class _Adapter(SQLite3Adapter):
    """aiosql's adapter, for rows that have names as well as places."""

    def select_value(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:  # noqa: ANN401 - aiosql
        """The first column of the first row; None if there is no row."""
        del query_name
        row = conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]


@cache
def load(package: str, file: str) -> Queries:
    """Read the statements of ``file``, a path inside ``package``, once per process.

    Each statement is headed by its name, its parameters and what it gives, for example
    ``-- name: find_post(id)^``: ``^`` one row or None, ``$`` one value, ``!`` the number of changed rows,
    ``<!`` the new row id, no sign: all rows.
    """
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    return cast("Queries", aiosql.from_str(text, _Adapter))  # pyright: ignore[reportUnknownMemberType] - no types


def run_rows(tx: Tx, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run an ``INSERT … VALUES (:a, :b)`` for many rows, 64 a statement.

    One statement for many rows is one step of the engine, and so one release of the interpreter lock.
    """
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        tx.execute(_for_rows(statement, len(some)), [value for row in some for value in row])


def run_terms(tx: Tx, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a ``DELETE … WHERE (a = :a AND b = :b)`` for many rows, 64 a statement."""
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        tx.execute(_for_terms(statement, len(some)), [value for row in some for value in row])


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

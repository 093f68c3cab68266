"""The two ends of a copy: what each engine can tell of its tables, and what it takes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

Row: TypeAlias = tuple[Any, ...]

NUMBERS_OF_TABLES: Final = "table:"
"""Before the name of a table: the highest id that it ever gave. Without it: a sequence of the clockwork."""

OF_ONE_ENGINE: Final = frozenset(
    {"entry_key", "entry_order", "sequence", "arrival", "process", "attempt_run"}
)
"""Tables that one engine fills from others, or that say which processes run now: nothing to copy."""

VIEWS_OF_FILES: Final = {"attempt": ("day", "id")}
"""What a file shows, and takes, as the rows that a server has; and their key there."""

COLUMNS_OF_ONE_ENGINE: Final = frozenset(
    {
        *(("consumer", "due_from"), ("consumer", "lease_from")),
        *(("attempt", "run"), ("attempt", "first_seq"), ("attempt", "last_seq")),
    }
)
"""Those that begin with their default, as they say from where on an index is looked at; and a view's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        name: Its name.
        columns: Those that are copied, by name.
        key: The columns of its primary key, in order.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def count(self) -> str:
        """A statement that counts its rows; names come from the catalog of the database itself."""
        return f"SELECT count(*) FROM {self.name}"  # noqa: S608 - see above

    @property
    def select(self) -> str:
        """A statement that gives all rows in the order of the key."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name} ORDER BY {', '.join(self.key)}"  # noqa: S608 - names of our own schema


class Source(Protocol):
    """Where the rows come from: one snapshot, from the first question to the last."""

    def tables(self) -> dict[str, Table]:
        """Its tables, without those of one engine."""
        ...

    def count(self, table: Table) -> int:
        """How many rows the table has."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in the order of the key, a few at a time."""
        ...

    def numbers(self) -> dict[str, int]:
        """The highest number that was ever drawn: of each sequence, and of each table that gives ids."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Target(Protocol):
    """Where the rows go: nothing else uses it before `finish`."""

    def tables(self) -> dict[str, Table]:
        """Its tables, without those of one engine."""
        ...

    def references(self) -> set[tuple[str, str]]:
        """(table, table it refers to)."""
        ...

    def empty(self, tables: Iterable[Table]) -> None:
        """Remove what migrations put there."""
        ...

    def storable(self, row: Row) -> Row:
        """The row as this engine can hold it: one of them has no zero character in texts."""
        ...

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows, each of which is storable."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in the order of the key, a few at a time."""
        ...

    def finish(self, numbers: Mapping[str, int]) -> None:
        """Go on after these numbers, free the leases, and let servers open it; all or nothing."""
        ...

    def close(self) -> None:
        """Let go of it; without `finish` it stays a copy that nobody opens."""
        ...


def columns_of(table: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Those that are copied, by name: the engines may have them in another order."""
    return tuple(sorted(one for one in columns if (table, one) not in COLUMNS_OF_ONE_ENGINE))


def is_copied(table: str) -> bool:
    """Whether a table holds something of its own."""
    return table not in OF_ONE_ENGINE and not table.startswith(("_yoyo", "yoyo", "sqlite_"))

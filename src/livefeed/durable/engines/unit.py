"""What a unit of work is handed: one transaction of one engine."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

R = TypeVar("R")
T = TypeVar("T")

_TAKE: Final = "UPDATE sequence SET value = value + ? WHERE name = ? RETURNING value"


class Cursor(Protocol):
    """The part of a DB-API cursor that units use."""

    rowcount: int
    lastrowid: int | None

    def fetchone(self) -> Any:  # noqa: ANN401 - a row, by name or by index
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The rows."""
        ...


class Connection(Protocol):
    """The part of a DB-API connection that units and named statements use."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:  # noqa: ANN401 - the driver's own cursor
        """Run one statement."""
        ...


class Tx:
    """One unit's view of the database.

    Attributes:
        conn: The connection, for statements loaded with `livefeed.durable.sql.load`.
        now_ms: The time of this unit.
        topics: What `wake` was called with.
    """

    __slots__ = ("conn", "now_ms", "topics")

    def __init__(self, conn: Connection, now_ms: int) -> None:
        self.conn = conn
        self.now_ms = now_ms
        self.topics: set[str] = set()

    def execute(self, sql: str, parameters: object = ()) -> Cursor:
        """Run one statement with parameters by position or by name."""
        return self.conn.execute(sql, parameters)

    def wake(self, topic: str) -> None:
        """Call the listeners of ``topic`` once this unit is committed."""
        self.topics.add(topic)

    def take(self, sequence: str, count: int = 1) -> int:
        """Draw ``count`` numbers that nobody ever got before, and return the last of them."""
        last: int = self.conn.execute(_TAKE, (count, sequence)).fetchone()[0]
        return last


Unit = Callable[[Tx], T]
BulkUnit = Callable[[Tx, Sequence[R]], Sequence[T]]

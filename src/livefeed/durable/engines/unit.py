"""What a unit of work is handed: one transaction of one engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from prometheus_client import Counter

R = TypeVar("R")
T = TypeVar("T")

Engine: TypeAlias = Literal["sqlite", "postgresql"]


_TAKE: Final = "UPDATE sequence SET value = value + ? WHERE name = ? RETURNING value"
_DRAW: Final = "SELECT nextval(CAST('sequence_' || :name AS regclass)) FROM generate_series(1, :count)"
_SERIALIZE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(:portal, 0))"


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
    """The part of a DB-API connection that units and named statements use.

    Attributes:
        engine: Which statements it understands; see `livefeed.durable.sql.load`.
    """

    @property
    def engine(self) -> Engine:
        """``sqlite`` or ``postgresql``."""
        ...

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:  # noqa: ANN401 - the driver's own cursor
        """Run one statement."""
        ...


class Tx:
    """One unit's view of the database; each engine says what may run beside it.

    Attributes:
        conn: The connection, for statements loaded with `livefeed.durable.sql.load`.
        now_ms: The time of this unit.
        topics: What `wake` was called with.
        counts: What `count` was called with.
    """

    __slots__ = ("conn", "counts", "now_ms", "topics")

    def __init__(self, conn: Any, now_ms: int) -> None:  # noqa: ANN401 - the driver's own connection
        self.conn: Connection = conn
        self.now_ms = now_ms
        self.topics: set[str] = set()
        self.counts: list[tuple[Counter, int]] = []

    @property
    def is_shared(self) -> bool:
        """Whether other units run at the same time, so that rows must be locked before they are judged."""
        return self.conn.engine == "postgresql"

    def execute(self, sql: str, parameters: object = ()) -> Cursor:
        """Run one statement with parameters by position or by name."""
        return self.conn.execute(sql, parameters)

    def wake(self, topic: str) -> None:
        """Call the listeners of ``topic`` once this unit is committed."""
        self.topics.add(topic)

    def count(self, counter: Counter, amount: int = 1) -> None:
        """Add ``amount`` to a counter once this unit is committed."""
        self.counts.append((counter, amount))

    def take(self, sequence: str) -> int:
        """Draw a number that nobody ever got before."""
        return self.take_many(sequence, 1)[0]

    def take_many(self, sequence: str, count: int) -> Sequence[int]:
        """Draw ``count`` numbers, rising, that nobody ever got before; others may draw in between."""
        if self.is_shared:
            return [row[0] for row in self.conn.execute(_DRAW, {"name": sequence, "count": count})]
        last: int = self.conn.execute(_TAKE, (count, sequence)).fetchone()[0]
        return range(last - count + 1, last + 1)

    def serialize(self, portal: str) -> None:
        """Run one unit at a time of this portal, from here to the commit.

        For units that read, decide and write what belongs to a portal. On SQLite all units are run so.
        """
        if self.is_shared:
            self.conn.execute(_SERIALIZE, {"portal": portal})


Unit = Callable[[Tx], T]
BulkUnit = Callable[[Tx, Sequence[R]], Sequence[T]]


@dataclass(frozen=True, slots=True)
class Last(Generic[T]):
    """A unit that wants to see what others write in the same commit: on SQLite it is run after them.

    Attributes:
        unit: What is run.
        on_seen: Called in the loop that waits for it once all listeners of this commit were: those that are
            called later were woken by what it has not seen. Never called where other units run beside it.
    """

    unit: Unit[T]
    on_seen: Callable[[], None]

    def __call__(self, tx: Tx) -> T:
        """Run it."""
        return self.unit(tx)

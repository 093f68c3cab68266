"""The store on PostgreSQL: any number of processes on any number of machines, none of which leads."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Final, TypeVar

from livefeed.clock import Clock, SystemClock
from livefeed.durable.engines.postgresql import schema
from livefeed.durable.engines.postgresql.bells import Bells
from livefeed.durable.engines.postgresql.connections import connect
from livefeed.durable.engines.postgresql.crew import Crew
from livefeed.durable.engines.postgresql.guard import Guard
from livefeed.durable.engines.postgresql.lines import Line, line_for_reading, line_for_writing
from livefeed.durable.engines.postgresql.risks import warn_of_risks
from livefeed.durable.engines.postgresql.transactions import Snapshots
from livefeed.durable.engines.readers import Readers
from livefeed.durable.engines.replies import Listeners, hand_over
from livefeed.durable.engines.tray import Tray
from livefeed.durable.engines.unit import Tx

R = TypeVar("R")
T = TypeVar("T")

_WRITERS: Final = 4
_READERS: Final = 2
_TOUCH: Final = "UPDATE sequence SET value = value + 1 WHERE name = 'probe'"


class PostgresqlStore:
    """Implements `livefeed.durable.store.Store` on one database of a PostgreSQL server."""

    def __init__(
        self, dsn: str, rooms: Sequence[str], clock: Clock, *, create: bool, waiting_units: int
    ) -> None:
        """Bring the schema up to date, and start the threads."""
        schema.prepare(dsn, rooms, create=create)
        with closing(connect(dsn)) as conn:
            warn_of_risks(Tx(conn, clock.now_ms()))
        ring = partial(connect, dsn, autocommit=True)
        self._listeners: Final = Listeners()
        self._bells: Final = Bells(Line(ring), Line(ring), on_rung=self._on_rung, on_gap=self._on_gap)
        lines = [line_for_writing(dsn) for _ in range(_WRITERS)]
        self._crew: Final = Crew(lines, clock, waiting_units=waiting_units, on_woken=self._on_woken)
        readers = [line_for_reading(dsn) for _ in range(_READERS)]
        sources = [Snapshots(line, clock) for line in readers]
        self._readers: Final = Readers(sources, waiting_units=waiting_units)
        self._guard: Final = Guard([*lines, *readers])
        self._tray: Final = Tray(self._crew, limit=waiting_units)
        self._closed = False
        self._crew.start()
        self._readers.start()
        self._bells.start()
        self._guard.start()

    @property
    def engine(self) -> str:
        """``postgresql``."""
        return "postgresql"

    @property
    def units(self) -> int:
        """How many units this process has handed over so far."""
        return self._crew.units

    @property
    def committed_at_ms(self) -> int:
        """When a commit of this process last succeeded."""
        return self._crew.committed_at_ms

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run ``unit`` and return its result after the commit."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tray.flush()
        self._crew.post((unit, None, False, future))
        return await future

    def write_row(self, bulk: Callable[[Tx, Sequence[R]], Sequence[T]], row: R) -> "asyncio.Future[T]":
        """Run ``bulk`` with this row and others that wait for the same bulk unit."""
        return self._tray.put(bulk, row)

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on a snapshot of this moment."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._readers.post((query, future))
        return await future

    def listen(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` in the running loop after each commit, of any process, that woke ``topic``."""
        return self._listeners.add(topic, (asyncio.get_running_loop(), callback))

    async def probe(self) -> None:
        """Make a tiny real commit."""
        await self.write(lambda tx: tx.execute(_TOUCH).rowcount)

    async def close(self) -> None:
        """Run what waits, then close the connections."""
        if self._closed:
            return
        self._closed = True
        self._tray.flush()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.close()
        self._crew.close()
        self._bells.close()
        self._guard.close()

    def _on_woken(self, topics: set[str]) -> Sequence[tuple[asyncio.AbstractEventLoop, Callable[[], None]]]:
        self._bells.ring(topics)
        return self._listeners.of(topics)

    def _on_rung(self, topics: set[str]) -> None:
        hand_over([], self._listeners.of(topics))

    def _on_gap(self) -> None:
        hand_over([], self._listeners.of_all())


class PostgresqlReader:
    """Implements `livefeed.durable.store.Reader` for commands."""

    def __init__(self, dsn: str, rooms: Sequence[str], clock: Clock | None) -> None:
        self._snapshots: Final = Snapshots(line_for_reading(dsn, transaction_s=0), clock or SystemClock())
        try:
            self._snapshots.run(lambda tx: schema.check(tx, rooms))
        except BaseException:
            self._snapshots.close()
            raise

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on a snapshot."""
        result: T = self._snapshots.run(query)
        return result

    def changes(self) -> int:
        """A number that is another one once somebody has committed since it was asked for."""
        return self.read(lambda tx: int(tx.execute(_WRITTEN).fetchone()[0]))

    def close(self) -> None:
        """Close the connection."""
        self._snapshots.close()


_WRITTEN: Final = "SELECT pg_current_wal_lsn() - CAST('0/0' AS pg_lsn)"

"""Readers: a few threads with their own connections and short snapshots; and those of SQLite."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from livefeed.clock import Clock
from livefeed.durable.engines.faults import translated
from livefeed.durable.engines.mailbox import Mailbox
from livefeed.durable.engines.replies import Future, Replies, hand_over
from livefeed.durable.engines.unit import Tx

_LONGEST_QUERY_S: Final = 10.0
_LOOK_EVERY_STEPS: Final = 100_000

Query = Callable[[Tx], Any]


class Source(Protocol):
    """One connection that reads."""

    def run(self, query: Query) -> Any:  # noqa: ANN401 - of any query
        """Run one query on a snapshot of its own; a StoreError is what the driver said, translated."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Readers:
    """Owns the reading connections and their threads."""

    def __init__(self, sources: Sequence[Source], *, waiting_units: int, together: int = 1) -> None:
        """Prepare; a thread answers up to ``together`` queries before it wakes those who asked."""
        self._box: Final[Mailbox[tuple[Query, Future]]] = Mailbox(limit=waiting_units)
        self._together = together
        self._threads = [
            threading.Thread(target=self._run, args=(source,), name="livefeed-reader", daemon=True)
            for source in sources
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def post(self, query: tuple[Query, Future]) -> None:
        """Hand over one query; `Mailbox.post` says what it raises."""
        self._box.post(query)

    def close(self) -> None:
        """Answer what waits, then end the threads and close the connections."""
        self._box.close()
        for thread in self._threads:
            thread.join()

    def _run(self, source: Source) -> None:
        while queries := self._box.take(self._together):
            hand_over([_answer(source, query, future) for query, future in queries])
        source.close()


def _answer(source: Source, query: Query, future: Future) -> Replies:
    try:
        return ([future], [source.run(query)], None)
    except Exception as exc:  # noqa: BLE001 - the query is the caller's code, and its error goes to the caller
        return ([future], (), exc)


class FileSource:
    """A connection to an SQLite file; a snapshot that is held for ever would let the log grow for ever."""

    def __init__(self, conn: sqlite3.Connection, clock: Clock) -> None:
        self._conn = conn
        self._clock = clock
        self._began_s = 0.0
        conn.set_progress_handler(self._is_too_long, _LOOK_EVERY_STEPS)

    def run(self, query: Query) -> Any:  # noqa: ANN401 - of any query
        """Run one query; its snapshot ends with it, so that checkpoints can go on."""
        self._began_s = time.monotonic()
        return run_query(self._conn, query, self._clock.now_ms())

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()

    def _is_too_long(self) -> bool:
        return time.monotonic() - self._began_s > _LONGEST_QUERY_S


def run_query(conn: sqlite3.Connection, query: Query, now_ms: int) -> Any:  # noqa: ANN401 - of any query
    """Run ``query`` between BEGIN and ROLLBACK.

    Raises:
        StoreError: What the driver said, translated.
    """
    try:
        conn.execute("BEGIN")
        return query(Tx(conn, now_ms))
    except sqlite3.Error as exc:
        raise translated(exc) from exc
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")

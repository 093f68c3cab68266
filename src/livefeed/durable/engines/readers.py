"""Readers: a few threads with their own connections and short snapshots."""

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from livefeed.clock import Clock
from livefeed.durable.engines.faults import translated
from livefeed.durable.engines.mailbox import Mailbox
from livefeed.durable.engines.replies import Future, Replies, hand_over
from livefeed.durable.engines.unit import Tx

_MOST_QUERIES: Final = 16
_LONGEST_QUERY_S: Final = 10.0
_LOOK_EVERY_STEPS: Final = 100_000

Query = tuple[Callable[[Tx], Any], Future]


class Readers:
    """Owns the reading connections and their threads."""

    def __init__(
        self,
        connections: list[sqlite3.Connection],
        clock: Clock,
        *,
        waiting_units: int,
    ) -> None:
        self._clock = clock
        self._box: Final[Mailbox[Query]] = Mailbox(limit=waiting_units)
        self._threads = [
            threading.Thread(target=self._run, args=(conn,), name="livefeed-reader", daemon=True)
            for conn in connections
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def post(self, query: Query) -> None:
        """Hand over one query; `Mailbox.post` says what it raises."""
        self._box.post(query)

    def close(self) -> None:
        """Answer what waits, then end the threads and close the connections."""
        self._box.close()
        for thread in self._threads:
            thread.join()

    def _run(self, conn: sqlite3.Connection) -> None:
        began_s = time.monotonic()
        # A snapshot that is held for ever would let the log grow for ever.
        conn.set_progress_handler(lambda: time.monotonic() - began_s > _LONGEST_QUERY_S, _LOOK_EVERY_STEPS)
        while queries := self._box.take(_MOST_QUERIES):
            replies: list[Replies] = []
            for query in queries:
                began_s = time.monotonic()
                replies.append(_answer(conn, query, self._clock.now_ms()))
            hand_over(replies)
        conn.close()


def _answer(conn: sqlite3.Connection, query: Query, now_ms: int) -> Replies:
    """Run one query on its own snapshot; the snapshot ends here, so that checkpoints can go on."""
    run, future = query
    try:
        return ([future], [run_query(conn, run, now_ms)], None)
    except Exception as exc:  # noqa: BLE001 - the query is the caller's code, and its error goes to the caller
        return ([future], (), exc)


def run_query(conn: sqlite3.Connection, query: Callable[[Tx], Any], now_ms: int) -> Any:  # noqa: ANN401 - of any query
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

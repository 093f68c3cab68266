"""Readers: a few threads with connections of their own and short snapshots."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from livefeed.clock import Clock
from livefeed.durable.engines.mailbox import Mailbox
from livefeed.durable.engines.postgresql.connections import Line
from livefeed.durable.engines.postgresql.transactions import run_query
from livefeed.durable.engines.replies import Future, hand_over
from livefeed.durable.engines.unit import Tx

Query = tuple[Callable[[Tx], Any], Future]


class Readers:
    """Owns the reading connections and their threads."""

    def __init__(self, lines: Sequence[Line], clock: Clock, box: Mailbox[Query]) -> None:
        self._clock = clock
        self._box: Final = box
        self._threads = [
            threading.Thread(target=self._run, args=(line,), name="livefeed-reader", daemon=True)
            for line in lines
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

    def _run(self, line: Line) -> None:
        while queries := self._box.take(1):
            for query, future in queries:
                try:
                    replies = ([future], [run_query(line, query, self._clock.now_ms())], None)
                except Exception as exc:  # noqa: BLE001 - the query is the caller's code, and its error goes to the caller
                    replies = ([future], (), exc)
                hand_over([replies])
        line.drop()

"""The guard: ends connections on which the server keeps a unit waiting for too long."""

import threading
from collections.abc import Sequence
from typing import Final

from livefeed.durable.engines.postgresql.lines import Line

_LOOK_EVERY_S: Final = 1.0


class Guard:
    """Owns the thread that looks at the lines of a store."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livefeed-guard", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            for line in self._lines:
                line.cut()

"""Patience: rings when outcomes have waited for one another for long enough."""

import asyncio
from collections.abc import Callable
from typing import Final

_NEARLY_S: Final = 0.001


class Patience:
    """One timer for what comes and goes: a turn that takes everything along leaves it without a reason."""

    def __init__(self, longest_s: float, ring: Callable[[], None], is_waiting: Callable[[], bool]) -> None:
        """Wait for nothing yet.

        Args:
            longest_s: How long something may wait.
            ring: Called when something has waited for so long.
            is_waiting: Whether anything still does.
        """
        self._longest_s = longest_s
        self._ring = ring
        self._is_waiting = is_waiting
        self._since_s = 0.0
        self._is_timed = False

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The first of them waits from now on."""
        self._since_s = loop.time()
        if not self._is_timed:
            self._is_timed = True
            loop.call_later(self._longest_s, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        left_s = self._since_s + self._longest_s - loop.time()
        self._is_timed = self._is_waiting() and left_s > _NEARLY_S
        if self._is_timed:
            loop.call_later(left_s, self._look, loop)
        else:
            self._ring()

"""Turns: so many calls of one handler at a time; who would have to wait for long is sent away."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from livefeed.errors import NotYet

_LONGEST_WAIT_S: Final = 0.25
_LONGEST_AWAY_S: Final = 60.0
_NEWER: Final = 0.3


class NoTurn(NotYet):
    """Others are being called; this call was not begun."""


class Turns:
    """The turns of one handler in this process.

    A run that waits keeps its lane's lease and one of the places of its portal's inbox, which events for
    other handlers need. So it waits for a moment only, and comes again when its turn may be.
    """

    def __init__(self, concurrency: int) -> None:
        """``concurrency``: calls at a time."""
        self._concurrency = concurrency
        self._free = asyncio.Semaphore(concurrency)
        self._call_s = 1.0  # until one has shown how long it takes
        self._promised_s = 0.0

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None]:
        """Have a turn while the block lasts.

        Raises:
            NoTurn: None is free within a moment.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LONGEST_WAIT_S):
                await self._free.acquire()
        except TimeoutError:
            raise NoTurn("others have their turn", after_s=self._promise(loop.time())) from None
        began_s = loop.time()
        try:
            yield
        finally:
            self._free.release()
            self._call_s += _NEWER * (loop.time() - began_s - self._call_s)

    def _promise(self, now_s: float) -> float:
        """Seconds until one may come again: one after the other, as calls end."""
        after_s = max(now_s + _LONGEST_WAIT_S, self._promised_s + self._call_s / self._concurrency)
        self._promised_s = min(after_s, now_s + _LONGEST_AWAY_S)
        return self._promised_s - now_s

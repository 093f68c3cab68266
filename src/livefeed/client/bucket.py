"""The rate at which one portal may be called: the documented leaky bucket, kept on this side."""

import asyncio
import math
from typing import Final

CAPACITY: Final = 50
DRAIN_PER_S: Final = 2


class Bucket:
    """Lets ``capacity`` calls through at once, then ``drain_per_s`` a second.

    The portal's counter falls once a second at a moment nobody knows; it is taken to fall a whole second
    after the first call, so that no call can come too early.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    def __init__(self, *, capacity: int = CAPACITY, drain_per_s: int = DRAIN_PER_S) -> None:
        self._capacity = capacity
        self._drain_per_s = drain_per_s
        self._level = 0
        self._since_s = 0.0

    def reserve(self, now_s: float) -> float:
        """Take the next place; returns the seconds to wait until it may be used."""
        ticks = max(0, math.floor(now_s - self._since_s))
        self._level = max(0, self._level - ticks * self._drain_per_s)
        self._since_s = self._since_s + ticks if self._level else now_s
        self._level += 1
        beyond = self._level - self._capacity
        if beyond <= 0:
            return 0.0
        return self._since_s + math.ceil(beyond / self._drain_per_s) - now_s

    async def admit(self) -> None:
        """Wait for a place; places are given in the order of asking."""
        delay_s = self.reserve(asyncio.get_running_loop().time())
        if delay_s > 0:
            await asyncio.sleep(delay_s)

"""The rate at which one portal may be called: the documented leaky bucket, kept on this side."""

import asyncio
from collections import deque
from typing import Final

CAPACITY: Final = 50
DRAIN_PER_S: Final = 2


class Bucket:
    """Lets 50 calls through at once, then two a second.

    The portal's counter falls by two once a second, at a moment nobody knows. So for any n calls in a row
    the last is kept ``ceil((n - 50) / 2)`` whole seconds behind the first: then no moment makes one too many.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    def __init__(self) -> None:
        never = float("-inf")
        # The last 51 times given out, and the earliest times that all calls before them allow the next two.
        self._given = deque([never] * (CAPACITY + 1), maxlen=CAPACITY + 1)
        self._allowed = deque([never] * DRAIN_PER_S, maxlen=DRAIN_PER_S)

    def reserve(self, now_s: float) -> float:
        """Take the next place; returns the seconds to wait until it may be used."""
        allowed_s = max(self._allowed[0], self._given[0], self._given[1]) + 1.0
        self._allowed.append(allowed_s)
        at_s = max(now_s, allowed_s, self._given[-1])
        self._given.append(at_s)
        return at_s - now_s

    async def admit(self) -> None:
        """Wait for a place; places are given in the order of asking."""
        delay_s = self.reserve(asyncio.get_running_loop().time())
        if delay_s > 0:
            await asyncio.sleep(delay_s)

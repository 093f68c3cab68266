"""The time by which a client waits."""

import asyncio
from typing import Protocol


class Time(Protocol):
    """Tells the time, and waits."""

    def now_s(self) -> float:
        """Seconds on a clock that is never set."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class LoopTime:
    """The time of the running event loop."""

    def now_s(self) -> float:
        """Seconds since some moment."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

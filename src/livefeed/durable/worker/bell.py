"""The bell: wakes a worker that rests, or that gives what it has just begun a head start."""

import asyncio
from contextlib import suppress


class Bell:
    """Rung for anything there is to do; `ring_new` says that it is something new, and not what is over."""

    def __init__(self) -> None:
        """Nothing has been rung."""
        self._any = asyncio.Event()
        self._new = asyncio.Event()

    @property
    def is_rung(self) -> bool:
        """Whether it was rung since `clear`."""
        return self._any.is_set()

    def ring(self) -> None:
        """There is something to do."""
        self._any.set()

    def ring_new(self) -> None:
        """Something may have become due."""
        self._new.set()
        self._any.set()

    def clear(self) -> None:
        """What was rung for is looked at now."""
        self._any.clear()
        self._new.clear()

    def calm(self) -> None:
        """What was rung for what is over can wait."""
        if not self._new.is_set():
            self._any.clear()

    def clear_new(self) -> None:
        """What was new has been seen."""
        self._new.clear()

    async def wait(self, longest_s: float) -> None:
        """Wait until it is rung."""
        await _wait(self._any, longest_s)

    async def wait_new(self, longest_s: float) -> None:
        """Wait until it is rung for something new."""
        await _wait(self._new, longest_s)


async def _wait(event: asyncio.Event, longest_s: float) -> None:
    if event.is_set():
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            await event.wait()

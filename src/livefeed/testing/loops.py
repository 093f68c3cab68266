"""The loop in which a portal or an application of a test runs: a thread of its own beside the test."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from livefeed.clock import ManualClock

T = TypeVar("T")

PATIENCE_S: Final = 60.0
"""How long a test waits for what it has asked for."""


class TurnableClock(ManualClock):
    """The portal's clock: it stands still until the test turns it. Tokens and retries go by it."""

    def advance(
        self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0
    ) -> None:
        """Turn the clock forward by all of this together.

        Raises:
            ValueError: That would be backwards.
        """
        super().advance(total_seconds(seconds, minutes, hours, days))

    def advance_to(self, ms: int) -> None:
        """Turn the clock to ``ms`` milliseconds since the epoch, unless it is later already."""
        self.advance(max(0, ms - self.now_ms()) / 1000)


def total_seconds(seconds: float, minutes: float, hours: float, days: float) -> float:
    """All of it together.

    Raises:
        ValueError: It is less than nothing.
    """
    total_s = seconds + 60 * minutes + 3_600 * hours + 86_400 * days
    if total_s < 0:
        raise ValueError(f"the clock turns forward only, not by {total_s} s")
    return total_s


class Loop:
    """An event loop in a thread, which sync and async tests hand their work to."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` in the loop and block until it is done.

        Raises:
            TimeoutError: It was not done within a minute.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(PATIENCE_S)
        except TimeoutError as exc:
            if future.done():
                raise
            future.cancel()
            raise TimeoutError(
                f"{self._thread.name} was not done within {PATIENCE_S:.0f} s. Does it wait for "
                "an application of this thread? Then use the fixture async_portal or portal.serve_asgi()"
            ) from exc

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` in the loop; the caller's own loop goes on meanwhile."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        """End the loop and its thread."""
        self.run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    async def _end_tasks(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()

"""A load generator: one asyncio Protocol a connection; the next encoded request goes out at the answer."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(slots=True)
class Tally:
    """What came back.

    Attributes:
        began: When the first request was sent, seconds of the performance counter.
        ended: When the last answer was read.
        delays_ms: One for each answer.
        errors: Answers other than 200, and connections that broke.
    """

    began: float = 0.0
    ended: float = 0.0
    delays_ms: list[float] = field(default_factory=list[float])
    errors: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.delays_ms) / max(self.ended - self.began, 1e-9)


class Hammer(asyncio.Protocol):
    """One connection that always has one request under way, until ``until``."""

    def __init__(self, requests: Iterator[bytes], until: float, tally: Tally) -> None:
        self._requests = requests
        self._until = until
        self._tally = tally
        self._left = b""
        self._length: int = 0
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        # uvloop's transports are none by inheritance.
        self._transport = cast("asyncio.Transport", transport)
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """Count a complete answer and send the next request."""
        if not self._left and len(data) == self._length and data[9:12] == b"200":
            self._answered(is_good=True)  # as long as the last one, and whole as that was
            return
        self._left += data
        head = self._left.find(_END)
        if head < 0:
            return
        place = self._left.find(_LENGTH) + len(_LENGTH)
        length = head + len(_END) + int(self._left[place : self._left.find(b"\r\n", place)])
        if len(self._left) < length:
            return
        is_good = self._left[9:12] == b"200"
        self._length = length
        self._left = b""
        self._answered(is_good=is_good)

    def _answered(self, *, is_good: bool) -> None:
        now = time.perf_counter()
        self._tally.delays_ms.append((now - self._sent) * 1000)
        if not is_good:
            self._tally.errors += 1
        if now < self._until:
            self._sent = now
            assert self._transport is not None
            self._transport.write(next(self._requests))
        else:
            self._finish(now)

    def connection_lost(self, exc: Exception | None) -> None:
        """An end before its time is an error."""
        if not self.done.done():
            self._tally.errors += 1
            self._finish(time.perf_counter())

    def _finish(self, now: float) -> None:
        self._tally.ended = max(self._tally.ended, now)
        self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def hammer(port: int, requests: Sequence[bytes], *, seconds: float, connections: int) -> Tally:
    """Send ``requests`` in a circle over ``connections`` connections for ``seconds``."""
    loop = asyncio.get_running_loop()
    tally = Tally(began=time.perf_counter())
    endless = cycle(requests)
    hammers = [
        (
            await loop.create_connection(
                lambda: Hammer(endless, tally.began + seconds, tally), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(one.done for one in hammers))
    return tally

"""Gathers calls that wait at the same moment into one request for each fifty."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from livefeed.client.access import Parameters
from livefeed.client.sending.posting import Received
from livefeed.errors import Fault, WireError
from livefeed.wire.batch import MAX_COMMANDS, build_batch, read_batch
from livefeed.wire.calls import Answer
from livefeed.wire.faults import BatchMethodNotAllowed, UnexpectedAnswer

PARALLEL: Final = 4
"""Requests under way at once; what comes meanwhile fills the next batch."""

Post = Callable[[str, Parameters], Awaitable[Received]]
"""Sends one request."""


@dataclass(slots=True)
class _Waiting:
    """A call that nobody has sent yet."""

    method: str
    params: Parameters
    done: asyncio.Future[Received]


class Collector:
    """Sends what waits: a call alone as it is, several as a batch. It waits for nobody."""

    def __init__(self, post: Post, *, parallel: int = PARALLEL) -> None:
        self._post = post
        self._parallel = parallel
        self._waiting: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_called = False

    async def call(self, method: str, params: Parameters) -> Received:
        """Make one call, together with whatever else is called.

        Raises:
            TransportError: There was no usable answer to the request that it was part of.
        """
        loop = asyncio.get_running_loop()
        one = _Waiting(method, params, loop.create_future())
        self._waiting.append(one)
        if not self._is_called:
            # All that is called in this turn of the loop comes along.
            self._is_called = True
            loop.call_soon(self._begin)
        return await one.done

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        while self._waiting:
            self._waiting.popleft().done.cancel()

    def _begin(self) -> None:
        self._is_called = False
        while self._waiting and len(self._under_way) < self._parallel:
            count = min(MAX_COMMANDS, len(self._waiting))
            some = [self._waiting.popleft() for _ in range(count)]
            task = asyncio.create_task(self._send([one for one in some if not one.done.done()]))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._begin()

    async def _send(self, some: Sequence[_Waiting]) -> None:
        try:
            received = await self._received(some)
        except asyncio.CancelledError:
            for one in some:
                one.done.cancel()
            raise
        except Exception as exc:  # noqa: BLE001 - it is raised again where each call waits
            for one in some:
                if not one.done.done():
                    one.done.set_exception(exc)
            return
        for one, outcome in zip(some, received, strict=True):
            if not one.done.done():
                one.done.set_result(outcome)

    async def _received(self, some: Sequence[_Waiting]) -> list[Received]:
        """What came of each call, in their order."""
        if len(some) < 2:
            return [await self._post(one.method, one.params) for one in some]
        commands = {f"c{number}": (one.method, one.params) for number, one in enumerate(some)}
        whole = await self._post("batch", build_batch(commands).to_wire())
        if isinstance(whole.outcome, Fault):
            return [whole] * len(some)
        told: dict[str, Answer | Fault] = {}
        with suppress(WireError):
            told = read_batch(whole.outcome)
        found = [told.get(name) or UnexpectedAnswer() for name in commands]
        return [await self._alone(one, outcome) for one, outcome in zip(some, found, strict=True)]

    async def _alone(self, one: _Waiting, outcome: Answer | Fault) -> Received:
        """What came of a call; it is made alone if its method may be no part of a batch."""
        if isinstance(outcome, BatchMethodNotAllowed):
            return await self._post(one.method, one.params)
        return Received(outcome=outcome)

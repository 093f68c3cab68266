"""Event streams of pages: bounded, without content, ended at once when the server stops or the session does.

A page hears only names, such as ``posts``, and then asks for itself again, with its own rights. Bare ASGI, so
that both halves can serve them.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

HEARTBEAT_S: Final = 20.0
"""A stream says something at least this often, so that nothing in between takes it for dead."""

PAUSE_S: Final = 0.25
"""A stream tells at most this often; what happens in between is told together."""

_PATIENCE_S: Final = 10.0  # for a browser that does not read
_RETRY_MS: Final = 2_000
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """No stream more: of this person (status 429), or of anybody (503)."""

    status: int


class Stream:
    """One open page."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._stirred = asyncio.Event()
        self.is_over = False

    def tell(self, name: str) -> None:
        """Something called ``name`` has changed."""
        self._names[name] = None
        self._stirred.set()

    def look(self) -> None:
        """Have the stream ask at once whether it may go on."""
        self._stirred.set()

    def end(self) -> None:
        """Nothing more is told."""
        self.is_over = True
        self._stirred.set()

    async def wait(self, timeout_s: float) -> list[str]:
        """What changed, once something did; empty after ``timeout_s`` seconds, or when it was stirred."""
        # Not `wait_for`: it can swallow a cancellation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._stirred.wait()
        self._stirred.clear()
        names = list(self._names)
        self._names.clear()
        return names


class Streams:
    """All open streams of one process."""

    def __init__(self, *, per_person: int = 8, in_all: int = 1_000) -> None:
        self._per_person = per_person
        self._in_all = in_all
        self._open: dict[Stream, Hashable] = {}
        self._counts: Counter[Hashable] = Counter()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._open)

    def open(self, person: Hashable) -> Stream | Full:
        """A stream for ``person``, until `forget`; none if he has too many, or while the server stops."""
        if self._is_closed or len(self._open) >= self._in_all:
            return Full(status=503)
        if self._counts[person] >= self._per_person:
            return Full(status=429)
        stream = Stream()
        self._open[stream] = person
        self._counts[person] += 1
        return stream

    def forget(self, stream: Stream) -> None:
        """The page is closed."""
        person = self._open.pop(stream, None)
        if person is not None:
            self._counts -= Counter([person])  # those at zero are dropped

    def tell(self, name: str) -> None:
        """Tell every open page."""
        for stream in self._open:
            stream.tell(name)

    def close(self) -> None:
        """End every stream and open no more: the server stops."""
        self._is_closed = True
        for stream in self._open:
            stream.end()


async def serve(
    stream: Stream,
    receive: Receive,
    send: Send,
    *,
    may_go_on: Callable[[], Awaitable[bool]],
    heartbeat_s: float = HEARTBEAT_S,
    pause_s: float = PAUSE_S,
) -> None:
    """Answer one request with ``stream`` until the browser leaves, ``may_go_on`` says no, or it is ended."""
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    leaving = asyncio.create_task(_leave(stream, receive))
    try:
        await _write(send, f"retry: {_RETRY_MS}\n\n")
        while not stream.is_over:
            names = await stream.wait(heartbeat_s)
            if stream.is_over or not await may_go_on():
                break
            await _write(send, "".join(f"data: {name}\n\n" for name in names) or ": still here\n\n")
            if names:
                await asyncio.sleep(pause_s)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        return
    finally:
        leaving.cancel()


async def _write(send: Send, text: str) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _leave(stream: Stream, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()

"""Mounting: an application under a path of another one, whoever runs the lifespan."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, TypeAlias

from livefeed.app.exchange import Message, Receive, Scope, Send
from livefeed.errors import SettingsError

Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def path_below(scope: Scope) -> str:
    """The path without the prefix under which a host has mounted us.

    Hosts differ: a current Starlette leaves the prefix in ``path``, others cut it off.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path.removeprefix(root) or "/"
    return path


def below(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """The request as doors read it: its path begins where we were mounted; what is answered leads there."""
    root: str = scope.get("root_path", "").rstrip("/")
    if not root:
        return scope, send
    return {**scope, "path": path_below(scope), "root_path": ""}, _Prefixing(send, root.encode())


class _Prefixing:
    """Puts the prefix before addresses of ours: in pages, in redirects, and in the paths of cookies."""

    def __init__(self, send: Send, root: bytes) -> None:
        self._send = send
        self._root = root
        # Addresses of ours: ``//host`` is none, and frames have the public URL's prefix already.
        ours = rb"(?=/(?!/))(?!" + re.escape(root) + rb"/frame/)"
        self._ours: Final = re.compile(ours)
        self._linked: Final = re.compile(rb"""(\s(?:href|src|action|formaction|data-[a-z-]+)=["'])""" + ours)
        self._of_cookie: Final = re.compile(rb"(;\s*[Pp]ath=)" + ours)
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, self._header(name, value)) for name, value in message.get("headers", [])]
            message = {**message, "headers": headers}
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                self._start = message
                return
        elif self._start is not None:
            message = await self._begin(message)
        await self._send(message)

    async def _begin(self, message: Message) -> Message:
        """Every page of ours is sent as one body, whose length changes."""
        body = self._linked.sub(lambda found: found[1] + self._root, message.get("body", b""))
        assert self._start is not None, "it was kept for this moment"
        headers = [
            (name, b"%d" % len(body) if name == b"content-length" else value)
            for name, value in self._start["headers"]
        ]
        start, self._start = {**self._start, "headers": headers}, None
        await self._send(start)
        return {**message, "body": body}

    def _header(self, name: bytes, value: bytes) -> bytes:
        if name == b"location" and self._ours.match(value):
            return self._root + value
        if name == b"set-cookie":
            return self._of_cookie.sub(lambda found: found[1] + self._root, value)
        return value


class Lifetime:
    """Opens something for as long as an application is served, whoever says how long that is.

    Attributes:
        is_ruled: Whether a lifespan says it; then nothing is opened by a request.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[object]]) -> None:
        self._opening = opening
        self._running: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self.is_ruled = False

    async def begin(self) -> None:
        """Open it with the first request; it is closed when the event loop ends its tasks.

        Raises:
            LivefeedError: It cannot be opened now; the next request tries again.
        """
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._running = asyncio.create_task(self._run(self._ready))
        await asyncio.shield(self._ready)

    async def end(self) -> None:
        """Close what a request has opened; nothing if none did. What closing it raises is raised."""
        running = self._running
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()

    async def _run(self, ready: "asyncio.Future[None]") -> None:
        try:
            async with self._opening():
                ready.set_result(None)
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
        except Exception as exc:
            if ready.done():
                raise
            ready.set_exception(exc)
        finally:
            ready.cancel()  # of whoever still waits
            self._ready = self._running = None


class Beside:
    """Two ASGI applications as one: the first under a path, the other everywhere else.

    It answers the server's lifespan for the first; the other gets none.
    """

    def __init__(self, first: Asgi, other: Asgi, at: str) -> None:
        if not at.startswith("/") or at.rstrip("/") == "":
            raise SettingsError(f"{at!r} is not a path to be mounted at, as /livefeed is")
        self._first = first
        self._other = other
        self._at = at.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._first(scope, receive, send)
        elif scope["path"] == self._at or scope["path"].startswith(f"{self._at}/"):
            root = f"{scope.get('root_path', '')}{self._at}"
            path = scope["path"].removeprefix(self._at) or "/"
            await self._first({**scope, "root_path": root, "path": path}, receive, send)
        else:
            await self._other(scope, receive, send)

"""One application behind its own server on a real socket, and the same behind ASGI."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.app.conftest import House, Opening

from livefeed.app.http import HttpLimits, HttpServer
from livefeed.app.ingest import Door


def listening() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    listener.setblocking(False)
    return listener


@dataclass
class Served:
    """A server that listens."""

    host: str
    port: int
    stop: Callable[[], Any]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)

    async def say(self, *parts: bytes, ends: bool = True) -> bytes:
        """Send ``parts``, say that nothing follows if ``ends``, and read until the connection ends."""
        reader, writer = await self.connect()
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
            if ends:
                writer.write_eof()
        try:
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


Serving = Callable[..., Any]


@pytest.fixture
async def serve_http() -> AsyncIterator[Serving]:
    """Serves an ASGI application and a door with limits of a test."""
    async with AsyncExitStack() as stack:

        async def start(
            asgi: Any, door: Door | None = None, *, grace_s: float = 5.0, tls: Any = None, **limits: Any
        ) -> Served:
            own = await stack.enter_async_context(AsyncExitStack())
            listener = listening()
            host, port = listener.getsockname()
            server = HttpServer(asgi, door, limits=HttpLimits(**limits))
            await own.enter_async_context(server.serving(listener, grace_s=grace_s, tls=tls))
            return Served(host, port, own.aclose)

        yield start


@pytest.fixture
async def own(house: House, serve_http: Serving) -> Served:
    """The application of ``house`` behind its own server."""
    return await serve_http(house.server, house.server.events)


def split(answers: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of each answer in what a connection brought."""
    found = []
    while answers:
        head, _, rest = answers.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(one.split(": ", 1) for one in lines)
        status = int(line.split(" ")[1])
        if status == 100:
            length = 0
        else:
            length = int(headers["content-length"])
        found.append((status, headers, rest[:length]))
        answers = rest[length:]
    return found


__all__ = ["House", "Opening", "Served", "Serving", "listening", "split", "urlsplit"]

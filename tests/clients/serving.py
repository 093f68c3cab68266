"""Loops in threads of their own, ASGI applications on real sockets, and the relay that names lead to them."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

T = TypeVar("T")
PATIENCE_S = 30.0


class Loop:
    """An event loop in a thread."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run in the loop and wait for the result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def close(self) -> None:
        self.run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    async def _end_tasks(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class Site:
    """An ASGI application on a port of this machine, over https where there is a certificate."""

    def __init__(self, asgi: Any, *, cert: Path | None = None, key: Path | None = None) -> None:
        config = uvicorn.Config(
            asgi,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'http' if cert is None else 'https'}://127.0.0.1:{self.port}"

    async def open(self) -> None:
        await self._server.startup(sockets=[self._listener])

    async def close(self) -> None:
        for listener in self._server.servers:
            listener.close()
        await asyncio.gather(*self._server.server_state.tasks, return_exceptions=True)
        connections: list[Any] = list(self._server.server_state.connections)
        for connection in connections:
            connection.transport.abort()
        while self._server.server_state.connections:  # each leaves when its transport is gone
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        self._listener.close()


class Relay:
    """An HTTP proxy that knows CONNECT alone, and leads a few names to ports of this machine."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.ports = ports
        self.asked: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*[writer.wait_closed() for writer in self._writers], return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            method, target, _ = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ", 2)
            self.asked.append(target)
            name, _, port = target.partition(":")
            if method != "CONNECT" or port != "443" or name not in self.ports:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._join(reader, writer, self.ports[name])

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Pass bytes both ways until both ends are through."""
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        self._writers += [writer, inner_writer]
        await asyncio.gather(_pass(reader, inner_writer), _pass(inner_reader, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()

"""Applications on real sockets of this machine: ASGI in a loop, WSGI in threads."""

import asyncio
import contextlib
import threading
from collections.abc import Generator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Final, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn

from livefeed.net.listening import bound

_HOST: Final = "127.0.0.1"


class Site:
    """An ASGI application on a free port of 127.0.0.1, over https where there is a certificate.

    Attributes:
        asgi: The application; it may be given when the address is known.
        port: Where it listens; taken at once.
        url: ``http://127.0.0.1:40123``, without a slash at its end.
    """

    def __init__(
        self, asgi: Any = None, *, lifespan: Literal["auto", "off"] = "off", tls: Path | None = None
    ) -> None:
        """Take a port; ``tls`` is a PEM file with key and certificate."""
        self.asgi = asgi
        config = uvicorn.Config(
            self._answer,
            http="httptools",
            ws="none",
            lifespan=lifespan,
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=tls,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._listener = bound(_HOST, 0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://{_HOST}:{self.port}"

    async def open(self) -> None:
        """Answer from now on.

        Raises:
            RuntimeError: The application's own start failed.
        """
        await self._server.startup(sockets=[self._listener])
        if not self._server.started:
            self._listener.close()
            raise RuntimeError("the application did not start; its own log says why")

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self.asgi(scope, receive, send)

    async def idle(self) -> None:
        """Wait until nothing is being answered, what an application does after its answer included."""
        while tasks := list(self._server.server_state.tasks):
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """End every connection and the application."""
        for listener in self._server.servers:
            listener.close()
        await self.idle()
        connections: list[Any] = list(self._server.server_state.connections)
        for connection in connections:
            connection.transport.abort()
        while self._server.server_state.connections:  # each leaves when its transport is gone
            await asyncio.get_running_loop().run_in_executor(None, _nothing)
        await self._server.lifespan.shutdown()
        self._listener.close()


def _nothing() -> None:
    """Give transports a turn of the loop to close in."""


class _ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = False


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


@contextlib.contextmanager
def serving_wsgi(app: Any) -> Generator[str]:
    """Serve a WSGI application, Flask's for one, in threads while the block lasts; yields its URL."""
    server = make_server(_HOST, 0, app, server_class=_ThreadedServer, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="livefeed wsgi", daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

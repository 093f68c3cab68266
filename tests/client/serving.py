"""An ASGI application on a real socket, in the loop of the test."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serving(asgi: Any, *, lifespan: str = "off") -> AsyncIterator[str]:
    """Serve while the block lasts; yields the URL without a slash at its end."""
    config = uvicorn.Config(
        asgi,
        http="httptools",
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # The protocol has to be named: asyncio turns Nagle off only for sockets that say they are TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    host, port = listener.getsockname()
    await server.startup(sockets=[listener])
    assert server.started, "the application did not start"
    try:
        yield f"http://{host}:{port}"
    finally:
        for server_socket in server.servers:
            server_socket.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await server.lifespan.shutdown()
        listener.close()

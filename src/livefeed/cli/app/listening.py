"""Listening: how an application is served until it is asked to stop, on the server of its own."""

import asyncio
import signal
import socket
import ssl

from livefeed.app.http import HttpServer
from livefeed.app.server import AppServer
from livefeed.cli.listening import calm_collector
from livefeed.cli.tls import Tls


async def listen(app: AppServer, listener: socket.socket, tls: Tls | None) -> None:
    """Serve ``app``, which is open, until SIGINT or SIGTERM."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    calm_collector()
    server = HttpServer(app, app.events)
    async with server.serving(listener, tls=_context(tls), before_stop=app.console.close):
        await stopping.wait()


def _context(tls: Tls | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.cert, tls.key)
    return context

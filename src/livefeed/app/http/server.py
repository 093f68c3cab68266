"""The server: listens, lets time pass, and stops in order."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from typing import Final

from livefeed.app.http.connection import Connection
from livefeed.app.http.desk import Desk
from livefeed.app.http.hall import Asgi, Hall
from livefeed.app.http.limits import HttpLimits
from livefeed.app.ingest import Door
from livefeed.net.draining import LAST_CALL_S, nobody_waits

_SWEEPS_A_LIMIT: Final = 4
_GLANCE_S: Final = 0.02


class HttpServer:
    """Serves one application on a socket that listens already; ``POST /events`` goes straight to its door.

    Without a door, the application gets everything.
    """

    def __init__(self, asgi: Asgi, door: Door | None, *, limits: HttpLimits | None = None) -> None:
        self._asgi = asgi
        self._door = door
        self._limits = limits or HttpLimits()

    @contextlib.asynccontextmanager
    async def serving(
        self,
        listener: socket.socket,
        *,
        tls: ssl.SSLContext | None = None,
        before_stop: Callable[[], None] = lambda: None,
        grace_s: float = 5.0,
    ) -> AsyncGenerator[None]:
        """Serve while the block lasts.

        At its end nothing new is accepted, who is connected may send one last request, what is being
        answered is finished for ``grace_s`` seconds, and what is left then is cut off. ``before_stop`` is
        called first: it ends answers that have no end.
        """
        loop = asyncio.get_running_loop()
        desk = None if self._door is None else Desk(self._door, self._limits)
        hall = Hall(
            desk=desk, asgi=self._asgi, limits=self._limits, scheme="http" if tls is None else "https"
        )
        sweeping = loop.create_task(self._sweep(hall))
        server = await loop.create_server(lambda: Connection(hall), sock=listener, ssl=tls)
        try:
            yield
        finally:
            before_stop()
            hall.last_call()
            await nobody_waits(listener)
            server.close()
            await _emptied(hall, min(LAST_CALL_S, grace_s))
            hall.close()
            await _emptied(hall, grace_s)
            hall.drop()
            if desk is not None:
                await desk.drained()
            sweeping.cancel()

    async def _sweep(self, hall: Hall) -> None:
        limits = self._limits
        shortest = min(limits.head_s, limits.body_s, limits.idle_s, limits.write_s, 2.0)
        while True:
            await asyncio.sleep(shortest / _SWEEPS_A_LIMIT)
            hall.sweep()


async def _emptied(hall: Hall, grace_s: float) -> None:
    """Until every connection has ended, or the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace_s):
            while len(hall):
                await asyncio.sleep(_GLANCE_S)

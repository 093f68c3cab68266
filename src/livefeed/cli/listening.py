"""Listening: one way in which both halves serve their ASGI application until they are asked to stop."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any

import click
import uvicorn
import uvloop

from livefeed.cli.running import announced
from livefeed.cli.serve.supervising import supervise
from livefeed.cli.tls import Tls
from livefeed.errors import SettingsError
from livefeed.net.draining import LAST_CALL_S, nobody_waits
from livefeed.net.http import is_http_url
from livefeed.net.listening import listening
from livefeed.settings import DatabaseUrl

Listen = Callable[[Any, socket.socket, Tls | None], Coroutine[Any, Any, None]]
"""Serves an application on a socket until SIGINT or SIGTERM."""


def base_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The callback of an argument that is a base URL; one that is not given stays so."""
    if value and not is_http_url(value):
        raise click.BadParameter(f"{value!r} is not a base URL such as http://feed.example:8024")
    return value


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to us, so that everything is closed in order.

    An application with answers that have no end leaves a function ``before_stop`` in its lifespan state; it
    is called before the server waits for open answers.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        before_stop = self.lifespan.state.get("before_stop")
        if before_stop is not None:
            before_stop()
        # Every answer from here on is the last one of its connection, and says so.
        self.server_state.default_headers.append((b"connection", b"close"))
        for listener in sockets or []:
            await nobody_waits(listener)
        for server in self.servers:
            server.close()
        await self._last_call()
        await super().shutdown(sockets)

    async def _last_call(self) -> None:
        """Let those who are connected send what they are about to send."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CALL_S):
                while self.server_state.connections:
                    await asyncio.sleep(0.01)


def bound_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """Listening sockets on one port, among which the kernel deals connections out.

    Raises:
        SettingsError: The port is in use, or the address is not of this machine.
    """
    first = listening(host, port, flag="--port")
    if count == 1:
        return [first]
    port = first.getsockname()[1]
    first.close()  # nobody else has the port; from now on it is shared
    return [listening(host, port, flag="--port", is_shared=True) for _ in range(count)]


def run_until_stopped(
    prepare: Callable[[], contextlib.AbstractAsyncContextManager[Any]],
    *,
    database: DatabaseUrl,
    listeners: Sequence[socket.socket],
    admin_token: str,
    with_stdin: bool,
    tls: Tls | None = None,
    greeting: str = "",
    listen: Listen | None = None,
) -> None:
    """Serve the ASGI application that ``prepare`` makes until SIGINT or SIGTERM, then close it in order.

    Each of ``listeners`` is served by a process of its own. ``greeting`` is said once it listens. ``listen``
    serves in place of uvicorn.
    """
    watch = stop_with_stdin if with_stdin else None
    listener = listeners[0]
    said = [f"listening on {url_of(listener, tls)}", *([greeting] if greeting else [])]
    if len(listeners) > 1:
        listener = supervise(listeners, watch=watch)
        said = said if listener is listeners[0] else []
    elif watch is not None:
        watch()
    announcement = (
        announced(
            database, url_of(listener, tls), admin_token, fingerprint="" if tls is None else tls.fingerprint
        )
        if database.is_file
        else contextlib.nullcontext()
    )
    with listener:
        uvloop.run(_serve(prepare, listener, announcement, tls, said, listen or _listen))


async def _serve(
    prepare: Callable[[], contextlib.AbstractAsyncContextManager[Any]],
    listener: socket.socket,
    announcement: contextlib.AbstractContextManager[None],
    tls: Tls | None,
    said: Sequence[str],
    listen: Listen,
) -> None:
    # The run file is written by who holds the database: one that is refused must not take another's away.
    async with prepare() as asgi:
        with announcement:
            for line in said:
                click.echo(f"livefeed: {line}", err=True)
            await listen(asgi, listener, tls)


def url_of(listener: socket.socket, tls: Tls | None = None) -> str:
    """Where ``listener`` is reached from this machine: ``http://127.0.0.1:8024``."""
    host, port = listener.getsockname()[:2]
    return f"{'http' if tls is None else 'https'}://{_reachable(host)}:{port}"


async def _listen(asgi: Any, listener: socket.socket, tls: Tls | None) -> None:  # noqa: ANN401 - an ASGI application
    server = _Server(
        uvicorn.Config(
            asgi,
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            ssl_certfile=None if tls is None else tls.cert,
            ssl_keyfile=None if tls is None else tls.key,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _ask_to_stop, server)
    calm_collector()
    await server.serve(sockets=[listener])
    if not server.started:
        raise SettingsError("the server could not start; the log above says why")


def _ask_to_stop(server: uvicorn.Server) -> None:
    server.should_exit = True


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def calm_collector() -> None:
    """Let the garbage collector look rarely: what lives long is frozen, and events make no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def stop_with_stdin() -> None:
    """Ask this process to stop when its stdin ends, that is, when its parent is gone."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stop-with-stdin", daemon=True).start()

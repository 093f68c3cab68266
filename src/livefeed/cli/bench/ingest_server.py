"""The door that `bench ingest` measures, in its own process: as `app serve` runs it, or mounted."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from typing import Final

import uvicorn
import uvloop

from livefeed.app import App, opened
from livefeed.app.http import HttpServer
from livefeed.app.ingest import Door
from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.installs.registry import SQL
from livefeed.app.running import Running
from livefeed.cli.listening import calm_collector
from livefeed.durable.store import Tx
from livefeed.secrets import KeyRing
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated
from livefeed.wire.ids import MemberId, UserId

PORTALS: Final = 50
_QUIET_S: Final = 60.0  # an edit waits so long for more: nothing is handled while the door is measured


def member_of(number: int) -> MemberId:
    """The portals of the benchmark."""
    return MemberId(f"{number:032x}")


def token_of(number: int) -> str:
    """Their application_tokens."""
    return f"{number:032d}"


@contextlib.asynccontextmanager
async def door(url: str) -> AsyncGenerator[Door]:
    """The door of an application with a handler, its worker running."""
    app = App(AppSettings(db=url, quiet_s=_QUIET_S))

    @app.on(PostUpdated, coalesce=True)
    async def note(event: PostUpdated) -> None: ...

    async with opened(app, keys=KeyRing([os.urandom(32)])) as running:
        known = await running.runtime.store.write(lambda tx: _install_all(tx, running))
        await running.runtime.portal_keys.ensure(*(portal.member_id for portal in known))
        for portal in known:
            running.runtime.portals.put(portal)
        yield Door(running.runtime, running.leaving)


def _install_all(tx: Tx, running: Running) -> list[KnownPortal]:
    return [_install(tx, running, number) for number in range(PORTALS)]


def _install(tx: Tx, running: Running, number: int) -> KnownPortal:
    SQL.put(
        tx.conn,
        member_id=member_of(number),
        domain="",
        client_endpoint="",
        scope="log",
        status="L",
        user_id=UserId(1),
        application_token=running.runtime.keys.hash(token_of(number)),
        previous_token=None,
        previous_until=None,
        proof=b"",
        installed_at=tx.now_ms,
    )
    install = registry.find(tx, member_of(number))
    assert install is not None, "it was written just above"
    return registry.admit(tx, install, running.ladder.wanted)


async def _serve(listener: socket.socket, url: str, *, is_mounted: bool) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with door(url) as opened_door:
        calm_collector()  # as `app serve` does
        if is_mounted:
            await _serve_mounted(opened_door, listener, stopping)
        else:
            async with HttpServer(opened_door, opened_door).serving(listener):
                await stopping.wait()


async def _serve_mounted(mounted: Door, listener: socket.socket, stopping: asyncio.Event) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            mounted, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await stopping.wait()
    server.should_exit = True
    await serving


if __name__ == "__main__":
    # argv: the inherited listening descriptor, the URL of its database, the core to run on (-1: any), and
    # `served` or `mounted`
    if int(sys.argv[3]) >= 0:
        os.sched_setaffinity(0, {int(sys.argv[3])})
    uvloop.run(
        _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], is_mounted=sys.argv[4] == "mounted")
    )

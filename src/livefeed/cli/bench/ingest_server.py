"""The servers that `bench ingest` compares, each in a process of its own: the door and its baselines."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop

from livefeed.app import App, opened
from livefeed.app.exchange import Receive, Scope, Send
from livefeed.app.ingest import Door
from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.installs.registry import SQL, Wanted
from livefeed.app.running import Running
from livefeed.cli.bench.loops import needs_extra
from livefeed.cli.listening import calm_collector
from livefeed.durable.store import Tx
from livefeed.secrets import KeyRing
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated
from livefeed.wire.ids import MemberId, UserId

PORTALS: Final = 50
_QUIET_S: Final = 60.0  # an edit waits so long for more: nothing is handled while the door is measured
_ROW: Final = "INSERT INTO event (portal, body) VALUES (?, ?)"


def member_of(number: int) -> MemberId:
    """The portals of the benchmark."""
    return MemberId(f"{number:032x}")


def token_of(number: int) -> str:
    """Their application_tokens."""
    return f"{number:032d}"


@contextlib.asynccontextmanager
async def door(folder: Path) -> AsyncGenerator[Any]:
    """The mounted door of an application with a handler, its worker running."""
    app = App(AppSettings(db=f"sqlite:///{folder}/app.db", quiet_s=_QUIET_S))

    @app.on(PostUpdated, coalesce=True)
    async def note(event: PostUpdated) -> None: ...

    async with opened(app, keys=KeyRing([os.urandom(32)])) as running:
        await running.runtime.store.write(lambda tx: _admit(tx, running))
        yield Door(running.runtime, running.leaving)


def _admit(tx: Tx, running: Running) -> None:
    for number in range(PORTALS):
        running.runtime.portals.put(_installed(tx, running, number))


def _installed(tx: Tx, running: Running, number: int) -> KnownPortal:
    keys: KeyRing = running.runtime.keys
    SQL.put(
        tx.conn,
        member_id=member_of(number),
        domain="",
        client_endpoint="",
        scope="log",
        status="L",
        user_id=UserId(1),
        application_token=keys.hash(token_of(number)),
        previous_token=None,
        previous_until=None,
        proof=b"",
        installed_at=tx.now_ms,
    )
    install = registry.find(tx, member_of(number))
    assert install is not None, "it was written just above"
    wanted: Wanted = running.ladder.wanted
    return registry.admit(tx, install, wanted)


@contextlib.asynccontextmanager
async def bare(_: Path) -> AsyncGenerator[Any]:
    """An ASGI application that reads the body and answers 200: the baseline."""
    answer = b'{"status":"ok","message":"event accepted"}'
    length = str(len(answer)).encode()

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    yield application


@contextlib.asynccontextmanager
async def fastapi(folder: Path) -> AsyncGenerator[Any]:
    """FastAPI and aiosqlite, one commit a request: what people write today."""
    try:
        import aiosqlite
        from fastapi import FastAPI, HTTPException, Request
    except ImportError as exc:
        raise needs_extra(exc) from exc
    application = FastAPI()
    async with aiosqlite.connect(folder / "fastapi.db") as database:
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE event (id INTEGER PRIMARY KEY, portal TEXT, body TEXT)",
        ):
            await database.execute(statement)

        tokens = {member_of(number): token_of(number) for number in range(PORTALS)}

        async def take(request: Request) -> dict[str, str]:
            form = dict(await request.form())
            member = str(form["auth[member_id]"])
            if not compare_digest(tokens.get(MemberId(member), ""), str(form["auth[application_token]"])):
                raise HTTPException(403)
            await database.execute(_ROW, (member, json.dumps(form)))
            await database.commit()
            return {"status": "ok"}

        take.__annotations__["request"] = Request
        application.post("/events")(take)
        yield application


KINDS: Final[dict[str, Callable[[Path], contextlib.AbstractAsyncContextManager[Any]]]] = {
    "door": door,
    "bare": bare,
    "fastapi": fastapi,
}


async def _serve(kind: str, listener: socket.socket, folder: Path) -> None:
    async with KINDS[kind](folder) as application:
        config = uvicorn.Config(
            application, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
        )
        server = uvicorn.Server(config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _ask_to_stop, server)
        if kind == "door":  # as `app serve` does; the baselines run as people run them
            calm_collector()
        await server.serve(sockets=[listener])


def _ask_to_stop(server: uvicorn.Server) -> None:
    server.should_exit = True


if __name__ == "__main__":
    # argv: which server, the inherited listening descriptor, the folder of its database, the core to run on
    os.sched_setaffinity(0, {int(sys.argv[4])})
    uvloop.run(_serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])), Path(sys.argv[3])))

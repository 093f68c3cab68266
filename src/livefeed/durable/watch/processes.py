"""Which processes serve a database: each keeps a row, from which people see what runs where."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from livefeed import __version__
from livefeed.clock import fresh_hex
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError

_SQL: Final = sql.load("livefeed.durable", "queries/processes.sql")
_EVERY_S: Final = 5.0
_KEPT_MS: Final = 24 * 3_600_000

ALIVE_MS: Final = 15_000
"""Whoever was not seen for so long is dead, or cut off from the database."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process, as it says of itself.

    Attributes:
        id: Of this run.
        role: ``all``, ``web``, ``dispatcher``, ``door`` or ``worker``.
        url: Where it listens.
        host: The machine's name.
        pid: Its process id there.
        version: Of livefeed.
        started_at: In ms.
        seen_at: When it last said that it is there, in ms.
    """

    id: str
    role: str
    url: str
    host: str
    pid: int
    version: str
    started_at: int = 0
    seen_at: int = 0


@asynccontextmanager
async def present(store: Store, *, role: str, url: str) -> AsyncGenerator[None]:
    """Say that this process is there, while the block lasts; who holds a file is known by its run file."""
    if store.engine == "sqlite":
        yield
        return
    me = Process(
        id=fresh_hex(16), role=role, url=url, host=socket.gethostname(), pid=os.getpid(), version=__version__
    )
    await store.write(lambda tx: _SQL.forget(tx.conn, before=tx.now_ms - _KEPT_MS))
    await store.write(lambda tx: see(tx, me))
    beats = asyncio.create_task(_beat(store, me))
    try:
        yield
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
        with suppress(StoreError):
            await store.write(lambda tx: _SQL.leave(tx.conn, id=me.id))


def see(tx: Tx, process: Process) -> None:
    """Remember that a process is there now."""
    _SQL.see(
        tx.conn,
        id=process.id,
        role=process.role,
        url=process.url,
        host=process.host,
        pid=process.pid,
        version=process.version,
        now=tx.now_ms,
    )


def list_processes(tx: Tx) -> list[Process]:
    """All that were seen within a day and have not ended in order."""
    return [msgspec.convert(dict(row), Process) for row in _SQL.list_all(tx.conn)]


async def _beat(store: Store, me: Process) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        with suppress(StoreError):  # the next beat will do
            await store.write(lambda tx: see(tx, me))

"""Putting a portal together for one run of a command."""

import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from livefeed.clock import SystemClock
from livefeed.durable.store import Tx, open_store
from livefeed.durable.watch.processes import present
from livefeed.errors import SettingsError
from livefeed.portal import portals
from livefeed.portal.apps.resealing import PLACES
from livefeed.portal.server import ROOMS, Portal, PortalOptions
from livefeed.portal.web.scene.stage import Stage
from livefeed.sealing.places import check_ring
from livefeed.secrets import KeyRing
from livefeed.settings import DatabaseUrl

if TYPE_CHECKING:
    from livefeed.testing.rehearsal.rehearsal import Rehearsal


@contextlib.asynccontextmanager
async def prepared_portal(
    database: DatabaseUrl,
    keys: KeyRing,
    options: PortalOptions,
    public_url: str | None,
    *,
    url: str = "",
    with_tls: bool = False,
    stage: Stage | None = None,
    rehearsal: "Rehearsal | None" = None,
) -> AsyncGenerator[Any]:
    """The ASGI application of the portals in ``database``; the store closes last.

    A ``public_url`` becomes the address of the default portal; ``with_tls`` makes the others https.
    With a ``stage`` there is a scene. ``url`` is where this process listens. A ``rehearsal`` has another
    clock, and the faults of a test.
    """
    clock = SystemClock() if rehearsal is None else rehearsal.clock
    store = open_store(database, ROOMS, clock, create=False)
    try:
        await store.read(lambda tx: check_ring(tx, PLACES, keys))
        await store.write(lambda tx: portals.check_key(tx, keys))
        await store.write(lambda tx: _move_default(tx, public_url))
        if with_tls:
            await store.write(lambda tx: _secure(tx, except_default=public_url is not None))
        async with contextlib.AsyncExitStack() as stack:
            if rehearsal is None:
                asgi = Portal(store=store, keys=keys, clock=clock, options=options, stage=stage).asgi
            else:
                asgi = await stack.enter_async_context(rehearsal.portal(store, keys, options, url))
            await stack.enter_async_context(present(store, role=options.role, url=url))
            yield asgi
    finally:
        await store.close()


def _move_default(tx: Tx, public_url: str | None) -> None:
    default = portals.default(tx)
    if default is None:
        raise SettingsError("this database has no portal yet; make one with: livefeed portal init")
    if public_url is not None and default.public_url != public_url.rstrip("/"):
        portals.move(tx, default.member_id, public_url)


def _secure(tx: Tx, *, except_default: bool) -> None:
    """Give every portal that is known under http the same address under https."""
    for row in portals.every(tx):
        if row.public_url.startswith("http:") and not (except_default and row.is_default):
            portals.move(tx, row.member_id, f"https:{row.public_url.removeprefix('http:')}")

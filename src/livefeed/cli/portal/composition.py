"""Putting a portal together for one run of a command."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Literal

import msgspec

from livefeed.clock import SystemClock
from livefeed.durable.store import Tx, open_store
from livefeed.errors import SettingsError
from livefeed.portal import portals
from livefeed.portal.server import ROOMS, build_portal
from livefeed.secrets import KeyRing
from livefeed.settings import DatabaseUrl


class PortalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``portal serve`` was asked for.

    Attributes:
        public_url: New base URL of the default portal, or None to leave it.
        policy: How deliveries are tried.
        allow_private: Whether handlers may live at addresses that are not public.
        max_body_bytes: Largest REST body.
        is_demo: Whether people can be chosen on the feed page.
        admin_token: Bearer token of the administrator API of this run.
    """

    public_url: str | None
    policy: Literal["durable", "bitrix24"]
    allow_private: bool
    max_body_bytes: int
    is_demo: bool
    admin_token: str


@contextlib.asynccontextmanager
async def prepared_portal(
    database: DatabaseUrl, keys: KeyRing, options: PortalOptions
) -> AsyncGenerator[Any]:
    """The ASGI application of the portals in ``database``; the store closes last."""
    clock = SystemClock()
    store = open_store(str(database), ROOMS, clock)
    try:
        if options.public_url is not None:
            url = options.public_url
            await store.write(lambda tx: _move_default(tx, url))
        portal = build_portal(
            store=store,
            keys=keys,
            clock=clock,
            policy=options.policy,
            allow_private=options.allow_private,
            admin_token=options.admin_token,
            is_demo=options.is_demo,
            max_body_bytes=options.max_body_bytes,
        )
        yield portal.asgi
    finally:
        await store.close()


def _move_default(tx: Tx, public_url: str) -> None:
    default = portals.default(tx)
    if default is None:
        raise SettingsError("this database has no portal yet; make one with: livefeed portal init")
    if default.public_url != public_url.rstrip("/"):
        portals.move(tx, default.member_id, public_url)

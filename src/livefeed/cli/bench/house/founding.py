"""A portal's database as benchmarks need it: an administrator with a webhook, posts, bound handlers."""

import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livefeed.clock import SystemClock
from livefeed.durable.store import Store, Tx, open_store
from livefeed.portal import lifecycle, portals
from livefeed.portal.apps import webhooks
from livefeed.portal.apps.registry import App, NewApp, fresh_credentials
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import ACTING_USER, Binding
from livefeed.portal.feed import posts
from livefeed.portal.feed.posts import UPDATED, Draft
from livefeed.portal.portals import PortalRow
from livefeed.portal.seed import seed_empty
from livefeed.portal.server import ROOMS
from livefeed.secrets import KeyRing, read_or_create_key_file
from livefeed.wire.ids import PostId, UserId

ADMIN: Final = UserId(1)
_POSTS_A_UNIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A portal that waits to be served.

    Attributes:
        portal: Its row.
        webhook_url: An administrator's, with a slash at the end.
        posts: The ids of its posts.
        app_token: An access token of the administrator in the name of its application, good for an hour.
    """

    portal: PortalRow
    webhook_url: str
    posts: list[PostId]
    app_token: str


@contextlib.asynccontextmanager
async def opened(database: str) -> AsyncGenerator[Store]:
    """A portal's store, closed at the end."""
    store = open_store(database, ROOMS, SystemClock())
    try:
        yield store
    finally:
        await store.close()


def fresh_keys(folder: Path) -> tuple[KeyRing, Path]:
    """A key and the file it lies in."""
    path = folder / f"bench-{os.getpid()}.key"
    return read_or_create_key_file(path), path


async def found(
    store: Store, keys: KeyRing, public_url: str, *, post_count: int, handler_urls: Sequence[str] = ()
) -> Founded:
    """Make a portal with posts, and an application that is told of their edits at ``handler_urls``."""
    code = webhooks.new_code(keys)
    credentials = fresh_credentials(keys)

    def portal_of(tx: Tx) -> tuple[PortalRow, App]:
        row = portals.create(tx, public_url=public_url, name="bench")
        seed_empty(tx, portal=row, keys=keys)
        webhooks.add(tx, portal=row.member_id, user_id=ADMIN, scopes=webhooks.SCOPES, code=code)
        app = lifecycle.install(tx, row, NewApp(name="bench", scope=("log",)), credentials, installer=ADMIN)
        for url in handler_urls:
            bind(tx, app, url)
        return row, app

    portal, app = await store.write(portal_of)
    added: list[PostId] = []
    while len(added) < post_count:
        added += await store.write(_adding(portal, min(_POSTS_A_UNIT, post_count - len(added))))
    epoch = await store.read(lambda tx: handlers.person_epoch(tx, portal.member_id, ADMIN))
    bearer = app.bearer(ADMIN, epoch or 0)
    return Founded(
        portal=portal,
        webhook_url=webhooks.url(portal, ADMIN, code.code.reveal()),
        posts=added,
        app_token=codec_of(keys).mint_fresh("access", bearer, SystemClock().now_ms()),
    )


def bind(tx: Tx, app: App, url: str) -> None:
    """Let an application be told of edits at ``url``."""
    handlers.bind(tx, app, Binding(event=UPDATED, url=url, auth_type=ACTING_USER, owner=ADMIN))


def _adding(portal: PortalRow, count: int) -> Callable[[Tx], list[PostId]]:
    draft = Draft(
        author=ADMIN, title="Holidays", text="From 1 to 14 June the office is closed.", audience=("UA",)
    )

    def unit(tx: Tx) -> list[PostId]:
        return [
            posts.write(tx, portal.member_id, draft, editor=ADMIN, source="seed").id for _ in range(count)
        ]

    return unit

"""How these commands reach what is kept: through a running notifier, or in its database if none runs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from livefeed.app.keeping import holds
from livefeed.cli.databases import key_ring
from livefeed.cli.halves import APPLICATION, writable
from livefeed.client.safes.keys import PortalKeys
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.notifier.privacy.erasing import Hands
from livefeed.notifier.privacy.screen import SQL
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import MemberId, PostId

T = TypeVar("T")

NOTIFIER: Final = APPLICATION[:1]


def portal_of(tx: Tx, given: str | None) -> MemberId:
    """The portal that is meant: the one that is named, or the only one that is known.

    Raises:
        SettingsError: There is no such portal, or there are several.
    """
    known = holds.portals(tx)
    if given is not None:
        if given not in known:
            raise SettingsError(f"there is no portal {given!r} in this database; see: livefeed app portals")
        return MemberId(given)
    if len(known) > 1:
        raise SettingsError(f"there are {len(known)} portals; name one with --portal MEMBER_ID")
    if not known:
        raise SettingsError("nothing is known of any portal yet; see: livefeed app portals")
    return known[0]


def portal_with(tx: Tx, given: str | None, post: PostId) -> MemberId:
    """The portal that is meant: of several, the only one whose post is archived."""
    having = [MemberId(row[0]) for row in SQL.portals_of_post(tx.conn, post=post)]
    return having[0] if given is None and len(having) == 1 else portal_of(tx, given)


def by_hand(database: DatabaseUrl, key_file: Path | None, work: Callable[[Hands], Awaitable[T]]) -> T:
    """Do it in the database of a notifier that is not running."""
    keys = key_ring(database, key_file)

    async def run(store: Store) -> T:
        try:
            return await work(Hands(store=store, keys=keys, portal_keys=PortalKeys(store, keys)))
        finally:
            await store.close()

    with writable(database) as store:
        return asyncio.run(run(store))


def in_store(database: DatabaseUrl, work: Callable[[Store], Awaitable[T]]) -> T:
    """The same for what needs no key."""

    async def run(store: Store) -> T:
        try:
            return await work(store)
        finally:
            await store.close()

    with writable(database) as store:
        return asyncio.run(run(store))

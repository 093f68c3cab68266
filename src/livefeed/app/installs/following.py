"""Following: the known portals in memory are kept as the database is, whichever process has changed it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal, Portals
from livefeed.app.installs.registry import Wanted
from livefeed.client.safes.keys import PortalKeys
from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError


class Following:
    """Reads the installations that changed: when a commit tells of one, and when somebody is in doubt."""

    def __init__(
        self, store: Store, portals: Portals, keys: PortalKeys, wanted: Wanted, *, version: int
    ) -> None:
        """Keep ``portals`` and ``keys``, which are as the database was at ``version``."""
        self._store: Final = store
        self._portals: Final = portals
        self._keys: Final = keys
        self._wanted: Final = wanted
        self._version = version
        self._turn = asyncio.Lock()
        self._begun = 0
        self._read_last = 0
        self._reads: set[asyncio.Task[None]] = set()

    def start(self) -> Callable[[], None]:
        """Follow from now on; the result ends it."""
        self._portals.catch_up = self.catch_up
        self._portals.is_shared = self._store.engine != "sqlite"
        return self._store.listen(registry.TOPIC, self._hear)

    async def catch_up(self) -> None:
        """Know everything that was committed before this was called.

        Reads come one after the other, and all who wait share the next one: however many strangers knock, the
        database is asked one small question at a time.

        Raises:
            StoreError: It cannot be asked now.
        """
        asked = self._begun
        async with self._turn:
            if self._read_last > asked:
                return
            self._begun += 1
            number = self._begun
            await self._read()
            self._read_last = number

    async def _read(self) -> None:
        version, known = self._version, self._wanted
        news = await self._store.read(lambda tx: registry.changed_since(tx, version, known))
        if news is None:
            return
        await self._keys.refresh([portal.member_id for portal in news.changed])
        for portal in news.changed:
            self._portals.put(portal)
        if news.present is not None:
            self._drop_all_but(news.present)
        self._version = news.version

    def _drop_all_but(self, present: frozenset[str]) -> None:
        """Forget those that were erased; the portal of the settings has no row before it installs."""
        for portal in self._portals.every():
            had_row = portal.user_id is not None or not portal.is_active
            if had_row and portal.member_id not in present:
                self._portals.drop(portal.member_id)
                self._keys.forget(portal.member_id)

    def _hear(self) -> None:
        task = asyncio.create_task(self._catch_up_quietly())
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)

    async def _catch_up_quietly(self) -> None:
        with suppress(StoreError):  # whoever is in doubt asks again
            await self.catch_up()


async def move(store: Store, portals: Portals, moved: KnownPortal, domain: str) -> None:
    """Keep a portal's new address, at every process; one without an installation has it in this one alone.

    Raises:
        StoreError: It cannot be kept now.
    """
    if moved.user_id is None:
        portals.put(moved)
        return
    await store.write(lambda tx: _move(tx, moved, domain))
    await portals.heed()


def _move(tx: Tx, moved: KnownPortal, domain: str) -> None:
    tx.serialize(moved.member_id)
    registry.SQL.move(tx.conn, member_id=moved.member_id, domain=domain, client_endpoint=moved.endpoint)
    registry.note_change(tx, moved.member_id)

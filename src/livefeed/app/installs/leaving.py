"""Uninstalling in two phases: everything of the portal stops at once, and what is kept is erased later."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from livefeed.app.inbox import seal_entry
from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal, Portals
from livefeed.app.installs.registry import SQL, Wanted
from livefeed.app.keeping import holds
from livefeed.client import buckets, vault
from livefeed.client.safes import keys as safes
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.sending import budgets
from livefeed.durable.entries import append
from livefeed.durable.purge import purge_portal
from livefeed.durable.store import Store, Tx
from livefeed.secrets import KeyRing
from livefeed.telemetry import logger
from livefeed.wire.events import AppUninstalled
from livefeed.wire.ids import MemberId

_LOG: Final = logger("app")
KEEP_MS: Final = 30 * 24 * 3_600_000
"""How long what is known of a portal is kept after it has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Takes uninstall events that are proved genuine, and erases what is due.

    Attributes:
        store: Where installations are kept.
        keys: Hashes its token.
        portal_keys: Seals the event.
        portals: Those that the door knows; they catch up after each departure.
        wanted: The consumers of a portal; its inbox gets the event.
        when_erased: What other rooms erase of a portal.
        on_left: Called after each departure; something may be due for erasure.
        erasing: Held while portals are erased, so that none is erased twice.
    """

    store: Store
    keys: KeyRing
    portal_keys: PortalKeys
    portals: Portals
    wanted: Wanted
    when_erased: Sequence[Callable[[Tx, MemberId], None]]
    on_left: Callable[[], None]
    erasing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def leave(self, portal: KnownPortal, event: AppUninstalled) -> None:
        """Stop the portal: no lease of it holds any more, its tokens are gone.

        Told again, it changes nothing.

        Raises:
            StoreError: It cannot be committed now.
        """
        if not portal.is_active:
            return
        body = seal_entry(self.portal_keys, portal.member_id, event.envelope)
        token = self.keys.hash(event.envelope.auth.application_token or "")
        await self.store.write(lambda tx: self._stop(tx, portal.member_id, token, body, event.should_clean))
        await self.portals.heed()
        _LOG.info("uninstalled", member_id=portal.member_id, clean=event.should_clean)
        self.on_left()

    async def erase_due(self) -> int:
        """Erase the portals whose time to be kept has passed; returns how many."""
        async with self.erasing:
            due: list[MemberId] = await self.store.read(
                lambda tx: [row["member_id"] for row in SQL.due_for_erasure(tx.conn, now=tx.now_ms)]
            )
            for member_id in due:
                await self._erase(member_id)
            return len(due)

    def _stop(self, tx: Tx, member_id: MemberId, token: bytes, body: bytes, should_clean: bool) -> None:
        tx.serialize(member_id)
        erase_at = tx.now_ms if should_clean else tx.now_ms + KEEP_MS
        SQL.leave(
            tx.conn, member_id=member_id, application_token=token, proof=b"", at=tx.now_ms, erase_at=erase_at
        )
        SQL.release(tx.conn, member_id=member_id)
        vault.forget(tx, member_id)
        registry.retire_consumers(tx, member_id)
        if should_clean:
            if not holds.is_any(tx, member_id):
                safes.drop(tx, member_id)
        else:
            self._tell_handlers(tx, member_id, body)
        registry.note_change(tx, member_id)

    def _tell_handlers(self, tx: Tx, member_id: MemberId, body: bytes) -> None:
        """The inbox opens again for this one event; nothing else can reach a portal that has left."""
        inbox = [spec for spec in self.wanted.consumers if spec.name == "inbox"]
        consumers = registry.register_consumers(tx, member_id, inbox)
        append(
            tx,
            portal=member_id,
            key="app:events",
            kind=AppUninstalled.wire_name,
            body=body,
            source="event",
            consumers=list(consumers.values()),
        )

    async def _erase(self, member_id: MemberId) -> None:
        """The row of the installation goes last, so that a crash between two slices loses no work."""
        if not await self.store.write(lambda tx: self._erase_rooms(tx, member_id)):
            return
        while await self.store.write(lambda tx: _purge_slice(tx, member_id)):
            pass
        await self.store.write(lambda tx: _erase_row(tx, member_id))
        await self.portals.heed()
        _LOG.info("erased", member_id=member_id)

    def _erase_rooms(self, tx: Tx, member_id: MemberId) -> bool:
        """False if another process has erased it, or it has come back."""
        tx.serialize(member_id)
        if not SQL.is_due(tx.conn, member_id=member_id, now=tx.now_ms):
            return False
        registry.retire_consumers(tx, member_id)
        safes.drop(tx, member_id)
        buckets.forget(tx, member_id)
        budgets.forget(tx, member_id)
        for unit in self.when_erased:
            unit(tx, member_id)
        return True


def _purge_slice(tx: Tx, member_id: MemberId) -> int:
    """Nothing more of a portal that has come back meanwhile: what it has now is new."""
    tx.serialize(member_id)
    is_due = SQL.is_due(tx.conn, member_id=member_id, now=tx.now_ms)
    return purge_portal(tx, portal=member_id) if is_due else 0


def _erase_row(tx: Tx, member_id: MemberId) -> None:
    tx.serialize(member_id)
    if SQL.erase_due(tx.conn, member_id=member_id, now=tx.now_ms):
        registry.note_erasure(tx)

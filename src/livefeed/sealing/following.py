"""Following the key file: a running half takes a new key over, and seals anew what hangs on older ones."""

import asyncio
from collections.abc import Sequence
from typing import Final

from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError, StoreError
from livefeed.sealing.places import KEY_CHECK, Place, hanging, reseal
from livefeed.secrets import KeyRing
from livefeed.telemetry import logger

_LOG: Final = logger("keys")
_EVERY_S: Final = 1.0
_STRAGGLERS_S: Final = 30.0
_SELDOM: Final = 5


async def follow_key_file(store: Store, keys: KeyRing, places: Sequence[Place]) -> None:
    """Look at the key file each second, until cancelled.

    For a while after a change the places are looked at again: other processes may have sealed something with
    the older key a moment ago.
    """
    loop = asyncio.get_running_loop()
    done: tuple[bytes, ...] = keys.ids[:1]
    again_until_s = loop.time() + _EVERY_S / 2
    others = _Others(store, keys, places)
    while True:
        keys.look_again(now=True)
        await others.look()
        if keys.ids[:1] != done:
            done = keys.ids[:1]
            again_until_s = loop.time() + _STRAGGLERS_S
            _LOG.info("key_taken_over", key=done[0].hex())
        if loop.time() < again_until_s:
            await _seal_anew(store, keys, places)
        await asyncio.sleep(_EVERY_S)


class _Others:
    """What other machines do with keys, as the key check of a shared database shows it."""

    def __init__(self, store: Store, keys: KeyRing, places: Sequence[Place]) -> None:
        self._store = store
        self._keys = keys
        self._words = [place for place in places if place.name == KEY_CHECK]
        self._rounds = 0
        self._lacking: frozenset[bytes] = frozenset()

    async def look(self) -> None:
        """Take over a key that was prepared once it seals; say which one is missing."""
        self._rounds += 1
        is_near = self._keys.prepared_id is not None or self._lacking
        if self._store.engine == "sqlite" or not (is_near or self._rounds % _SELDOM == 1):
            return
        try:
            sealing = await self._store.read(self._sealing)
        except StoreError as exc:
            _LOG.warning("not_looked_for_keys", error=str(exc))
            return
        if self._keys.prepared_id in sealing:
            self._keys.take_over()
        lacking = frozenset(one for one in sealing if not self._keys.knows(one))
        for one in lacking - self._lacking:
            then = "copy the key file from the machine where the keys were rotated"
            _LOG.error("key_file_lacks", key=one.hex(), then=then)
        self._lacking = lacking

    def _sealing(self, tx: Tx) -> set[bytes]:
        return {one for place in self._words for one in place.count(tx, ())}


async def _seal_anew(store: Store, keys: KeyRing, places: Sequence[Place]) -> None:
    movable = [place for place in places if place.reseal is not None]
    strange = [place for place in movable if not place.is_on_ring]
    newest, *older = keys.ids

    def is_due(tx: Tx) -> bool:
        return any(hanging(tx, movable, older).values()) or any(hanging(tx, strange, [newest]).values())

    try:
        if await store.read(is_due):
            _LOG.info("sealed_anew", values=await reseal(store, keys, movable))
    except (StoreError, SettingsError) as exc:
        _LOG.warning("not_sealed_anew", error=str(exc))

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


async def follow_key_file(store: Store, keys: KeyRing, places: Sequence[Place]) -> None:
    """Look at the key file each second, until cancelled.

    For a while after a change the places are looked at again: other processes may have sealed something with
    the older key a moment ago.
    """
    loop = asyncio.get_running_loop()
    done: tuple[bytes, ...] = keys.ids[:1]
    again_until_s = loop.time() + _EVERY_S / 2
    while True:
        keys.look_again(now=True)
        await _take_over_prepared(store, keys, places)
        if keys.ids[:1] != done:
            done = keys.ids[:1]
            again_until_s = loop.time() + _STRAGGLERS_S
            _LOG.info("key_taken_over", key=done[0].hex())
        if loop.time() < again_until_s:
            await _seal_anew(store, keys, places)
        await asyncio.sleep(_EVERY_S)


async def _take_over_prepared(store: Store, keys: KeyRing, places: Sequence[Place]) -> None:
    """Seal with the key that was prepared once another machine does."""
    prepared = keys.prepared_id
    if prepared is None:
        return
    words = [place for place in places if place.name == KEY_CHECK]
    try:
        found = await store.read(lambda tx: hanging(tx, words, [prepared]))
    except StoreError as exc:
        _LOG.warning("not_taken_over", error=str(exc))
        return
    if found[prepared]:
        keys.take_over()


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

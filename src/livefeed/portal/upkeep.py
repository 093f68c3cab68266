"""Upkeep: drops what is older than its retention, in slices, while the portal runs."""

import asyncio
from collections.abc import Callable
from typing import Final

from livefeed.clock import Clock
from livefeed.durable.purge import DEAD_DAYS, ENTRIES_DAYS, purge_attempts, purge_dead, purge_entries
from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError
from livefeed.portal.limits.operating import drop_old
from livefeed.portal.limits.requests import drop_unused
from livefeed.portal.offline import queue
from livefeed.telemetry import logger

_DAY_MS: Final = 86_400_000
_EVERY_S: Final = 3_600.0
_USED_MS: Final = 3_600_000  # what limits remember counts for ten minutes at most
_A_SLICE: Final = 500
_log = logger("portal.upkeep")


async def keep_up(store: Store, clock: Clock) -> None:
    """Purge now and every hour, until cancelled."""
    while True:
        try:
            await purge(store, clock)
        except StoreError as exc:
            _log.warning("purge failed", error=str(exc))
        await asyncio.sleep(_EVERY_S)


async def purge(store: Store, clock: Clock) -> int:
    """Drop everything that is too old; return how many rows that were."""
    entries_before = clock.now_ms() - ENTRIES_DAYS * _DAY_MS
    letters_before = clock.now_ms() - DEAD_DAYS * _DAY_MS
    count = await _slices(store, lambda tx: purge_entries(tx, before_ms=entries_before))
    count += await _slices(store, lambda tx: purge_attempts(tx, before_ms=entries_before))
    count += await _slices(store, lambda tx: queue.purge(tx, clock.now_ms()))
    count += await _slices(store, lambda tx: purge_dead(tx, before_ms=letters_before))
    used_before = clock.now_ms() - _USED_MS
    count += await _slices(store, lambda tx: drop_unused(tx, before_ms=used_before, most=_A_SLICE))
    return count + await _slices(store, lambda tx: drop_old(tx, before_ms=used_before, most=_A_SLICE))


async def _slices(store: Store, unit: Callable[[Tx], int]) -> int:
    count = 0
    while dropped := await store.write(unit):
        count += dropped
    return count

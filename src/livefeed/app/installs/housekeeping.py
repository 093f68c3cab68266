"""Housekeeping: portals whose time is over are erased, and what is past its retention is dropped."""

import asyncio
from contextlib import suppress
from typing import Final

from livefeed.app import inbox
from livefeed.app.contexts import effects, writes
from livefeed.app.handling import trials
from livefeed.app.installs import registry
from livefeed.app.installs.leaving import Leaving
from livefeed.app.keeping import holds
from livefeed.clock import Clock
from livefeed.durable import purge
from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError
from livefeed.telemetry import logger

_LOG: Final = logger("app")
_KEEPING_HOUSE_S: Final = 3_600.0
_DAY_MS: Final = 86_400_000


async def keep_house(leaving: Leaving, store: Store, clock: Clock, bell: asyncio.Event) -> None:
    """Erase what is due and purge what is old: at the start, each hour, and when a portal has left."""
    end = store.listen(registry.TOPIC, bell.set)  # it may have told another process
    try:
        while True:
            bell.clear()
            try:
                await leaving.erase_due()
                await purge_old(store, clock)
            except StoreError as exc:
                _LOG.warning("house_not_kept", error=str(exc))
            # Not `wait_for`: it can swallow a cancellation that comes together with the bell.
            with suppress(TimeoutError):
                async with asyncio.timeout(_KEEPING_HOUSE_S):
                    await bell.wait()
    finally:
        end()


async def purge_old(store: Store, clock: Clock) -> None:
    """Drop what is past its retention, a slice a unit."""
    now_ms = clock.now_ms()
    for drop, days in (
        (_purge_entries, purge.ENTRIES_DAYS),
        (purge.purge_attempts, purge.ENTRIES_DAYS),
        (_purge_dead, purge.DEAD_DAYS),
        (effects.purge, purge.ENTRIES_DAYS),
        (trials.purge, purge.DEAD_DAYS),
        (writes.purge, 1),
    ):
        while await store.write(lambda tx, drop=drop, days=days: drop(tx, before_ms=now_ms - days * _DAY_MS)):
            pass
    while orphans := await store.read(inbox.orphan_steps):
        await store.write(lambda tx, seqs=orphans: inbox.drop_steps(tx, seqs))


def _purge_entries(tx: Tx, *, before_ms: int) -> int:
    """But for what is held."""
    return purge.purge_entries(tx, before_ms=before_ms, kept=holds.kept(tx))


def _purge_dead(tx: Tx, *, before_ms: int) -> int:
    """But for what is held."""
    return purge.purge_dead(tx, before_ms=before_ms, kept=holds.kept(tx))

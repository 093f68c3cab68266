"""Faults that last: a portal under another name, and a bucket for calls."""

from livefeed.clock import fresh_hex
from livefeed.portal.limits.limiter import Limiter
from livefeed.portal.limits.plans import PLANS
from livefeed.testing.faults.plan import Faults
from livefeed.testing.stand import Stand


async def begin(stand: Stand, faults: Faults) -> None:
    """Let these faults strike from now on."""
    stand.scene.enter(faults)
    if faults.wants("query limit"):
        # Each block has a bucket of its own, which is empty at its begin.
        stand.door.limiter = (Limiter(stand.store, PLANS["standard"]), f"faults {fresh_hex(8)}")
    if faults.wants("renamed portal"):
        old = stand.row
        await stand.move(is_renamed=True)
        stand.door.moved = (old.host, stand.row.public_url)


async def end(stand: Stand, faults: Faults) -> None:
    """They strike no more, and the portal is as before."""
    stand.scene.leave(faults)
    if faults.wants("query limit"):
        stand.door.limiter = None
    if faults.wants("renamed portal") and stand.door.moved is not None:
        stand.door.moved = None
        await stand.move(is_renamed=False)

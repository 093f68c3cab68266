"""Faults that last: a portal under another name, and a bucket for calls."""

from typing import Protocol

from livefeed.clock import fresh_hex
from livefeed.durable.store import Store
from livefeed.portal.limits.limiter import Limiter
from livefeed.portal.limits.plans import PLANS
from livefeed.portal.portals import PortalRow
from livefeed.testing.faults.door import FaultyDoor
from livefeed.testing.faults.plan import Faults
from livefeed.testing.faults.scene import Scene


class Stricken(Protocol):
    """A portal that faults strike."""

    @property
    def store(self) -> Store:
        """Its database."""
        ...

    @property
    def scene(self) -> Scene:
        """Which faults are in force."""
        ...

    @property
    def door(self) -> FaultyDoor:
        """What stands before it."""
        ...

    @property
    def row(self) -> PortalRow:
        """Its name and address."""
        ...

    async def move(self, *, is_renamed: bool) -> None:
        """Give it its other name, or its own again."""
        ...


async def begin(stand: Stricken, faults: Faults) -> None:
    """Let these faults strike from now on."""
    stand.scene.enter(faults)
    if faults.wants("query limit"):
        # Each block has a bucket of its own, which is empty at its begin.
        stand.door.limiter = (Limiter(stand.store, PLANS["standard"]), f"faults {fresh_hex(8)}")
    if faults.wants("renamed portal"):
        old = stand.row
        await stand.move(is_renamed=True)
        stand.door.moved = (old.host, stand.row.public_url)


async def end(stand: Stricken, faults: Faults) -> None:
    """They strike no more, and the portal is as before."""
    stand.scene.leave(faults)
    if faults.wants("query limit"):
        stand.door.limiter = None
    if faults.wants("renamed portal") and stand.door.moved is not None:
        stand.door.moved = None
        await stand.move(is_renamed=False)


def renamed(url: str) -> str:
    """Another name for a portal on this machine: ``http://localhost:40123``."""
    return url.replace("127.0.0.1", "localhost")

"""The portals that the door knows, in memory: an event costs no read of the database.

The memory is a copy; `livefeed.app.installs.following` keeps it as the database is, whoever changed that.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from livefeed.clock import Clock
from livefeed.durable.consumers import ConsumerId
from livefeed.errors import StoreError, UnknownPortal
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId, UserId

# No keyed hash of 32 bytes equals it; it fills the places of tokens that a portal does not have.
_NO_TOKEN: Final = os.urandom(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPortal:
    """What has to be known of a portal to judge its events and to work for it.

    Attributes:
        member_id: Its id.
        is_active: False after it has uninstalled the application.
        consumers: Name → consumer of this portal; ``inbox`` is always there for an active portal.
        token: Keyed hash of the application_token in force.
        previous_token: Keyed hash of the one before.
        previous_until: Milliseconds until which ``previous_token`` counts.
        configured_token: Keyed hash of the one in the settings.
        endpoint: REST base, as ``app.info`` or the settings name it; empty if neither does.
        user_id: Whose pair is in the vault; None without an installation.
    """

    member_id: MemberId
    is_active: bool
    consumers: Mapping[str, ConsumerId]
    token: bytes = _NO_TOKEN
    previous_token: bytes = _NO_TOKEN
    previous_until: int = 0
    configured_token: bytes = _NO_TOKEN
    endpoint: str = ""
    user_id: UserId | None = None

    @property
    def inbox(self) -> ConsumerId:
        """The consumer of this portal's events."""
        return self.consumers["inbox"]


_NOBODY: Final = KnownPortal(member_id=MemberId(""), is_active=False, consumers={})
_NEVER: Final = (_NOBODY, _NO_TOKEN)


async def _nothing_new() -> None:
    """There is nobody to ask."""


class Portals:
    """The known portals, replaced one by one after each commit that changes them.

    Attributes:
        catch_up: Reads what has changed in the database since it was read last; raises StoreError.
        is_shared: Whether other processes change the database too.
    """

    def __init__(self, keys: KeyRing, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._by_id: dict[str, KnownPortal] = {}
        # The token that each portal proved itself by, as long as it is known as it was then.
        self._proved: dict[str, tuple[KnownPortal, bytes]] = {}
        self.catch_up: Callable[[], Awaitable[None]] = _nothing_new
        self.is_shared = False

    def judge(self, member_id: str | None, application_token: str | None) -> KnownPortal | None:
        """The portal that sent this, or None if that is not proved.

        An unknown portal costs the same comparisons as a known one: nothing tells the two refusals apart. A
        token that was right before is compared with itself, which costs less than its hash.
        """
        token = application_token or ""
        portal = self._by_id.get(member_id or "", _NOBODY)
        known, proved = self._proved.get(portal.member_id, _NEVER)
        is_the_same = compare_digest(token.encode("utf-8", "surrogatepass"), proved)
        return portal if is_the_same and known is portal else self._prove(portal, token)

    def _prove(self, portal: KnownPortal, token: str) -> KnownPortal | None:
        given = self._keys.hash(token)
        in_force = compare_digest(given, portal.token)
        before = compare_digest(given, portal.previous_token)
        configured = compare_digest(given, portal.configured_token)
        in_overlap = self._clock.now_ms() <= portal.previous_until
        if in_force | configured:
            self._proved[portal.member_id] = portal, token.encode("utf-8", "surrogatepass")
        return portal if in_force | (before & in_overlap) | configured else None

    async def judge_again(self, member_id: str | None, application_token: str | None) -> KnownPortal | None:
        """Like `judge`, with what other processes have committed before: ask it before anybody is refused.

        An SQLite file has one writing process, whose memory is right: nothing is read there.

        Raises:
            StoreError: The database cannot be asked now, so nobody knows.
        """
        if self.is_shared:
            await self.catch_up()
        return self.judge(member_id, application_token)

    async def heed(self) -> None:
        """Know what this process has just committed; if it cannot be read now, the topic tells of it."""
        with suppress(StoreError):
            await self.catch_up()

    def get(self, member_id: MemberId) -> KnownPortal:
        """One portal.

        Raises:
            UnknownPortal: It never installed the application, or everything of it is erased.
        """
        try:
            return self._by_id[member_id]
        except KeyError as exc:
            raise UnknownPortal(f"portal {member_id} is not known; install the application there") from exc

    def find(self, member_id: str) -> KnownPortal | None:
        """A portal that has the application; None: this one has not."""
        portal = self._by_id.get(member_id, _NOBODY)
        return portal if portal.is_active else None

    def has(self, member_id: str) -> bool:
        """Whether a portal is known and has the application."""
        return self._by_id.get(member_id, _NOBODY).is_active

    def every(self) -> list[KnownPortal]:
        """All of them, also those that have left."""
        return list(self._by_id.values())

    def put(self, portal: KnownPortal) -> None:
        """Know this of a portal from now on."""
        self._by_id[portal.member_id] = portal

    def drop(self, member_id: MemberId) -> None:
        """Forget an erased portal."""
        self._by_id.pop(member_id, None)
        self._proved.pop(member_id, None)

    def replace(self, portals: Iterable[KnownPortal]) -> None:
        """Know exactly these."""
        self._by_id = {portal.member_id: portal for portal in portals}
        self._proved.clear()

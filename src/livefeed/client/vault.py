"""The token vault: pairs sealed at rest, one refresh at a time, nothing lost when two refresh at once."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from livefeed.client import refreshing
from livefeed.client.oauth import TokenEndpoint
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.safes.pairs import (
    SQL,
    Health,
    SealedPair,
    aging,
    context_of,
    forget,
    health,
    keep,
    keep_opener,
    people,
    replace_pair,
)
from livefeed.clock import Clock, fresh_hex
from livefeed.durable.store import Store
from livefeed.errors import ConnectFailed, NotInstalled, SettingsError, StoreError
from livefeed.failpoints import failpoint
from livefeed.secrets import Secret
from livefeed.telemetry import logger
from livefeed.wire.faults import InvalidGrant
from livefeed.wire.ids import MemberId, UserId
from livefeed.wire.oauth import REFRESH_TOKEN_LIFE_S, TokenAnswer

__all__ = [
    "KEEP_ALIVE_S",
    "Health",
    "SealedPair",
    "Vault",
    "forget",
    "health",
    "keep",
    "keep_opener",
    "people",
]

KEEP_ALIVE_S: Final = REFRESH_TOKEN_LIFE_S // 2
"""A pair that is older is refreshed though nobody needs it: half of the time is left to try again."""

_PATIENCE_S: Final = 35.0
_LOOK_AGAIN_S: Final = 1.0
_LOG: Final = logger("client")
_NONE: Final = "no tokens of user {} of portal {} are stored; install or open the application there"
_DEAD: Final = (
    "the tokens of user {} of portal {} do not work any more; install or open the application there again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    access: Secret
    refresh: Secret
    previous: Secret | None
    version: int


class Vault:
    """Keeps the tokens of people who installed or opened the application, one pair per portal and user."""

    def __init__(self, store: Store, keys: PortalKeys, clock: Clock, endpoint: TokenEndpoint) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._endpoint = endpoint
        self._flights: dict[tuple[MemberId, UserId], asyncio.Task[Secret]] = {}

    def seal(self, member_id: MemberId, user_id: UserId, answer: TokenAnswer) -> SealedPair:
        """Encrypt a pair for its place in the vault."""
        context = context_of(member_id, user_id)
        now_ms = self._clock.now_ms()
        return SealedPair(
            member_id=member_id,
            user_id=user_id,
            access=self._keys.seal(member_id, answer.access_token.encode(), context=context),
            refresh=self._keys.seal(member_id, answer.refresh_token.encode(), context=context),
            expires_at=now_ms + answer.expires_in * 1000,
            received_at=now_ms,
            key_id=self._keys.id_of(member_id),
        )

    async def access(self, member_id: MemberId, user_id: UserId) -> Secret:
        """The access token to call with; it may have expired, the portal will say so.

        Raises:
            NotInstalled: There is no usable pair.
        """
        return (await self._read(member_id, user_id)).access

    async def keep_alive(self, member_id: MemberId) -> int:
        """Refresh the pairs of a portal that nobody has needed for long; returns how many that were.

        A pair that turns out to be dead is marked as such, and one that cannot be opened is logged; the
        others are refreshed all the same.

        Raises:
            Fault: The authorization server is overloaded; the pair is as before.
            TransportError: It gave no usable answer; likewise.
        """
        before_ms = self._clock.now_ms() - KEEP_ALIVE_S * 1000
        users = await self._store.read(lambda tx: aging(tx, member_id, before_ms=before_ms))
        for user_id in users:
            try:
                await self.renew(member_id, user_id, await self.access(member_id, user_id))
            except NotInstalled:
                continue
            except SettingsError as exc:
                _LOG.error("tokens_unreadable", member_id=member_id, user_id=user_id, error=str(exc))
        return len(users)

    async def renew(self, member_id: MemberId, user_id: UserId, refused: Secret) -> Secret:
        """An access token in place of the ``refused`` one; callers at the same time share one refresh.

        They share it over processes, too: one of them has the lease in the pair's row, the others wait.

        Raises:
            NotInstalled: The pair is dead, and the application has to be installed again.
            TransportError: The authorization server gave no usable answer; the pair is as before.
        """
        key = (member_id, user_id)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._launch(key, self._renew(member_id, user_id, refused))
        # One caller giving up must not end the refresh of the others.
        return await asyncio.shield(flight)

    def _launch(
        self, key: tuple[MemberId, UserId], work: Coroutine[Any, Any, Secret]
    ) -> asyncio.Task[Secret]:
        flight = asyncio.create_task(work)
        self._flights[key] = flight

        def landed(task: asyncio.Task[Secret]) -> None:
            del self._flights[key]
            if not task.cancelled():
                task.exception()

        flight.add_done_callback(landed)
        return flight

    async def _renew(self, member_id: MemberId, user_id: UserId, refused: Secret) -> Secret:
        """Ask for a new pair, or wait for the process that does."""
        by, loop, bell = fresh_hex(16), asyncio.get_running_loop(), asyncio.Event()
        patient_until_s = loop.time() + _PATIENCE_S
        end = self._store.listen(refreshing.TOPIC, bell.set)
        try:
            while True:
                bell.clear()
                pair = await self._read(member_id, user_id)
                if pair.access != refused:
                    return pair.access
                if await self._has_lease(member_id, user_id, pair, by):
                    return await self._exchanged(member_id, user_id, pair, by)
                if loop.time() > patient_until_s:
                    raise ConnectFailed("other processes ask for new tokens, and get none; try again later")
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN_S):
                        await bell.wait()
        finally:
            end()

    async def _has_lease(self, member_id: MemberId, user_id: UserId, pair: _Pair, by: str) -> bool:
        """Whether this process is the one that asks for a new pair now."""
        return await self._store.write(
            lambda tx: refreshing.begin(tx, member_id, user_id, version=pair.version, by=by)
        )

    async def _exchanged(self, member_id: MemberId, user_id: UserId, pair: _Pair, by: str) -> Secret:
        failpoint("client.refresh.leased")
        try:
            answer = await self._endpoint.refresh(pair.refresh)
        except InvalidGrant:
            return await self._recover(member_id, user_id, pair, by)
        except BaseException:
            with suppress(StoreError):
                await self._store.write(lambda tx: refreshing.give_up(tx, member_id, user_id, by=by))
            raise
        return await self._replace(member_id, user_id, pair, answer)

    async def _recover(self, member_id: MemberId, user_id: UserId, pair: _Pair, by: str) -> Secret:
        """The refresh token was refused: somebody else refreshed, or its predecessor is still good."""
        stored = await self._read(member_id, user_id)
        if stored.version != pair.version:
            return stored.access
        if not await self._has_lease(member_id, user_id, pair, by):
            return await self._renew(member_id, user_id, pair.access)
        if pair.previous is not None:
            try:
                answer = await self._endpoint.refresh(pair.previous)
            except InvalidGrant:
                pass
            else:
                return await self._replace(member_id, user_id, pair, answer)
        raise await self._bury(member_id, user_id, pair)

    async def _bury(self, member_id: MemberId, user_id: UserId, pair: _Pair) -> NotInstalled:
        await self._store.write(lambda tx: refreshing.kill(tx, member_id, user_id, version=pair.version))
        _LOG.error("tokens_dead", member_id=member_id, user_id=user_id)
        return NotInstalled(_DEAD.format(user_id, member_id))

    async def _replace(
        self, member_id: MemberId, user_id: UserId, pair: _Pair, answer: TokenAnswer
    ) -> Secret:
        if answer.member_id != member_id or answer.user_id not in {None, user_id}:
            # Somebody put another person's refresh token beside this one's access token.
            _LOG.error("tokens_of_another", member_id=member_id, user_id=user_id)
            raise await self._bury(member_id, user_id, pair)
        failpoint("client.refresh.answered")
        sealed = self.seal(member_id, user_id, answer)
        if not await self._store.write(lambda tx: replace_pair(tx, sealed, pair.version)):
            return (await self._read(member_id, user_id)).access
        failpoint("client.refresh.stored")
        return Secret(answer.access_token)

    async def _read(self, member_id: MemberId, user_id: UserId) -> _Pair:
        row = await self._store.read(lambda tx: SQL.find(tx.conn, member_id=member_id, user_id=user_id))
        if row is None:
            raise NotInstalled(_NONE.format(user_id, member_id))
        access, refresh, previous, _, version, state = row
        if state == "dead":
            raise NotInstalled(_DEAD.format(user_id, member_id))
        context = context_of(member_id, user_id)

        def opened(blob: bytes) -> Secret:
            return Secret(self._keys.open(member_id, blob, context=context).decode())

        def pair() -> _Pair:
            return _Pair(
                access=opened(access),
                refresh=opened(refresh),
                previous=opened(previous) if previous else None,
                version=version,
            )

        return await self._keys.reading(member_id, pair)

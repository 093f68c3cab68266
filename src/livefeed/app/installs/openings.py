"""Openings: a person is let in by his token, and his pair is kept for what is done later on his behalf.

The posted body proves nothing: the authorization server of our settings is asked whose token it is, as for an
install callback, and domain and endpoints of the body are never used. On a portal that does not have the
application yet an administrator's opening installs it.
"""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from livefeed.app.installs import admission, following
from livefeed.app.installs.admission import Proved
from livefeed.app.installs.ladder import Claim, Installed, Ladder, Quarantined, Refused, Token
from livefeed.app.installs.portals import KnownPortal
from livefeed.client import vault
from livefeed.clock import Clock
from livefeed.errors import Fault, WireError
from livefeed.net.urls import origin_of
from livefeed.secrets import Secret
from livefeed.telemetry import logger
from livefeed.wire.apps import install_data
from livefeed.wire.auth import Auth
from livefeed.wire.events import AppInstalled, Envelope
from livefeed.wire.ids import MemberId, UserId
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S, TokenAnswer

_LOG: Final = logger("app")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """This person may be shown what his rights allow."""

    member_id: MemberId
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsAdministrator:
    """Proved, but the application is not installed there yet, and this person may not install it.

    Attributes:
        endpoint: REST base of the portal, as the authorization server names it.
    """

    endpoint: str


Opening: TypeAlias = Opened | NeedsAdministrator | Quarantined | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Proves who opens a page, or signs in.

    Attributes:
        ladder: The steps that a proof needs, and where installations are stored.
        clock: Tells the time.
    """

    ladder: Ladder
    clock: Clock

    async def open(self, claim: Claim, *, expires_in: int, language: str) -> Opening:
        """Let the owner of the claim's access token in, and keep his pair.

        Args:
            claim: From the posted body.
            expires_in: Seconds that the access token has left, as the body says.
            language: Of the person, for an installation.

        Raises:
            TransportError: The authorization server, or the portal, cannot be asked now.
            Fault: It is overloaded; likewise.
            StoreError: Nothing can be committed now.
        """
        return await _unless_refused(self._open(claim, expires_in, language), claim.member_id)

    async def sign_in(self, code: Secret, *, origin: str, member_id: str, language: str) -> Opening:
        """Let in who comes back from his portal with a code, and keep the pair that it is exchanged for.

        Args:
            code: As his browser brought it.
            origin: Of the portal that he was sent to; another portal's code is refused.
            member_id: As his browser brought it; empty: nothing to compare.
            language: Of the person, for an installation.

        Raises:
            TransportError: The authorization server, or the portal, cannot be asked now.
            Fault: It is overloaded; likewise.
            StoreError: Nothing can be committed now.
        """
        return await _unless_refused(self._sign_in(code, origin, member_id, language), origin)

    async def _open(self, claim: Claim, expires_in: int, language: str) -> Opening:
        token = await self._look_up(claim)
        if isinstance(token, Refused):
            return token
        portal = await self._known(token)
        if portal is not None and portal.user_id is not None:
            await self._take_token(portal, claim, token)
        elif await self.ladder.is_administrators(token):
            proved = await self.ladder.renewed(claim, token)
            return proved if isinstance(proved, Refused) else await self._install(proved, token, language)
        elif portal is None:
            return NeedsAdministrator(endpoint=token.install.client_endpoint)
        return await self._let_in(token, self._posted(claim, token, expires_in))

    async def _sign_in(self, code: Secret, origin: str, member_id: str, language: str) -> Opening:
        answer = await self.ladder.endpoint.exchange(code)
        if member_id and member_id != answer.member_id:
            return _refused(member_id, "the code is another portal's")
        claim = Claim(
            member_id=answer.member_id,
            access_token=Secret(answer.access_token),
            refresh_token=Secret(answer.refresh_token),
            application_token="",
        )
        token = await self._look_up(claim)
        if isinstance(token, Refused):
            return token
        if origin_of(token.install.client_endpoint) != origin:
            return _refused(claim.member_id, f"the code is not of {origin}")
        portal = await self._known(token)
        if portal is not None and portal.user_id is not None:
            return await self._let_in(token, answer, is_proved=True)
        if await self.ladder.is_administrators(token):
            return await self._install(await self.ladder.proved(claim, token, answer), token, language)
        if portal is None:
            return NeedsAdministrator(endpoint=token.install.client_endpoint)
        return await self._let_in(token, answer, is_proved=True)

    async def _look_up(self, claim: Claim) -> Token | Refused:
        foreign = await self.ladder.store.read(lambda tx: self.ladder.why_foreign(tx, claim.member_id))
        if foreign:
            return _refused(claim.member_id, foreign)
        return await self.ladder.look_up(claim.member_id, claim.access_token)

    async def _known(self, token: Token) -> KnownPortal | None:
        """The portal if the application is there; where it moved, it is found from now on."""
        install, portals = token.install, self.ladder.portals
        if not portals.has(install.member_id):
            await portals.catch_up()
        if not portals.has(install.member_id):
            return None
        portal = portals.get(install.member_id)
        if portal.endpoint != install.client_endpoint:
            portal = replace(portal, endpoint=install.client_endpoint)
            await following.move(self.ladder.store, portals, portal, install.domain)
        return portal

    async def _take_token(self, portal: KnownPortal, claim: Claim, token: Token) -> None:
        """An administrator's opening may bring another application_token; anybody else's changes nothing."""
        given = claim.application_token
        if not given or self.ladder.portals.judge(portal.member_id, given) is not None:
            return
        if not await self.ladder.is_administrators(token):
            _LOG.warning("application_token_ignored", member_id=portal.member_id, user_id=token.user_id)
            return
        hashed, wanted = self.ladder.keys.hash(given), self.ladder.wanted
        renewed = await self.ladder.store.write(
            lambda tx: admission.renew_token(tx, portal.member_id, hashed, wanted)
        )
        if renewed is not None:
            await self.ladder.portals.heed()
            _LOG.info("application_token_renewed", member_id=portal.member_id, user_id=token.user_id)

    def _posted(self, claim: Claim, token: Token, expires_in: int) -> TokenAnswer:
        """The posted pair; how long it lasts is told by the authorization server, if it tells."""
        left = expires_in
        with suppress(ValueError):
            ends_at = datetime.fromisoformat(token.info.expires).timestamp()
            left = max(0, min(expires_in, int(ends_at) - self.clock.now_ms() // 1000))
        return TokenAnswer(
            access_token=claim.access_token.reveal(),
            refresh_token=claim.refresh_token.reveal(),
            expires_in=min(left, ACCESS_TOKEN_LIFE_S),
            member_id=claim.member_id,
        )

    async def _let_in(self, token: Token, answer: TokenAnswer, *, is_proved: bool = False) -> Opened:
        member_id = token.install.member_id
        if answer.refresh_token:
            pair = self.ladder.vault.seal(member_id, token.user_id, answer)
            await self.ladder.store.write(lambda tx: vault.keep_opener(tx, pair, is_proved=is_proved))
        return Opened(member_id=member_id, user_id=token.user_id)

    async def _install(self, proved: Proved, token: Token, language: str) -> Opening:
        install = token.install
        envelope = Envelope(
            event=AppInstalled.wire_name,
            data=install_data(
                version=str(install.version), language=language or "en", is_installed=install.is_installed
            ),
            auth=Auth(member_id=proved.member_id, scope=proved.scope, status=proved.status),
        )
        match await self.ladder.accept(proved, envelope, may_replace=True):
            case Installed():
                return Opened(member_id=proved.member_id, user_id=token.user_id)
            case Quarantined() | Refused() as other:
                return other


async def _unless_refused(opening: Awaitable[Opening], member_id: str) -> Opening:
    """What comes out, or a refusal if the authorization server or the portal denies it."""
    try:
        return await opening
    except Fault as fault:
        if fault.retryable:
            raise
        return _refused(member_id, f"not confirmed: {fault}")
    except WireError as exc:
        return _refused(member_id, f"the authorization server answers something else: {exc}")


def _refused(member_id: str, reason: str) -> Refused:
    _LOG.warning("opening_refused", member_id=member_id, reason=reason)
    return Refused(reason=reason)

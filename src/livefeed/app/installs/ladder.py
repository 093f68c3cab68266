"""The install callback: it proves nothing by itself, so each step asks somebody who knows.

1. The body is small and carries a pair of tokens; its endpoints and its domain are ignored.
2. The authorization server of our settings says whose token it is: our application, that portal.
3. The portal says whether that user is an administrator.
4. One refresh proves that the pair is ours, and ends the refresh token that travelled.
5. A portal that is known under another application_token goes to quarantine; the old one stays in force.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from livefeed.app.inbox import seal_entry
from livefeed.app.installs import admission, registry
from livefeed.app.installs.administrators import is_administrator
from livefeed.app.installs.admission import UNKNOWN_TOKEN, Proved
from livefeed.app.installs.portals import KnownPortal, Portals
from livefeed.app.installs.registry import Wanted
from livefeed.client.oauth import TokenEndpoint
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.vault import Vault
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault, WireError
from livefeed.net.http import HttpClient, is_http_url
from livefeed.secrets import KeyRing, Secret
from livefeed.telemetry import logger
from livefeed.wire.apps import AppInfo, Install
from livefeed.wire.events import AppInstalled, Envelope
from livefeed.wire.ids import MemberId, UserId
from livefeed.wire.oauth import TokenAnswer

_LOG: Final = logger("app")
_STATUSES: Final = frozenset({"L", "F", "D", "T", "P", "S"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The portal is known now, or was by this very callback before."""

    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Proved, but it would replace the credentials of a known portal: an administrator has to confirm it."""

    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Not proved; ``reason`` is for our log, not for the sender."""

    reason: str


Verdict: TypeAlias = Installed | Quarantined | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token whose owner the authorization server has named.

    Attributes:
        secret: The token.
        user_id: Whose it is.
        info: All that was told.
        install: The installation on that portal, with its address.
    """

    secret: Secret
    user_id: UserId
    info: AppInfo
    install: Install


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a request says, before anything of it is proved; ``application_token`` may be empty."""

    member_id: MemberId
    access_token: Secret
    refresh_token: Secret
    application_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Takes install callbacks from claim to stored installation.

    Attributes:
        pinned: The only portal that may install, from the settings; empty: the first that does.
        takes_many: With ``pinned`` empty: others may install beside it.
        store: Where installations are kept.
        keys: Hashes what is only compared.
        portal_keys: Seals the event; a portal that installs gets its key here.
        portals: Those that the door knows; they catch up after each installation.
        vault: Seals the refreshed pair.
        endpoint: The authorization server of the settings.
        http: The way to portals.
        wanted: What each portal gets.
    """

    pinned: str
    takes_many: bool
    store: Store
    keys: KeyRing
    portal_keys: PortalKeys
    portals: Portals
    vault: Vault
    endpoint: TokenEndpoint
    http: HttpClient
    wanted: Wanted

    async def install(self, envelope: Envelope) -> Verdict:
        """Climb the ladder.

        Raises:
            TransportError: The authorization server cannot be asked now; the sender should come again.
            Fault: It says that it is overloaded; likewise.
            StoreError: The installation cannot be committed now.
        """
        claim = _read_claim(envelope)
        if claim is None:
            return _refused("it carries no pair of tokens, no member_id or no application_token")
        foreign = await self.store.read(lambda tx: self.why_foreign(tx, claim.member_id))
        if foreign:
            return _refused(foreign, claim.member_id)
        proof = self.keys.hash(claim.refresh_token.reveal())
        stored = await self.store.read(lambda tx: registry.find(tx, claim.member_id))
        if stored is not None and stored.is_active and stored.proof == proof:
            # The same callback again: asking for a second refresh would end the pair we hold.
            return Installed(member_id=claim.member_id)
        try:
            proved = await self._prove(claim)
        except Fault as fault:
            if fault.retryable:
                raise
            return _refused(f"the authorization server does not confirm it: {fault}", claim.member_id)
        except WireError as exc:
            return _refused(f"the authorization server answers something else: {exc}", claim.member_id)
        return proved if isinstance(proved, Refused) else await self.accept(proved, envelope)

    def why_foreign(self, tx: Tx, member_id: MemberId) -> str:
        """Why the application is not for this portal; empty: it may be."""
        if self.pinned:
            return "" if member_id == self.pinned else "the settings name another portal"
        owner = None if self.takes_many else admission.owner_before(tx, member_id)
        return "" if owner is None else f"portal {owner} has it; for more than one: LIVEFEED_MANY_PORTALS=on"

    async def confirm(self, member_id: MemberId) -> Installed:
        """An administrator vouches for the installation in quarantine; the old token counts for a day more.

        Raises:
            UnknownPortal: Nothing of this portal is in quarantine.
        """
        await self.store.write(lambda tx: admission.release(tx, member_id, self.wanted))
        await self.portals.heed()
        _LOG.info("install_confirmed", member_id=member_id)
        return Installed(member_id=member_id)

    async def look_up(self, member_id: MemberId, access_token: Secret) -> Token | Refused:
        """Whose token it is, as the authorization server of the settings tells.

        Raises:
            Fault: It does not know the token, or is overloaded.
            WireError: It answers something else.
            TransportError: It cannot be asked now.
        """
        info = await self.endpoint.app_info(access_token)
        install = info.install
        if install is None or install.member_id != member_id:
            return _refused("the token belongs to another portal", member_id)
        if info.client_id != self.endpoint.client_id:
            return _refused("the token belongs to another application", member_id)
        if install.status not in _STATUSES or not is_http_url(install.client_endpoint):
            return _refused("the authorization server tells neither status nor address", member_id)
        if info.user_id is None:
            return _refused("the authorization server does not tell whose token it is", member_id)
        return Token(secret=access_token, user_id=info.user_id, info=info, install=install)

    async def is_administrators(self, token: Token) -> bool:
        """Whether the token's user administers the portal; asked at the address that `look_up` was told.

        Raises:
            Fault: The portal refused the token.
            TransportError: It gave no usable answer.
        """
        return await is_administrator(self.http, token.install.client_endpoint, token.secret)

    async def renewed(self, claim: Claim, token: Token) -> Proved | Refused:
        """One refresh: it proves the pair, and ends the refresh token that travelled.

        Raises:
            Fault: The refresh token is not good.
            TransportError: The authorization server cannot be asked now.
        """
        answer = await self.endpoint.refresh(claim.refresh_token)
        if answer.member_id != claim.member_id or answer.user_id not in {None, token.user_id}:
            return _refused("the refresh token belongs to another portal or person", claim.member_id)
        return await self.proved(claim, token, answer)

    async def proved(self, claim: Claim, token: Token, answer: TokenAnswer) -> Proved:
        """An installation ready to be stored with the pair in ``answer``; what is unknown stays unknown.

        Raises:
            StoreError: The portal can be given no key now.
        """
        await self.portal_keys.ensure(claim.member_id)
        secret = claim.application_token
        return Proved(
            member_id=claim.member_id,
            domain=token.install.domain,
            client_endpoint=token.install.client_endpoint,
            scope=token.info.scope or token.install.scope,
            status=token.install.status,
            application_token=self.keys.hash(secret) if secret else UNKNOWN_TOKEN,
            proof=self.keys.hash(claim.refresh_token.reveal()),
            pair=self.vault.seal(claim.member_id, token.user_id, answer),
        )

    async def accept(self, proved: Proved, envelope: Envelope, *, may_replace: bool = False) -> Verdict:
        """Store the installation and append its event, or put it aside until an administrator confirms it.

        Args:
            proved: What is stored.
            envelope: Goes to the handlers of the event, without tokens.
            may_replace: An administrator's own opening of a page may bring another application_token.

        Raises:
            StoreError: It cannot be committed now.
        """
        body = seal_entry(self.portal_keys, proved.member_id, _without_tokens(envelope))

        def unit(tx: Tx) -> KnownPortal | str | None:
            tx.serialize("")  # of two portals at the same time one is the first
            foreign = self.why_foreign(tx, proved.member_id)
            return foreign or admission.admit_or_quarantine(
                tx, proved, body, self.wanted, may_replace=may_replace
            )

        portal = await self.store.write(unit)
        if isinstance(portal, str):
            return _refused(portal, proved.member_id)
        if portal is None:
            _LOG.error(
                "install_quarantined",
                member_id=proved.member_id,
                next="confirm it in the console, or with: livefeed app confirm",
            )
            return Quarantined(member_id=proved.member_id)
        await self.portals.heed()
        _LOG.info("installed", member_id=proved.member_id, user_id=proved.pair.user_id)
        return Installed(member_id=proved.member_id)

    async def _prove(self, claim: Claim) -> Proved | Refused:
        token = await self.look_up(claim.member_id, claim.access_token)
        if isinstance(token, Refused):
            return token
        if not await self.is_administrators(token):
            return _refused("the token's user is no administrator", claim.member_id)
        return await self.renewed(claim, token)


def _read_claim(envelope: Envelope) -> Claim | None:
    auth = envelope.auth
    if envelope.event != AppInstalled.wire_name or not auth.member_id:
        return None
    if not auth.access_token or not auth.refresh_token or not auth.application_token:
        return None
    return Claim(
        member_id=auth.member_id,
        access_token=Secret(auth.access_token),
        refresh_token=Secret(auth.refresh_token),
        application_token=auth.application_token,
    )


def _without_tokens(envelope: Envelope) -> Envelope:
    """The refreshed pair lies in the vault; the one that travelled is of no use to a handler."""
    auth = msgspec.structs.replace(envelope.auth, access_token=None, refresh_token=None)
    return msgspec.structs.replace(envelope, auth=auth)


def _refused(reason: str, member_id: str = "") -> Refused:
    _LOG.warning("install_refused", member_id=member_id, reason=reason)
    return Refused(reason=reason)

"""What every grant of the token endpoint shares: the application that asks, and the pair it is given."""

import hmac
from dataclasses import dataclass
from typing import Final

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import Bearer, fresh_nonce, mark_of
from livefeed.secrets import KeyRing
from livefeed.wire.apps import scopes_of
from livefeed.wire.faults import InvalidClient, InvalidScope, PaymentRequired
from livefeed.wire.ids import MemberId
from livefeed.wire.oauth import REFRESH_TOKEN_LIFE_S, TokenRequest

_LENGTH: Final = 32

_sql = load("livefeed.portal.apps", "grants.sql")
_apps = load("livefeed.portal.apps", "apps.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for tokens.

    Attributes:
        portal: The portal whose address was asked; None: an address that is no portal's own, open to all.
        client_id: Which application.
        secret_hash: Keyed hash of its client_secret.
        scope: Scopes it asks for; empty: all that it has.
    """

    portal: MemberId | None
    client_id: str
    secret_hash: bytes
    scope: str

    @classmethod
    def of(cls, keys: KeyRing, portal: MemberId | None, request: TokenRequest) -> "Asker":
        """Hash the secret before the unit."""
        return cls(
            portal=portal,
            client_id=request.client_id,
            secret_hash=keys.hash(request.client_secret),
            scope=request.scope,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What a new pair is made of, drawn before the unit.

    Attributes:
        refresh_token: A secret; stored only as its hash.
        hash: Its keyed hash.
        nonce: What makes the access token beside it unlike any other.
    """

    refresh_token: str
    hash: bytes
    nonce: bytes

    @classmethod
    def draw(cls, keys: KeyRing) -> "Fresh":
        """Another pair."""
        token = fresh_code(_LENGTH)
        return cls(refresh_token=token, hash=keys.hash(token), nonce=fresh_nonce())

    def __repr__(self) -> str:
        return "Fresh(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A new pair may be given out.

    Attributes:
        app: To whom.
        bearer: In whose name.
        at_ms: When; the access token lives from here on.
    """

    app: App
    bearer: Bearer
    at_ms: int


def admit(tx: Tx, asker: Asker) -> App:
    """The application that asks, once it has proved who it is; the unit has the portal to itself from here.

    Raises:
        InvalidClient: No such application on this portal, another secret, or it was removed.
        PaymentRequired: What was paid for it is over.
        InvalidScope: It asks for more than it was registered with.
    """
    app = registry.find_by_client_id(tx, asker.client_id)
    if app is not None and tx.is_shared:
        tx.serialize(app.portal)  # what is good once is looked up after this, and so is the application
        app = registry.find_by_client_id(tx, asker.client_id)
    expected = bytes(len(asker.secret_hash)) if app is None else app.secret_hash
    is_proved = hmac.compare_digest(expected, asker.secret_hash)
    if app is None or not is_proved or app.state == "removed" or asker.portal not in (None, app.portal):
        raise InvalidClient
    if not app.is_paid(tx.now_ms):
        raise PaymentRequired
    beyond = scopes_of(asker.scope) - app.scopes
    if beyond:
        raise InvalidScope(f"the application was not registered with: {', '.join(sorted(beyond))}")
    return app


def stands(tx: Tx, app: App, bearer: Bearer) -> bool:
    """Whether ``bearer`` is of this application, and neither it nor the person lost it since."""
    row = _apps.principal(tx.conn, app=app.id, portal=app.portal, person=bearer.person, mark=b"")
    return (
        bearer.app == app.id
        and bearer.app_epoch == app.epoch & 0xFFFF
        and bool(row["is_active"])
        and bearer.person_epoch == row["person_epoch"] & 0xFFFF
    )


def remember(tx: Tx, fresh: Fresh, bearer: Bearer, *, family: bytes, parent: bytes | None) -> None:
    """Store a refresh token that is given out now, and which access token is given beside it."""
    _sql.add_refresh(
        tx.conn,
        hash=fresh.hash,
        app=bearer.app,
        person=bearer.person,
        app_epoch=bearer.app_epoch & 0xFFFF,
        person_epoch=bearer.person_epoch & 0xFFFF,
        family=family,
        parent=parent,
        access_mark=mark_of(bearer, tx.now_ms, fresh.nonce),
        now=tx.now_ms,
        expires_at=tx.now_ms + REFRESH_TOKEN_LIFE_S * 1000,
        used_at=None,
    )


def end_family(tx: Tx, family: bytes) -> None:
    """Kill every token of a family, access tokens too: somebody has a copy of one."""
    _sql.end_family(tx.conn, family=family, now=tx.now_ms)

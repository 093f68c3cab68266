"""Refresh tokens: each is exchanged once, for a new pair; one that comes back later ends its whole family."""

import hmac
from dataclasses import dataclass
from typing import Final

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import Bearer, Claims, codec_of
from livefeed.secrets import KeyRing
from livefeed.wire.faults import InvalidClient, InvalidGrant
from livefeed.wire.ids import AppId, UserId
from livefeed.wire.oauth import REFRESH_TOKEN_LIFE_S, Refresh

# Two processes of one application may refresh at the same moment, and a lost answer is asked for again: the
# second is refused, and no more. Later than this it is somebody who copied the token.
_RACE_MS: Final = 60_000
_LENGTH: Final = 32

_sql = load("livefeed.portal.apps", "apps.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the token endpoint was sent; secrets only as hashes, made before the unit.

    Attributes:
        client_id: Which application.
        secret_hash: Keyed hash of its client_secret.
        hash: Keyed hash of the refresh token.
        claims: What the token says if it was minted for an event; None if it is one of the endpoint's own.
        next_hash: Keyed hash of the refresh token that is given in exchange.
    """

    client_id: str
    secret_hash: bytes
    hash: bytes
    claims: Claims | None
    next_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A new pair may be given out."""

    app: App
    bearer: Bearer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    bearer: Bearer
    family: bytes
    is_over: bool
    used_at: int | None
    has_row: bool


def prepare(keys: KeyRing, request: Refresh) -> tuple[Exchange, str]:
    """Hash and open everything before the unit.

    Returns:
        What `exchange` wants, and the refresh token to give out if it succeeds.
    """
    following = fresh_code(_LENGTH)
    wanted = Exchange(
        client_id=request.client_id,
        secret_hash=keys.hash(request.client_secret),
        hash=keys.hash(request.refresh_token),
        claims=codec_of(keys).open("refresh", request.refresh_token),
        next_hash=keys.hash(following),
    )
    return wanted, following


def exchange(tx: Tx, wanted: Exchange) -> Granted | InvalidGrant:
    """Exchange a refresh token for the next one.

    Returns:
        Whose pair to make, or the fault to answer with; a fault is returned, not raised, where something was
        written that must stay.

    Raises:
        InvalidClient: No such application, another secret, or it was removed.
        InvalidGrant: The token is unknown, over, or its person or application lost it.
    """
    app = registry.find_by_client_id(tx, wanted.client_id)
    expected = bytes(len(wanted.secret_hash)) if app is None else app.secret_hash
    if not hmac.compare_digest(expected, wanted.secret_hash) or app is None or app.state == "removed":
        raise InvalidClient
    known = _known(tx, wanted)
    if known is None or known.is_over or not _stands(tx, app, known.bearer):
        raise InvalidGrant
    if known.used_at is not None:
        if tx.now_ms - known.used_at > _RACE_MS:
            _sql.end_family(tx.conn, family=known.family, now=tx.now_ms)
        return InvalidGrant("the refresh token was used before")
    _use(tx, wanted.hash, known)
    _remember(tx, wanted.next_hash, known.bearer, known.family, used_at=None)
    _sql.forget_refresh(tx.conn, now=tx.now_ms)
    return Granted(app=app, bearer=known.bearer)


def grant(tx: Tx, bearer: Bearer, first_hash: bytes) -> None:
    """Remember a refresh token that begins a family."""
    _remember(tx, first_hash, bearer, first_hash, used_at=None)


def _known(tx: Tx, wanted: Exchange) -> _Known | None:
    row = _sql.refresh_row(tx.conn, hash=wanted.hash)
    if row is not None:
        bearer = Bearer(
            app=AppId(row["app"]),
            person=UserId(row["person"]),
            app_epoch=row["app_epoch"],
            person_epoch=row["person_epoch"],
        )
        return _Known(
            bearer=bearer,
            family=row["family"],
            is_over=tx.now_ms >= row["expires_at"],
            used_at=row["used_at"],
            has_row=True,
        )
    if wanted.claims is None:
        return None
    return _Known(
        bearer=wanted.claims.bearer,
        family=wanted.hash,
        is_over=tx.now_ms >= wanted.claims.ends_at(REFRESH_TOKEN_LIFE_S),
        used_at=None,
        has_row=False,
    )


def _stands(tx: Tx, app: App, bearer: Bearer) -> bool:
    """Whether the token is this application's, and neither it nor the person lost it since."""
    row = _sql.principal(tx.conn, app=app.id, portal=app.portal, person=bearer.person)
    return (
        bearer.app == app.id
        and bearer.app_epoch == app.epoch & 0xFFFF
        and bool(row["is_active"])
        and bearer.person_epoch == row["person_epoch"] & 0xFFFF
    )


def _use(tx: Tx, token_hash: bytes, known: _Known) -> None:
    if known.has_row:
        _sql.use_refresh(tx.conn, hash=token_hash, now=tx.now_ms)
    else:
        _remember(tx, token_hash, known.bearer, known.family, used_at=tx.now_ms)


def _remember(tx: Tx, token_hash: bytes, bearer: Bearer, family: bytes, *, used_at: int | None) -> None:
    _sql.add_refresh(
        tx.conn,
        hash=token_hash,
        app=bearer.app,
        person=bearer.person,
        app_epoch=bearer.app_epoch & 0xFFFF,
        person_epoch=bearer.person_epoch & 0xFFFF,
        family=family,
        now=tx.now_ms,
        expires_at=tx.now_ms + REFRESH_TOKEN_LIFE_S * 1000,
        used_at=used_at,
    )

"""Refresh tokens: exchanged for a new pair; one that comes back later ends its family (docs/adr/0046).

A family is a first token and all that were exchanged from it. What was exchanged from one token is a
generation; it has one member, unless an answer was lost or two processes raced.
"""

from dataclasses import dataclass
from typing import Final

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps import grants
from livefeed.portal.apps.grants import Asker, Fresh, Granted
from livefeed.portal.apps.tokens import Bearer, Claims, codec_of
from livefeed.secrets import KeyRing
from livefeed.wire.faults import InvalidGrant
from livefeed.wire.ids import AppId, UserId
from livefeed.wire.oauth import REFRESH_TOKEN_LIFE_S, Refresh

GRACE_S: Final = 10
"""How long after its first exchange a refresh token, or another of its generation, is still exchanged."""

_sql = load("livefeed.portal.apps", "grants.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the token endpoint was sent; secrets only as hashes, made before the unit.

    Attributes:
        asker: Who asks.
        hash: Keyed hash of the refresh token.
        claims: What the token says if it was minted for an event; None if it is one of the endpoint's own.
        fresh: What is given in exchange.
    """

    asker: Asker
    hash: bytes
    claims: Claims | None
    fresh: Fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A refresh token; ``used_at`` is when the first of its generation was exchanged."""

    bearer: Bearer
    family: bytes
    expires_at: int
    used_at: int | None = None
    ended_at: int | None = None
    has_row: bool = True

    def is_reused(self, now_ms: int) -> bool:
        return self.used_at is not None and now_ms - self.used_at > GRACE_S * 1000


def prepare(keys: KeyRing, asker: Asker, request: Refresh, fresh: Fresh) -> Exchange:
    """Hash and open everything before the unit."""
    return Exchange(
        asker=asker,
        hash=keys.hash(request.refresh_token),
        claims=codec_of(keys).open("refresh", request.refresh_token),
        fresh=fresh,
    )


def exchange(tx: Tx, wanted: Exchange) -> Granted | InvalidGrant:
    """Exchange a refresh token for the next one.

    Returns:
        Whose pair to make, or the fault to answer with; a fault is returned, not raised, where something was
        written that must stay.

    Raises:
        InvalidClient, PaymentRequired, InvalidScope: See `grants.admit`.
        InvalidGrant: The token is unknown, over, or its person or application lost it.
    """
    app = grants.admit(tx, wanted.asker)
    known = _known(tx, wanted)
    if known is None or tx.now_ms >= known.expires_at or not grants.stands(tx, app, known.bearer):
        raise InvalidGrant("the refresh token is unknown or over")
    if known.ended_at is not None:
        raise InvalidGrant("the refresh token was ended; authorize anew")
    if known.is_reused(tx.now_ms):
        grants.end_family(tx, known.family)
        return InvalidGrant("the refresh token was used before; authorize anew")
    _use(tx, wanted.hash, known)
    grants.remember(tx, wanted.fresh, known.bearer, family=known.family, parent=wanted.hash)
    _sql.forget_refresh(tx.conn, now=tx.now_ms)
    return Granted(app=app, bearer=known.bearer, at_ms=tx.now_ms)


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
            expires_at=row["expires_at"],
            used_at=row["used_at"],
            ended_at=row["ended_at"],
        )
    if wanted.claims is None:
        return None
    return _Known(
        bearer=wanted.claims.bearer,
        family=wanted.hash,
        expires_at=wanted.claims.ends_at(REFRESH_TOKEN_LIFE_S),
        has_row=False,
    )


def _use(tx: Tx, token_hash: bytes, known: _Known) -> None:
    """Mark the token as exchanged; one minted for an event gets its row here."""
    if known.has_row:
        _sql.use_refresh(tx.conn, hash=token_hash, now=tx.now_ms)
        return
    _sql.add_refresh(
        tx.conn,
        hash=token_hash,
        app=known.bearer.app,
        person=known.bearer.person,
        app_epoch=known.bearer.app_epoch & 0xFFFF,
        person_epoch=known.bearer.person_epoch & 0xFFFF,
        family=known.family,
        parent=None,
        access_mark=None,
        now=tx.now_ms,
        expires_at=known.expires_at,
        used_at=tx.now_ms,
    )

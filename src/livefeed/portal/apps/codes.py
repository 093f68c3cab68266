"""Authorization codes: given to a browser on its way to an application, exchanged once within 30 seconds.

Source: settings/oauth/index.md
"""

from dataclasses import dataclass
from typing import Final

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps import grants
from livefeed.portal.apps.grants import Asker, Fresh, Granted
from livefeed.portal.apps.tokens import Bearer
from livefeed.secrets import KeyRing
from livefeed.wire.faults import InvalidGrant
from livefeed.wire.ids import AppId, UserId
from livefeed.wire.oauth import CODE_LIFE_S, REFRESH_TOKEN_LIFE_S, CodeExchange

_LENGTH: Final = 32

_sql = load("livefeed.portal.apps", "grants.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshCode:
    """A code, drawn before the unit that stores its hash; the code itself is a secret for 30 seconds."""

    code: str
    hash: bytes

    def __repr__(self) -> str:
        return "FreshCode(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the token endpoint was sent: who asks, the keyed hash of the code, what is given for it."""

    asker: Asker
    hash: bytes
    fresh: Fresh


def draw(keys: KeyRing) -> FreshCode:
    """Another code: 32 characters of ``[a-z0-9]``."""
    code = fresh_code(_LENGTH)
    return FreshCode(code=code, hash=keys.hash(code))


def give(tx: Tx, bearer: Bearer, fresh: FreshCode) -> None:
    """Let ``fresh`` be exchanged for tokens of ``bearer`` within the next 30 seconds."""
    _sql.add_code(
        tx.conn,
        hash=fresh.hash,
        app=bearer.app,
        person=bearer.person,
        app_epoch=bearer.app_epoch & 0xFFFF,
        person_epoch=bearer.person_epoch & 0xFFFF,
        now=tx.now_ms,
        expires_at=tx.now_ms + CODE_LIFE_S * 1000,
    )
    _sql.forget_unused_codes(tx.conn, now=tx.now_ms)
    _sql.forget_codes(tx.conn, before=tx.now_ms - REFRESH_TOKEN_LIFE_S * 1000)


def prepare(keys: KeyRing, asker: Asker, request: CodeExchange, fresh: Fresh) -> Exchange:
    """Hash everything before the unit."""
    return Exchange(asker=asker, hash=keys.hash(request.code), fresh=fresh)


def exchange(tx: Tx, wanted: Exchange) -> Granted | InvalidGrant:
    """Exchange a code for a first pair of tokens; a second exchange ends what the first one gave.

    Returns:
        Whose pair to make, or the fault to answer with; a fault is returned, not raised, where something was
        written that must stay.

    Raises:
        InvalidClient, PaymentRequired, InvalidScope: See `grants.admit`.
        InvalidGrant: The code is unknown, another application's, over, or its person or application lost it.
    """
    app = grants.admit(tx, wanted.asker)
    row = _sql.code_row(tx.conn, hash=wanted.hash)
    if row is None or row["app"] != app.id:
        raise InvalidGrant("the code is unknown or over")
    if row["used_at"] is not None:
        grants.end_family(tx, row["family"])
        return InvalidGrant("the code was used before; what it was exchanged for is ended")
    bearer = Bearer(
        app=AppId(row["app"]),
        person=UserId(row["person"]),
        app_epoch=row["app_epoch"],
        person_epoch=row["person_epoch"],
    )
    if tx.now_ms >= row["expires_at"] or not grants.stands(tx, app, bearer):
        raise InvalidGrant("the code is unknown or over")
    family = wanted.fresh.hash
    _sql.use_code(tx.conn, hash=wanted.hash, family=family, now=tx.now_ms)
    grants.remember(tx, wanted.fresh, bearer, family=family, parent=None)
    return Granted(app=app, bearer=bearer, at_ms=tx.now_ms)

"""Access and refresh tokens: minted without a write, dead at once when an epoch is raised (docs/adr/0011).

A token is ``base32(AES block · MAC · nonce)`` in lower case: 56 characters of ``[a-z2-7]``. The block holds
application, person, minute and both epochs; the MAC covers it together with the kind, so that one kind is
never taken for the other. Within one minute an event's tokens are the same for the same person.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache
from struct import Struct
from typing import Final, Literal, TypeAlias

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.call import AppRef, Principal
from livefeed.secrets import KeyRing
from livefeed.wire.apps import scopes_of
from livefeed.wire.faults import ExpiredToken, NoAuthFound, UserAccessError
from livefeed.wire.ids import AppId, MemberId, UserId
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S

Kind: TypeAlias = Literal["access", "refresh"]

_MINUTE_MS: Final = 60_000
_BLOCK: Final = Struct(">IIIHH")
_MARK: Final = Struct(">III")
_MAC_BYTES: Final = 16
_NONCE_BYTES: Final = 3
_SAME_FOR_A_MINUTE: Final = bytes(_NONCE_BYTES)

TOKEN_CHARS: Final = (_BLOCK.size + _MAC_BYTES + _NONCE_BYTES) * 8 // 5
"""How long every token is."""

_OPENED: Final = 4_096  # tokens whose seal was checked lately
_MADE: Final = 4_096  # pairs that were made this minute

_sql = load("livefeed.portal.apps", "apps.sql")


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a token speaks: an application in the name of a person, as long as both epochs stand."""

    app: AppId
    person: UserId
    app_epoch: int
    person_epoch: int


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says.

    Attributes:
        bearer: For whom.
        minute: Minutes since the epoch at which it was minted.
        nonce: What tells the tokens of one bearer and minute apart; zeros in events.
    """

    bearer: Bearer
    minute: int
    nonce: bytes = _SAME_FOR_A_MINUTE

    @property
    def mark(self) -> bytes:
        """Under which the database knows this one token; it gives nothing away."""
        return mark_of(self.bearer, self.minute * _MINUTE_MS, self.nonce)

    def ends_at(self, lives_s: int) -> int:
        """When it is over: ``lives_s`` seconds after the end of the minute it was minted in."""
        return (self.minute + 1) * _MINUTE_MS + lives_s * 1000


class TokenCodec:
    """Makes and opens tokens with the keys of one ring."""

    def __init__(self, keys: KeyRing) -> None:
        self._cipher = Cipher(AES256(keys.derive("token.block")), ECB())  # noqa: S305 - one block, never two
        self._mac_key = keys.derive("token.mac")

    def mint(self, kind: Kind, bearer: Bearer, now_ms: int, *, nonce: bytes = _SAME_FOR_A_MINUTE) -> str:
        """A token of ``kind`` that begins to live now."""
        plain = _BLOCK.pack(
            bearer.app,
            bearer.person,
            now_ms // _MINUTE_MS,
            bearer.app_epoch & 0xFFFF,
            bearer.person_epoch & 0xFFFF,
        )
        block = self._cipher.encryptor().update(plain)
        sealed = block + self._mac(kind, block + nonce) + nonce
        return base64.b32encode(sealed).decode("ascii").lower()

    def mint_fresh(self, kind: Kind, bearer: Bearer, now_ms: int) -> str:
        """A token that is unlike any other, for the token endpoint."""
        return self.mint(kind, bearer, now_ms, nonce=fresh_nonce())

    def open(self, kind: Kind, token: str) -> Claims | None:
        """What ``token`` says; None if it is not one of ours of this ``kind``."""
        # In one spelling only: a used refresh token is known again by its hash.
        if len(token) != TOKEN_CHARS or not token.isascii() or token != token.lower():
            return None
        try:
            sealed = base64.b32decode(token.upper())
        except ValueError:
            return None
        block, mac, nonce = sealed[:16], sealed[16:-_NONCE_BYTES], sealed[-_NONCE_BYTES:]
        if not hmac.compare_digest(mac, self._mac(kind, block + nonce)):
            return None
        app, person, minute, app_epoch, person_epoch = _BLOCK.unpack(self._cipher.decryptor().update(block))
        bearer = Bearer(app=AppId(app), person=UserId(person), app_epoch=app_epoch, person_epoch=person_epoch)
        return Claims(bearer=bearer, minute=minute, nonce=sealed[-_NONCE_BYTES:])

    def _mac(self, kind: Kind, content: bytes) -> bytes:
        return hashlib.blake2b(
            content, digest_size=_MAC_BYTES, key=self._mac_key, person=kind.encode("ascii")
        ).digest()


def fresh_nonce() -> bytes:
    """What makes a token unlike those of the same bearer and minute."""
    return os.urandom(_NONCE_BYTES)


def mark_of(bearer: Bearer, now_ms: int, nonce: bytes) -> bytes:
    """The mark of the token that is minted for ``bearer`` now with this ``nonce``."""
    return _MARK.pack(bearer.app, bearer.person, now_ms // _MINUTE_MS) + nonce


@lru_cache(maxsize=8)
def codec_of(keys: KeyRing) -> TokenCodec:
    """The codec of a ring of keys."""
    return TokenCodec(keys)


def open_access(keys: KeyRing, token: str) -> Claims | None:
    """What an access token says; None if it is not one of ours. Touches no database."""
    # What a stranger sends in place of a token may be as long as a body: it is neither hashed nor kept.
    return _opened(keys, token) if len(token) == TOKEN_CHARS else None


@lru_cache(maxsize=_OPENED)
def _opened(keys: KeyRing, token: str) -> Claims | None:
    return codec_of(keys).open("access", token)


class Mint:
    """Tokens for events: those of one person and application are made once a minute."""

    def __init__(self, keys: KeyRing) -> None:
        self._codec = codec_of(keys)
        self._minute = 0
        self._made: dict[Bearer, tuple[bytes, bytes]] = {}

    def pair(self, bearer: Bearer, now_ms: int) -> tuple[bytes, bytes]:
        """Access and refresh token."""
        minute = now_ms // _MINUTE_MS
        if minute != self._minute or len(self._made) >= _MADE:
            self._minute = minute
            self._made.clear()
        made = self._made.get(bearer)
        if made is None:
            access = self._codec.mint("access", bearer, now_ms).encode("ascii")
            refresh = self._codec.mint("refresh", bearer, now_ms).encode("ascii")
            made = self._made[bearer] = (access, refresh)
        return made


def principal_of(tx: Tx, *, portal: MemberId, claims: Claims, now_ms: int) -> Principal:
    """Who calls with an access token.

    Raises:
        NoAuthFound: The application was removed or rotated, or the person dismissed, since it was minted; its
            family was ended; or the token is of another portal.
        UserAccessError: The installation is not finished, and the person is no administrator.
        ExpiredToken: The token is over.
    """
    bearer = claims.bearer
    row = _sql.principal(tx.conn, app=bearer.app, portal=portal, person=bearer.person, mark=claims.mark)
    if row is None or row["state"] == "removed" or not _stands(row["app_epoch"], bearer.app_epoch):
        raise NoAuthFound
    if not row["is_active"] or not _stands(row["person_epoch"], bearer.person_epoch) or row["is_ended"]:
        raise NoAuthFound
    ends_at = claims.ends_at(ACCESS_TOKEN_LIFE_S)
    if now_ms >= ends_at:
        raise ExpiredToken
    if row["state"] == "withheld" and not row["is_admin"]:
        raise UserAccessError
    return Principal(
        user_id=bearer.person,
        is_admin=bool(row["is_admin"]),
        scopes=granted(row["scope"]),
        app=AppRef(id=bearer.app, client_id=row["client_id"]),
        token_ends_at=ends_at,
    )


@lru_cache(maxsize=256)
def granted(scope: str) -> frozenset[str]:
    """The scopes in an application's own list; the same lists come again and again."""
    return scopes_of(scope)


def _stands(now: int, minted: int) -> bool:
    return now & 0xFFFF == minted

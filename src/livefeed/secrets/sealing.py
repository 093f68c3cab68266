"""Sealing: a type that masks itself, and one key, which encrypts at rest.

A blob is ``key id (4 bytes) · nonce (12) · AES-256-GCM ciphertext``.
"""

import hashlib
import hmac
import os
from collections import deque
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livefeed.errors import SettingsError

KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12


# Drawn many at a time: each draw is a system call that hands the interpreter to another thread. Taking one
# from a deque is atomic, so no two callers get the same; a forked child draws its own.
_nonces: Final[deque[bytes]] = deque()
_NONCES_A_DRAW: Final = 256
os.register_at_fork(after_in_child=_nonces.clear)


def _fresh_nonce() -> bytes:
    noise = os.urandom(_NONCE_BYTES * _NONCES_A_DRAW)
    first, *others = (noise[at : at + _NONCE_BYTES] for at in range(0, len(noise), _NONCE_BYTES))
    _nonces.extend(others)
    return first


class Secret:
    """A value that never shows itself: not in logs, traces or pages."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it only where the value is used."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode(errors="surrogatepass"), other._value.encode(errors="surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(self._value)


class SealingKey:
    """One key: seals blobs that carry its id, and opens them."""

    __slots__ = ("_decrypt", "_encrypt", "id")

    def __init__(self, key: bytes) -> None:
        """``key`` is 32 bytes."""
        if len(key) != KEY_BYTES:
            raise SettingsError("a key is 32 bytes; make one with: openssl rand -hex 32")
        cipher = AESGCM(key)
        self._encrypt, self._decrypt = cipher.encrypt, cipher.decrypt
        self.id: Final = hashlib.sha256(key).digest()[:_ID_BYTES]

    def seal(self, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt ``plain``; ``context`` must be the same when it is opened."""
        try:
            nonce = _nonces.popleft()
        except IndexError:
            nonce = _fresh_nonce()
        return self.id + nonce + self._encrypt(nonce, plain, context)

    def open(self, blob: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt a blob of this key.

        Raises:
            SettingsError: It is damaged, or belongs somewhere else.
        """
        nonce = blob[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        try:
            return self._decrypt(nonce, blob[_ID_BYTES + _NONCE_BYTES :], context)
        except (InvalidTag, ValueError) as exc:
            raise SettingsError("a sealed value in this database is damaged") from exc


def key_id_of(blob: bytes) -> bytes:
    """Which key a blob was sealed with."""
    return blob[:_ID_BYTES]


def fresh_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)


def hash_key_of(key: bytes) -> bytes:
    """The key of the hashes; from it nobody finds the key that opens."""
    return hashlib.blake2b(key, person=b"livefeed.hash").digest()

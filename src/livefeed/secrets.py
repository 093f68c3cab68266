"""Secrets: a type that masks itself, envelope encryption at rest, keyed hashes, and the key file.

A blob is ``key id (4 bytes) · nonce (12) · AES-256-GCM ciphertext``. What is only compared is never
stored, only its keyed hash.
"""

import hashlib
import hmac
import os
from collections import deque
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livefeed.errors import SettingsError

_KEY_BYTES: Final = 32
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
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


class KeyRing:
    """Seals and opens blobs with the newest key, opens those of older keys, and makes keyed hashes."""

    def __init__(self, keys: list[bytes]) -> None:
        """Take ``keys`` newest first, each 32 bytes."""
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise SettingsError("a key is 32 bytes; make one with: openssl rand -hex 32")
        self._ciphers = {hashlib.sha256(key).digest()[:_ID_BYTES]: AESGCM(key) for key in keys}
        self._newest = hashlib.sha256(keys[0]).digest()[:_ID_BYTES]
        self._encrypt = self._ciphers[self._newest].encrypt
        # Hashes must survive a rotation, so they hang on the oldest key.
        self._hash_key = hashlib.blake2b(keys[-1], person=b"livefeed.hash").digest()

    def seal(self, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt ``plain``; ``context`` must be the same when it is opened."""
        try:
            nonce = _nonces.popleft()
        except IndexError:
            nonce = _fresh_nonce()
        return self._newest + nonce + self._encrypt(nonce, plain, context)

    def open(self, blob: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt a blob made by `seal`.

        Raises:
            SettingsError: The key of this blob is not in the ring, or the blob is damaged.
        """
        cipher = self._ciphers.get(blob[:_ID_BYTES])
        if cipher is None:
            raise SettingsError(
                "this database was sealed with another key; set LIVEFEED_KEY_FILE to the right one"
            )
        nonce = blob[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, blob[_ID_BYTES + _NONCE_BYTES :], context)
        except InvalidTag as exc:
            raise SettingsError("a sealed value in this database is damaged") from exc

    def hash(self, value: str) -> bytes:
        """The keyed hash (32 bytes) under which a secret that is only compared is stored."""
        return hashlib.blake2b(
            value.encode("utf-8", "surrogatepass"), digest_size=32, key=self._hash_key
        ).digest()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for ``purpose``, the same after a rotation."""
        return hashlib.blake2b(self._hash_key, digest_size=32, person=purpose.encode()[:16]).digest()


def read_or_create_key_file(path: Path) -> KeyRing:
    """Read the key file (one hex key a line, newest first); create it with mode 0600 if it does not exist.

    Raises:
        SettingsError: The file cannot be read or made, or holds something else.
    """
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(os.urandom(_KEY_BYTES).hex() + "\n")
        lines = path.read_text(encoding="ascii").split()
        return KeyRing([bytes.fromhex(line) for line in lines])
    except OSError as exc:
        raise SettingsError(
            f"key file {path} is not usable: {exc.strerror}; set LIVEFEED_KEY_FILE to another place"
        ) from exc
    except ValueError as exc:
        raise SettingsError(
            f"key file {path} is not usable: {exc}; it holds one 64-digit hex key a line"
        ) from exc

"""Secrets: a type that masks itself, envelope encryption at rest, keyed hashes, and the key file.

A blob is ``key id (4 bytes) · nonce (12) · AES-256-GCM ciphertext``. What is only compared is never
stored, only its keyed hash. The key file has one hex key a line, newest first, and after keys were retired
a line ``hash:…`` with the key of the hashes, which opens nothing.
"""

import hashlib
import hmac
import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livefeed.errors import SettingsError

_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_LOOK_AGAIN_S: Final = 1.0
_HASH: Final = "hash:"


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


class SealingKey:
    """One key: seals blobs that carry its id, and opens them."""

    __slots__ = ("_decrypt", "_encrypt", "id")

    def __init__(self, key: bytes) -> None:
        """``key`` is 32 bytes."""
        if len(key) != _KEY_BYTES:
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


class KeyRing:
    """Seals and opens blobs with the newest key, opens those of older keys, and makes keyed hashes.

    A ring that was read from a file looks at the file again, at most once a second: a key that was added
    there is taken over without a restart.
    """

    def __init__(
        self, keys: list[bytes], *, hash_key: bytes | None = None, source: Path | None = None
    ) -> None:
        """Take ``keys`` newest first, each 32 bytes; ``hash_key`` is that of keys that were retired."""
        self._put(keys)
        # Hashes must survive a rotation, so they hang on the oldest key.
        self._hash_key: Final = hash_key or hash_key_of(keys[-1])
        self._source: Final = source
        self._look_at_s = time.monotonic() + _LOOK_AGAIN_S
        # The file may have been replaced since the keys were read: the first look reads it in any case.
        self._seen: tuple[int, int, int] | None = None

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._keys)

    @property
    def newest(self) -> SealingKey:
        """The key that seals."""
        self.look_again()
        return self._newest

    def seal(self, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt ``plain`` with the newest key; ``context`` must be the same when it is opened."""
        return self.newest.seal(plain, context=context)

    def open(self, blob: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt a blob made by `seal`.

        Raises:
            SettingsError: The key of this blob is not in the ring, or the blob is damaged.
        """
        name = blob[:_ID_BYTES]
        key = self._keys.get(name)
        if key is None:
            self.look_again(now=True)
            key = self._keys.get(name)
        if key is None:
            raise SettingsError(
                "this database was sealed with another key; set LIVEFEED_KEY_FILE to the right one"
            )
        return key.open(blob, context=context)

    def look_again(self, *, now: bool = False) -> None:
        """Take over what has changed in the key file; a file that cannot be read changes nothing."""
        moment = time.monotonic()
        if self._source is None or (moment < self._look_at_s and not now):
            return
        self._look_at_s = moment + _LOOK_AGAIN_S
        state = _state_of(self._source)
        if state is None or state == self._seen:
            return
        with suppress(SettingsError):
            keys, hash_key = read_keys(self._source)
            # Another hash key is another database's file: what is known goes on.
            if (hash_key or hash_key_of(keys[-1])) == self._hash_key:
                self._put(keys)
            self._seen = state

    def hash(self, value: str) -> bytes:
        """The keyed hash (32 bytes) under which a secret that is only compared is stored."""
        return hashlib.blake2b(
            value.encode("utf-8", "surrogatepass"), digest_size=32, key=self._hash_key
        ).digest()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for ``purpose``, the same after a rotation."""
        return hashlib.blake2b(self._hash_key, digest_size=32, person=purpose.encode()[:16]).digest()

    def _put(self, keys: list[bytes]) -> None:
        if not keys:
            raise SettingsError("a key is 32 bytes; make one with: openssl rand -hex 32")
        ring = [SealingKey(key) for key in keys]
        self._keys = {key.id: key for key in ring}
        self._newest = ring[0]


def fresh_key() -> bytes:
    """32 random bytes."""
    return os.urandom(_KEY_BYTES)


def hash_key_of(key: bytes) -> bytes:
    """The key of the hashes; from it nobody finds the key that opens."""
    return hashlib.blake2b(key, person=b"livefeed.hash").digest()


def read_keys(path: Path) -> tuple[list[bytes], bytes | None]:
    """The keys in a key file, newest first, and the key of the hashes if the first one was retired.

    Raises:
        SettingsError: The file cannot be read, or holds something else.
    """
    try:
        lines = path.read_text(encoding="ascii").split()
        hash_key = next((bytes.fromhex(one.removeprefix(_HASH)) for one in lines if one[:5] == _HASH), None)
        keys = [bytes.fromhex(line) for line in lines if line[:5] != _HASH]
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise SettingsError("a key is 32 bytes; make one with: openssl rand -hex 32")
    except OSError as exc:
        raise SettingsError(
            f"key file {path} is not usable: {exc.strerror}; set LIVEFEED_KEY_FILE to another place"
        ) from exc
    except ValueError as exc:
        raise SettingsError(
            f"key file {path} is not usable: {exc}; it holds one 64-digit hex key a line"
        ) from exc
    return keys, hash_key


def read_or_create_key_file(path: Path) -> KeyRing:
    """Read the key file; create it with mode 0600 if it does not exist.

    Raises:
        SettingsError: The file cannot be read or made, or holds something else.
    """
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(fresh_key().hex() + "\n")
    except OSError as exc:
        raise SettingsError(
            f"key file {path} is not usable: {exc.strerror}; set LIVEFEED_KEY_FILE to another place"
        ) from exc
    keys, hash_key = read_keys(path)
    return KeyRing(keys, hash_key=hash_key, source=path)


def write_keys(path: Path, keys: list[bytes], hash_key: bytes | None) -> None:
    """Put another key file in the place of ``path``, whole or not at all, readable by its owner alone.

    Raises:
        SettingsError: It cannot be written; the old one is as it was.
    """
    place = path.resolve()
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    lines = [key.hex() for key in keys] + ([] if hash_key is None else [_HASH + hash_key.hex()])
    try:
        owner = place.stat()
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(descriptor)
        fresh.replace(place)
        folder = os.open(place.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as exc:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise SettingsError(f"key file {path} cannot be written: {exc.strerror}; nothing is changed") from exc


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is replaced; None: it is not there."""
    with suppress(OSError):
        state = path.stat()
        return state.st_ino, state.st_mtime_ns, state.st_size
    return None

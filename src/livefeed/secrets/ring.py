"""The ring: every key of one key file, the newest of which seals."""

import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from livefeed.errors import SettingsError
from livefeed.secrets.files import KeyFile, create_key_file, read_key_file
from livefeed.secrets.sealing import SealingKey, hash_key_of, key_id_of

_LOOK_AGAIN_S: Final = 1.0


class KeyRing:
    """Seals and opens blobs with the newest key, opens those of the others, and makes keyed hashes.

    A ring that was read from a file looks at the file again, at most once a second: a key that was added
    there is taken over without a restart. A prepared key becomes the newest as soon as something is seen that
    was sealed with it: the keys were rotated, if on another machine.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        hash_key: bytes | None = None,
        prepared: bytes | None = None,
        source: Path | None = None,
    ) -> None:
        """Take ``keys`` newest first, each 32 bytes; the others are those of a `KeyFile`."""
        self._put(keys, prepared)
        # Hashes must survive a rotation, so they hang on the oldest key.
        self._hash_key: Final = hash_key or hash_key_of(keys[-1])
        self._source: Final = source
        self._look_at_s = time.monotonic() + _LOOK_AGAIN_S
        # The file may have been replaced since the keys were read: the first look reads it in any case.
        self._seen: tuple[int, int, int] | None = None

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of the keys, newest first; without that of a prepared one."""
        return tuple(self._keys)

    @property
    def prepared_id(self) -> bytes | None:
        """The id of the key with which the next rotation will seal; None: there is none yet."""
        return None if self._prepared is None else self._prepared.id

    @property
    def newest(self) -> SealingKey:
        """The key that seals."""
        self.look_again()
        return self._newest

    def knows(self, key_id: bytes) -> bool:
        """Whether what begins with this id can be opened; looks at the file again before it says no."""
        return self._key_of(key_id) is not None

    def seal(self, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt ``plain`` with the newest key; ``context`` must be the same when it is opened."""
        return self.newest.seal(plain, context=context)

    def open(self, blob: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt a blob made by `seal`.

        Raises:
            SettingsError: The key of this blob is not in the ring, or the blob is damaged.
        """
        key = self._key_of(key_id_of(blob))
        if key is None:
            raise SettingsError(
                f"the key file lacks key {key_id_of(blob).hex()}: this database was sealed with another key; "
                "set LIVEFEED_KEY_FILE to the right one, or copy it from the machine where the keys were "
                "rotated"
            )
        plain = key.open(blob, context=context)
        if key is self._prepared:
            self.take_over()
        return plain

    def take_over(self) -> None:
        """Seal with the prepared key from now on."""
        prepared = self._prepared
        if prepared is not None:
            self._keys = {prepared.id: prepared, **self._keys}
            self._newest, self._prepared = prepared, None

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
            found = read_key_file(self._source)
            # Another hash key is another database's file: what is known goes on.
            if found.hash_key == self._hash_key:
                self._read(found)
            self._seen = state

    def hash(self, value: str) -> bytes:
        """The keyed hash (32 bytes) under which a secret that is only compared is stored."""
        return hashlib.blake2b(
            value.encode("utf-8", "surrogatepass"), digest_size=32, key=self._hash_key
        ).digest()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for ``purpose``, the same after a rotation."""
        return hashlib.blake2b(self._hash_key, digest_size=32, person=purpose.encode()[:16]).digest()

    def _key_of(self, key_id: bytes) -> SealingKey | None:
        key = self._keys.get(key_id) or self._next(key_id)
        if key is None:
            self.look_again(now=True)
            key = self._keys.get(key_id) or self._next(key_id)
        return key

    def _next(self, key_id: bytes) -> SealingKey | None:
        prepared = self._prepared
        return prepared if prepared is not None and prepared.id == key_id else None

    def _read(self, found: KeyFile) -> None:
        newest = self._newest
        self._put(found.keys, found.prepared)
        if self._prepared is not None and self._prepared.id == newest.id:
            self.take_over()

    def _put(self, keys: Sequence[bytes], prepared: bytes | None) -> None:
        if not keys:
            raise SettingsError("a key is 32 bytes; make one with: openssl rand -hex 32")
        ring = [SealingKey(key) for key in keys]
        self._keys = {key.id: key for key in ring}
        self._newest = ring[0]
        self._prepared = None if prepared is None else SealingKey(prepared)


def read_or_create_key_file(path: Path) -> KeyRing:
    """Read the key file; create it with mode 0600 if it does not exist.

    Raises:
        SettingsError: The file cannot be read or made, or holds something else.
    """
    create_key_file(path)
    found = read_key_file(path)
    return KeyRing(found.keys, hash_key=found.hash_key, prepared=found.prepared, source=path)


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is replaced; None: it is not there."""
    with suppress(OSError):
        state = path.stat()
        return state.st_ino, state.st_mtime_ns, state.st_size
    return None

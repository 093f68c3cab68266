"""The key file: one hex key a line, newest first.

After keys were retired a line ``hash:…`` holds the key of the hashes, which opens nothing. A line ``next:…``
holds a key that was prepared: it opens, and seals once the keys are rotated.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livefeed.errors import SettingsError
from livefeed.secrets.sealing import KEY_BYTES, fresh_key, hash_key_of

_HASH: Final = "hash:"
_NEXT: Final = "next:"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """What a key file holds.

    Attributes:
        keys: 32 bytes each, newest first; at least one.
        hash_key: The key of the hashes. They must survive a rotation: it hangs on the oldest key there was.
        prepared: The key that the next rotation will seal with; None: there is none yet.
    """

    keys: tuple[bytes, ...]
    hash_key: bytes
    prepared: bytes | None = None

    def __repr__(self) -> str:
        return f"KeyFile({len(self.keys)} keys)"


def read_key_file(path: Path) -> KeyFile:
    """What is in a key file.

    Raises:
        SettingsError: The file cannot be read, or holds something else.
    """
    try:
        lines = path.read_text(encoding="ascii").split()
        keys = [bytes.fromhex(line) for line in lines if ":" not in line]
        named = dict(line.split(":", 1) for line in lines if ":" in line)
        others = {name: bytes.fromhex(named.pop(name)) for name in ("hash", "next") if name in named}
        sealing = [*keys, others.get("next", keys[-1] if keys else b"")]
        if named or any(len(key) != KEY_BYTES for key in sealing):
            raise SettingsError("a key is 32 bytes; make one with: openssl rand -hex 32")
    except OSError as exc:
        raise _unusable(path, exc) from exc
    except ValueError as exc:
        raise SettingsError(
            f"key file {path} is not usable: {exc}; it holds one 64-digit hex key a line"
        ) from exc
    hash_key = others.get("hash") or hash_key_of(keys[-1])
    return KeyFile(keys=tuple(keys), hash_key=hash_key, prepared=others.get("next"))


def create_key_file(path: Path) -> None:
    """Make a key file with one key, readable by its owner alone; one that exists stays as it is.

    Raises:
        SettingsError: It cannot be made.
    """
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(fresh_key().hex() + "\n")
    except OSError as exc:
        raise _unusable(path, exc) from exc


def write_key_file(path: Path, content: KeyFile) -> None:
    """Put another key file in the place of ``path``, whole or not at all, readable by its owner alone.

    Raises:
        SettingsError: It cannot be written; the old one is as it was.
    """
    place = path.resolve()
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        owner = place.stat()
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write("\n".join(_lines(content)) + "\n")
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


def _lines(content: KeyFile) -> list[str]:
    lines = [key.hex() for key in content.keys]
    if content.prepared is not None:
        lines.append(_NEXT + content.prepared.hex())
    if content.hash_key != hash_key_of(content.keys[-1]):
        lines.append(_HASH + content.hash_key.hex())
    return lines


def _unusable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"key file {path} is not usable: {error.strerror}; set LIVEFEED_KEY_FILE to another place"
    )

"""Rotation: another key goes to the key file, running halves take it over, old ones go when nothing hangs."""

import asyncio
import contextlib
import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from livefeed.app.running import is_key_of as is_key_of_app
from livefeed.app.safes.places import PLACES as APP_PLACES
from livefeed.cli.halves import EITHER, read, rooms_of, writable
from livefeed.errors import SettingsError, StoreInUse
from livefeed.failpoints import failpoint
from livefeed.portal.apps.resealing import PLACES as PORTAL_PLACES
from livefeed.portal.portals import ROOMS as PORTAL_ROOMS
from livefeed.portal.portals import is_key_of as is_key_of_portal
from livefeed.sealing.places import Place, hanging, reseal
from livefeed.secrets import (
    KeyRing,
    SealingKey,
    fresh_key,
    hash_key_of,
    read_keys,
    read_or_create_key_file,
    write_keys,
)
from livefeed.settings import DatabaseUrl

SETTLED_S: Final = 60.0
"""A key file that is younger may not be known to every process yet."""

_LOOK_S: Final = 0.1

Told = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a key file.

    Attributes:
        id: Eight hex digits, with which whatever it sealed begins.
        is_newest: Whether it seals.
        hangs: Where something is still sealed with it, and how much.
    """

    id: str
    is_newest: bool
    hangs: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation did.

    Attributes:
        key: The id of the newest key.
        is_made: False if an earlier rotation was ended, which had made it.
        waits: What hangs on older keys until its retention is over, by place.
    """

    key: str
    is_made: bool
    waits: Mapping[str, int]


def keys_of(database: DatabaseUrl, path: Path) -> list[Key]:
    """The keys of a key file, newest first, with what hangs on each in a database.

    Raises:
        SettingsError: The file or the database cannot be used, or they do not belong together.
        StoreError: The database cannot be read.
    """
    _belonging(database, path)
    ids = [SealingKey(key).id for key in read_keys(path)[0]]
    places = _places(database)
    counts = read(database, EITHER, lambda tx: hanging(tx, places, ids))
    return [Key(id=one.hex(), is_newest=one == ids[0], hangs=counts[one]) for one in ids]


def rotate(database: DatabaseUrl, path: Path, *, patience_s: float, told: Told) -> Rotation:
    """Add a key, and have everything sealed anew: by the running half, or here if none runs.

    Raises:
        SettingsError: The file or the database cannot be used, they do not belong together, or a running half
            does not take the key over.
        StoreError: The database cannot be read or written now; come again, nothing is lost.
    """
    _belonging(database, path)
    places = [place for place in _places(database) if place.reseal is not None]
    with _alone(path):
        is_made = not _left(database, path, places)
        if is_made:
            keys, hash_key = read_keys(path)
            write_keys(path, [fresh_key(), *keys], hash_key)
            failpoint("keys.file.written")
    ring = read_or_create_key_file(path)
    try:
        asyncio.run(_seal_anew(database, ring, places, told))
    except StoreInUse:
        _wait_for_others(database, path, places, patience_s, told)
    older = keys_of(database, path)[1:]
    return Rotation(key=ring.ids[0].hex(), is_made=is_made, waits=_hanging(older))


def retire(databases: Sequence[DatabaseUrl], path: Path) -> tuple[list[Key], list[Key]]:
    """Take the older keys on which nothing hangs out of the key file; returns what went and what stays.

    Raises:
        SettingsError: The file or a database cannot be used, or the newest key is too young.
        StoreError: A database cannot be read.
    """
    with _alone(path):
        keys, hash_key = read_keys(path)
        age_s = time.time() - path.stat().st_mtime
        if len(keys) > 1 and age_s < SETTLED_S:
            raise SettingsError(
                f"the key file was changed {age_s:.0f} s ago; a process may still seal with an older one; "
                f"come again in {SETTLED_S - age_s:.0f} s"
            )
        found = [keys_of(database, path)[1:] for database in databases]
        older = [replace(same[0], hangs=_hanging(same)) for same in zip(*found, strict=True)]
        needed = {key.id for key in older if key.hangs}
        kept = [key for key in keys if key is keys[0] or SealingKey(key).id.hex() in needed]
        if len(kept) < len(keys):
            write_keys(path, kept, hash_key or hash_key_of(keys[-1]))
        return [one for one in older if not one.hangs], [one for one in older if one.hangs]


def _hanging(keys: Iterable[Key]) -> dict[str, int]:
    """What hangs on all of them together."""
    total: Counter[str] = Counter()
    for key in keys:
        total.update(key.hangs)
    return dict(total)


def _belonging(database: DatabaseUrl, path: Path) -> None:
    """Refuse the key file of another database: on none of its keys would anything seem to hang."""
    ring = read_or_create_key_file(path)
    is_key_of = is_key_of_portal if rooms_of(database) is PORTAL_ROOMS else is_key_of_app
    if not read(database, EITHER, lambda tx: is_key_of(tx, ring)):
        raise SettingsError(f"the key check of {database} is damaged; restore the last backup")


def _places(database: DatabaseUrl) -> Sequence[Place]:
    return PORTAL_PLACES if rooms_of(database) is PORTAL_ROOMS else APP_PLACES


def _left(database: DatabaseUrl, path: Path, places: Sequence[Place]) -> int:
    """How many values are to be sealed anew."""
    older = [SealingKey(key).id for key in read_keys(path)[0]][1:]
    if not older:
        return 0
    counts = read(database, EITHER, lambda tx: hanging(tx, places, older))
    return sum(sum(one.values()) for one in counts.values())


async def _seal_anew(database: DatabaseUrl, ring: KeyRing, places: Sequence[Place], told: Told) -> None:
    with writable(database) as store:
        try:
            await reseal(store, ring, places, told)
        finally:
            await store.close()


def _wait_for_others(
    database: DatabaseUrl, path: Path, places: Sequence[Place], patience_s: float, told: Told
) -> None:
    """Look on while the process that has the database does the work."""
    until_s, before = time.monotonic() + patience_s, 0
    while left := _left(database, path, places):
        if before > left:
            told("values", before - left)
        before = left
        if time.monotonic() > until_s:
            raise SettingsError(
                f"{left} values are still sealed with an older key: the process that runs on {database} does "
                f"not take the key over; is {path} its key file?"
            )
        time.sleep(_LOOK_S)


@contextlib.contextmanager
def _alone(path: Path) -> Generator[None]:
    """One command at a time changes a key file; the lock ends with its process."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)

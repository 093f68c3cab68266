"""Rotation: another key goes to the key file, running halves take it over, old ones go when nothing hangs."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from livefeed.cli.halves import EITHER, read, writable
from livefeed.cli.keys.holding import Key, alone, check_belonging, keys_of, places_of
from livefeed.durable.store import Tx
from livefeed.durable.watch.processes import ALIVE_MS, list_processes
from livefeed.errors import SettingsError, StoreInUse
from livefeed.failpoints import failpoint
from livefeed.sealing.places import KEY_CHECK, Place, hanging, reseal
from livefeed.secrets import (
    KeyFile,
    KeyRing,
    SealingKey,
    fresh_key,
    read_key_file,
    read_or_create_key_file,
    write_key_file,
)
from livefeed.settings import DatabaseUrl

SETTLED_S: Final = 60.0
"""A key file that is younger may not be known to every process yet."""

_LOOK_S: Final = 0.1

Told = Callable[[str, int], None]


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


def prepare(database: DatabaseUrl, path: Path) -> str:
    """Add a key that opens, and with which the next rotation will seal; its id.

    Raises:
        SettingsError: The file or the database cannot be used, or they do not belong together.
        StoreError: The database cannot be read.
    """
    check_belonging(database, path)
    with alone(path):
        file = _prepared(path, read_key_file(path))
    return SealingKey(_next(file)).id.hex()


def rotate(
    database: DatabaseUrl, path: Path, *, patience_s: float, told: Told, is_one_file: bool = False
) -> Rotation:
    """Seal everything anew with another key: by the running half, or here if none runs.

    Args:
        database: Of either half.
        path: Its key file.
        patience_s: How long to wait for a running half.
        told: Hears what was sealed anew, and how much.
        is_one_file: Whether all machines read this very file, so that none has to be prepared.

    Raises:
        SettingsError: The file or the database cannot be used, they do not belong together, another machine
            was not prepared, or a running half does not take the key over.
        StoreError: The database cannot be read or written now; come again, nothing is lost.
    """
    check_belonging(database, path)
    places = [place for place in places_of(database) if place.reseal is not None]
    with alone(path):
        is_made = _seals_with_another(database, path, places, is_one_file=is_one_file)
        ring = read_or_create_key_file(path)
        try:
            asyncio.run(_seal_anew(database, ring, places, told))
        except StoreInUse:
            _wait_for_others(database, path, places, patience_s, told)
    older = [key for key in keys_of(database, path) if not key.is_newest]
    return Rotation(key=ring.ids[0].hex(), is_made=is_made, waits=_hanging(older))


def retire(databases: Sequence[DatabaseUrl], path: Path) -> tuple[list[Key], list[Key]]:
    """Take the older keys on which nothing hangs out of the key file; returns what went and what stays.

    Raises:
        SettingsError: The file or a database cannot be used, or the newest key is too young.
        StoreError: A database cannot be read.
    """
    with alone(path):
        file = read_key_file(path)
        newest, *others = file.keys
        age_s = time.time() - path.stat().st_mtime
        if others and age_s < SETTLED_S:
            raise SettingsError(
                f"the key file was changed {age_s:.0f} s ago; a process may still seal with an older one; "
                f"come again in {SETTLED_S - age_s:.0f} s"
            )
        found = [key for one in databases for key in keys_of(one, path)]
        ids = [SealingKey(key).id.hex() for key in others]
        hangs = {one: _hanging(key for key in found if key.id == one) for one in ids}
        older = [Key(id=one, is_newest=False, is_prepared=False, hangs=hangs[one]) for one in ids]
        needed = {key.id for key in older if key.hangs}
        kept = (newest, *(key for key in others if SealingKey(key).id.hex() in needed))
        if len(kept) < len(file.keys):
            write_key_file(path, replace(file, keys=kept))
        return [one for one in older if not one.hangs], [one for one in older if one.hangs]


def _seals_with_another(
    database: DatabaseUrl, path: Path, places: Sequence[Place], *, is_one_file: bool
) -> bool:
    """Make a prepared key the newest of the file; False: an earlier rotation did, and was not ended."""
    file = read_key_file(path)
    if file.prepared is None:
        if _left(database, path, places):
            return False
        if not is_one_file:
            _refuse_unprepared(database, path)
        file = _prepared(path, file)
    asyncio.run(_claim(database, file))
    write_key_file(path, replace(file, keys=(_next(file), *file.keys), prepared=None))
    failpoint("keys.file.written")
    return True


def _prepared(path: Path, file: KeyFile) -> KeyFile:
    if file.prepared is None:
        file = replace(file, prepared=fresh_key())
        write_key_file(path, file)
        failpoint("keys.prepared")
    return file


def _next(file: KeyFile) -> bytes:
    assert file.prepared is not None, "it was prepared just now"
    return file.prepared


def _refuse_unprepared(database: DatabaseUrl, path: Path) -> None:
    """Whoever lacks the new key could open nothing until he has it."""

    def hosts(tx: Tx) -> set[str]:
        return {one.host for one in list_processes(tx) if one.seen_at > tx.now_ms - ALIVE_MS}

    others = set[str]() if database.is_file else read(database, EITHER, hosts) - {socket.gethostname()}
    if others:
        raise SettingsError(
            f"processes run on {', '.join(sorted(others))} too and would open nothing; first run livefeed "
            f"keys rotate --prepare and copy {path} there, or add --one-file if they read this very file"
        )


async def _claim(database: DatabaseUrl, file: KeyFile) -> None:
    """Seal the key check of a shared database: of two machines that rotate at once, one finds it taken.

    Raises:
        SettingsError: Another machine has rotated with a key that is not in this file.
    """
    if database.is_file:
        return
    ring = KeyRing((_next(file), *file.keys), hash_key=file.hash_key)
    [word] = [place.reseal for place in places_of(database) if place.name == KEY_CHECK]
    assert word is not None

    def unit(tx: Tx) -> None:
        tx.serialize(KEY_CHECK)
        word(tx, ring)

    with writable(database) as store:
        try:
            await store.write(unit)
        finally:
            await store.close()
    failpoint("keys.claimed")


def _hanging(keys: Iterable[Key]) -> dict[str, int]:
    """What hangs on all of them together."""
    total: Counter[str] = Counter()
    for key in keys:
        total.update(key.hangs)
    return dict(total)


def _left(database: DatabaseUrl, path: Path, places: Sequence[Place]) -> int:
    """How many values are to be sealed anew."""
    older = [SealingKey(key).id for key in read_key_file(path).keys[1:]]
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

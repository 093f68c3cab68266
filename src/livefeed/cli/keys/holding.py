"""The keys of a key file beside the database that is sealed with them."""

import contextlib
import fcntl
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from livefeed.app.running import is_key_of as is_key_of_app
from livefeed.app.safes.places import PLACES as APP_PLACES
from livefeed.cli.halves import EITHER, read, rooms_of
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.portal.apps.resealing import PLACES as PORTAL_PLACES
from livefeed.portal.portals import is_key_of as is_key_of_portal
from livefeed.rooms import PORTAL
from livefeed.sealing.places import Place, check_ring, hanging
from livefeed.secrets import KeyRing, SealingKey, read_key_file, read_or_create_key_file
from livefeed.settings import DatabaseUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a key file.

    Attributes:
        id: Eight hex digits, with which whatever it sealed begins.
        is_newest: Whether it seals.
        is_prepared: Whether the next rotation will seal with it.
        hangs: Where something is still sealed with it, and how much.
    """

    id: str
    is_newest: bool
    is_prepared: bool
    hangs: Mapping[str, int]


def keys_of(database: DatabaseUrl, path: Path) -> list[Key]:
    """The keys of a key file, newest first and a prepared one last, with what hangs on each in a database.

    Raises:
        SettingsError: The file or the database cannot be used, or they do not belong together.
        StoreError: The database cannot be read.
    """
    check_belonging(database, path)
    file = read_key_file(path)
    keys = [*file.keys, *([] if file.prepared is None else [file.prepared])]
    ids = [SealingKey(key).id for key in keys]
    places = places_of(database)
    counts = read(database, EITHER, lambda tx: hanging(tx, places, ids))
    return [
        Key(id=one.hex(), is_newest=place == 0, is_prepared=place == len(file.keys), hangs=counts[one])
        for place, one in enumerate(ids)
    ]


def opens(tx: Tx, ring: KeyRing, *, is_portal: bool) -> bool:
    """Whether everything that a database keeps can be opened; False: it is damaged.

    Raises:
        SettingsError: A key is missing; the message says which one.
    """
    check_ring(tx, PORTAL_PLACES if is_portal else APP_PLACES, ring)
    return is_key_of_portal(tx, ring) if is_portal else is_key_of_app(tx, ring)


def check_belonging(database: DatabaseUrl, path: Path) -> None:
    """Refuse the key file of another database: on none of its keys would anything seem to hang."""
    ring = read_or_create_key_file(path)
    is_portal = rooms_of(database) is PORTAL
    if not read(database, EITHER, lambda tx: opens(tx, ring, is_portal=is_portal)):
        raise SettingsError(f"the key check of {database} is damaged; restore the last backup")


def places_of(database: DatabaseUrl) -> Sequence[Place]:
    """Where the database keeps sealed values."""
    return PORTAL_PLACES if rooms_of(database) is PORTAL else APP_PLACES


@contextlib.contextmanager
def alone(path: Path) -> Generator[None]:
    """One command at a time changes a key file; the lock ends with its process."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)

"""Opening a database of either half: which rooms' tables it holds is found by trying."""

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeVar

from livefeed.cli.databases import FOUNDING, require
from livefeed.clock import SystemClock
from livefeed.durable.store import Reader, Store, Tx, open_readonly, open_store
from livefeed.errors import StoreError, StoreTooNew
from livefeed.rooms import APP, NOTIFIER, PORTAL
from livefeed.settings import DatabaseUrl

T = TypeVar("T")

APPLICATION: Final = (NOTIFIER, APP)
EITHER: Final = (*APPLICATION, PORTAL)
HINT: Final = "start that half once, or name another --db"


def read(database: DatabaseUrl, halves: Sequence[Sequence[str]], query: Callable[[Tx], T]) -> T:
    """Run one query on a database opened read-only.

    Raises:
        SettingsError: There is no such database.
        StoreError: It was written by a newer version, or is no database of these halves.
    """
    _, reader = _opened(database, halves)
    with contextlib.closing(reader):
        return reader.read(query)


def rooms_of(database: DatabaseUrl) -> Sequence[str]:
    """The rooms whose tables a database has.

    Raises:
        SettingsError: There is no such database.
        StoreError: It was written by another version, or is no database of livefeed.
    """
    rooms, reader = _opened(database, EITHER)
    reader.close()
    return rooms


@contextlib.contextmanager
def writable(database: DatabaseUrl) -> Generator[Store]:
    """The database of a half that is not running, opened for writing; close the store inside."""
    yield open_store(database, rooms_of(database), SystemClock(), create=False)


def _opened(database: DatabaseUrl, halves: Sequence[Sequence[str]]) -> tuple[Sequence[str], Reader]:
    require(database, hint=FOUNDING if all(rooms is PORTAL for rooms in halves) else HINT)
    refusals: list[StoreError] = []
    for rooms in halves:
        try:
            return rooms, open_readonly(database, rooms)
        except StoreError as exc:
            refusals.append(exc)
    raise next((one for one in refusals if isinstance(one, StoreTooNew)), refusals[0])

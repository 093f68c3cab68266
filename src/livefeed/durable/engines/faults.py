"""The one edge at which errors of sqlite3 become errors of the store."""

import sqlite3
from typing import Final

from livefeed.errors import StoreBusy, StoreConflict, StoreError, StoreUnavailable

_WAITS: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_BROKEN: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    }
)


def translated(error: BaseException) -> BaseException:
    """The store's error for one of the driver; any other comes back as it is."""
    if not isinstance(error, sqlite3.Error | sqlite3.Warning):
        return error
    made = _store_error(error)
    made.__cause__ = error
    return made


def _store_error(error: Exception) -> StoreError:
    # The low byte is the class of the error, the rest says more about it.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _WAITS:
        return StoreBusy(f"the database stayed locked: {error}; try again later")
    if code in _BROKEN:
        return StoreUnavailable(f"the database cannot be used: {error}; check the disk")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return StoreConflict(str(error))
    return StoreError(f"{type(error).__name__}: {error}")

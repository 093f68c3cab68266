"""The one edge at which errors of sqlite3 become errors of the store."""

import sqlite3
from typing import Final

from livefeed.errors import StoreBusy, StoreConflict, StoreError, StoreUnavailable

_WAITS: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_RESTORE: Final = "restore a backup, see docs/operations.md"
_BROKEN: Final = {
    sqlite3.SQLITE_FULL: "make room, it goes on by itself",
    sqlite3.SQLITE_IOERR: "check the disk",
    sqlite3.SQLITE_CORRUPT: _RESTORE,
    sqlite3.SQLITE_NOTADB: _RESTORE,
    sqlite3.SQLITE_CANTOPEN: "check the file and its folder",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
    sqlite3.SQLITE_NOMEM: "the machine is out of memory",
    sqlite3.SQLITE_PROTOCOL: "try again later",
    sqlite3.SQLITE_PERM: "make the file and its folder writable",
    sqlite3.SQLITE_AUTH: "make the file and its folder writable",
}


def translated(error: BaseException) -> BaseException:
    """The store's error for one of the driver; any other comes back as it is."""
    if not isinstance(error, sqlite3.Error | sqlite3.Warning):
        return error
    made = _store_error(error)
    made.__cause__ = error
    return made


def unavailable(cause: sqlite3.Error) -> StoreUnavailable:
    """The error of a commit that failed, whatever the reason."""
    advice = _advice(cause)
    error = StoreUnavailable(f"the commit failed, nothing is stored: {cause}{advice and f'; {advice}'}")
    error.__cause__ = cause
    return error


def _store_error(error: Exception) -> StoreError:
    code = _code(error)
    if code in _WAITS:
        return StoreBusy(f"the database stayed locked: {error}; try again later")
    if code in _BROKEN:
        return StoreUnavailable(f"the database cannot be used: {error}; {_advice(error)}")
    if code == sqlite3.SQLITE_INTERRUPT:
        return StoreBusy("the query took too long and was ended; ask for less")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return StoreConflict(str(error))
    return StoreError(f"{type(error).__name__}: {error}")


def _advice(error: Exception) -> str:
    """What to do; empty if the error says so itself."""
    # An error that undid the whole commit was raised for the one that the engine met.
    return _BROKEN.get(_code(error)) or _BROKEN.get(_code(error.__cause__), "")


def _code(error: BaseException | None) -> int:
    """The low byte is the class of the error, the rest says more about it."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

"""The one edge at which errors of psycopg become errors of the store."""

from typing import Final

import psycopg
from psycopg import errors

from livefeed.errors import StoreBusy, StoreConflict, StoreError, StoreUnavailable

_AGAIN: Final = (errors.DeadlockDetected, errors.SerializationFailure)
_WAITS: Final = (*_AGAIN, errors.LockNotAvailable, errors.QueryCanceled)
# By class of SQLSTATE: connection, resources, shutdown, system, damaged data; 25006: no primary any more;
# 25P03, 25P04: the server has ended a transaction that was idle, or took too long.
_BROKEN: Final = ("08", "53", "57P", "58", "XX", "25006", "25P03", "25P04", "28", "3D000")


def is_to_repeat(error: BaseException) -> bool:
    """Whether another unit was in the way, and the same unit may succeed now."""
    return isinstance(error, _AGAIN)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is of no use any more."""
    state = getattr(error, "sqlstate", None)
    if isinstance(error, psycopg.InterfaceError) or state == "25006" or _is_of_older_schema(error):
        return True
    is_of_server = isinstance(error, psycopg.OperationalError | psycopg.InternalError)
    return is_of_server and (state is None or state.startswith(("08", "57P", "25P03", "25P04")))


def _is_of_older_schema(error: BaseException) -> bool:
    """Whether what the connection has prepared no longer fits: a newer version has migrated meanwhile."""
    if not isinstance(error, errors.FeatureNotSupported):
        return False
    return error.diag.source_function == "RevalidateCachedQuery"


def translated(error: BaseException) -> BaseException:
    """The store's error for one of the driver; any other comes back as it is."""
    if not isinstance(error, psycopg.Error):
        return error
    made = _store_error(error)
    made.__cause__ = error
    return made


def _store_error(error: psycopg.Error) -> StoreError:
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, _WAITS):
        return StoreBusy(f"the database was too busy: {said}; try again later")
    if isinstance(error, errors.IntegrityError):
        return StoreConflict(said)
    if is_lost(error) or (error.sqlstate or "").startswith(_BROKEN):
        return StoreUnavailable(f"the database cannot be used: {said}")
    return StoreError(f"{type(error).__name__}: {said}")

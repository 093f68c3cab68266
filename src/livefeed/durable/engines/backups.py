"""Backups of an SQLite file: one snapshot of it, copied while others read and write, and checked."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from livefeed.durable.engines.faults import translated
from livefeed.errors import SettingsError, StoreUnavailable


def copy_file(path: Path, into: Path, *, compact: bool) -> int:
    """Copy a database of one moment, check the copy, and only then call it ``into``.

    Args:
        path: The database; a process may be writing it.
        into: A file that does not exist.
        compact: Whether pages that are free are left out.

    Returns:
        The size of the copy in bytes.

    Raises:
        SettingsError: ``into`` exists, or its folder does not.
        StoreUnavailable: The database cannot be read, or the copy cannot be written, or is not whole.
    """
    if into.exists():
        raise SettingsError(f"{into} exists; name a file that does not")
    if not into.parent.is_dir():
        raise SettingsError(f"there is no folder {into.parent}; make it first")
    part = into.with_name(f"{into.name}.part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
            _copy(conn, part, compact=compact)
        _check(part)
        _sync(part)
        part.rename(into)
        _sync(into.parent)
    except sqlite3.Error as exc:
        part.unlink(missing_ok=True)
        raise translated(exc) from exc
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise StoreUnavailable(f"{into} cannot be written: {exc.strerror}") from exc
    return into.stat().st_size


def _copy(conn: sqlite3.Connection, part: Path, *, compact: bool) -> None:
    if compact:
        conn.execute("VACUUM INTO ?", (str(part),))
        return
    with closing(sqlite3.connect(part)) as copy:
        conn.backup(copy)  # in one step: a copy in several would begin anew with each commit of the writer


def _check(part: Path) -> None:
    with closing(sqlite3.connect(f"{part.absolute().as_uri()}?immutable=1", uri=True)) as conn:
        (found,) = conn.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        part.unlink()
        raise StoreUnavailable(f"the copy is not whole, and so may be the database: {found}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

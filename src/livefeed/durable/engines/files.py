"""The files of an SQLite database: whether they are still those that were opened."""

import os
import sqlite3
from pathlib import Path
from typing import Final

_Identity = tuple[int, int]


class Files:
    """The database and its log. A file that was removed can still be written, and keeps nothing."""

    def __init__(self, path: Path) -> None:
        """Remember who the files are; the database is open, so both are there."""
        self._paths: Final = (os.fspath(path.absolute()), f"{path.absolute()}-wal")
        self._opened: Final = [_identity(one) for one in self._paths]

    def check(self) -> int:
        """Refuse to call anything stored that lies in a file which is not there any more.

        Returns:
            How large the log is, in bytes.

        Raises:
            sqlite3.OperationalError: The message says which file is missing.
        """
        size = 0
        for path, opened in zip(self._paths, self._opened, strict=True):
            found = _found(path)
            if found is None or (found.st_dev, found.st_ino) != opened:
                raise sqlite3.OperationalError(
                    f"{path} was removed or replaced while open; put it back, or start anew with a backup"
                )
            size = found.st_size
        return size


def _identity(path: str) -> _Identity | None:
    found = _found(path)
    return None if found is None else (found.st_dev, found.st_ino)


def _found(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - twice a commit
    except OSError:
        return None

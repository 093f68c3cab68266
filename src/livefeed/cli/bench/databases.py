"""Databases of benchmarks: each run gets a fresh one, and leaves nothing behind."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Generator
from typing import Final
from urllib.parse import urlsplit

from livefeed.settings import DatabaseUrl

_READ_BYTES: Final = 1 << 20
_count = itertools.count(1)


@contextlib.contextmanager
def fresh(url: str | None, name: str = "bench") -> Generator[str]:
    """The URL of an empty database for one run.

    Args:
        url: An SQLite file, or a database of a PostgreSQL server, beside which one is made for this run and
            removed at its end; None: a temporary file.
        name: A word in the name of the file or database, where a run needs two.

    Raises:
        SettingsError: The URL is not understood.
        StoreUnavailable: There is no such server.
    """
    if url is None:
        with tempfile.TemporaryDirectory(prefix="livefeed-bench-") as folder:
            yield f"sqlite:///{folder}/{name}.db"
        return
    beside = DatabaseUrl.parse(url)
    own = f"{name}_{os.getpid()}_{next(_count)}"
    with _on_server(beside, own) if beside.dsn else _file(beside, own) as made:
        yield made


def warm(url: str) -> None:
    """Read all of a file once that nobody has open, so that it lies in the machine's memory."""
    with DatabaseUrl.parse(url).path.open("rb", buffering=0) as file:
        while file.read(_READ_BYTES):
            pass


def forget(url: str) -> None:
    """Let the system take a file out of its memory that nobody has open."""
    with DatabaseUrl.parse(url).path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextlib.contextmanager
def _file(beside: DatabaseUrl, own: str) -> Generator[str]:
    path = beside.path.with_name(f"{beside.path.stem}_{own}{beside.path.suffix or '.db'}").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield f"sqlite:///{path}"
    finally:
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()


@contextlib.contextmanager
def _on_server(beside: DatabaseUrl, own: str) -> Generator[str]:
    """A database that is made when it is opened first."""
    from livefeed.durable.engines.postgresql.dropping import drop_database

    parts = urlsplit(beside.dsn)
    url = parts._replace(path=f"{parts.path}_{own}").geturl()
    drop_database(url)  # a server that is not there is told here, not by a process of the run
    try:
        yield url
    finally:
        drop_database(url)

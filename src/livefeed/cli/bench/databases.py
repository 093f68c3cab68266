"""Databases of benchmarks: each run gets a fresh one, and leaves nothing behind."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Generator

from livefeed.settings import DatabaseUrl

_count = itertools.count(1)


@contextlib.contextmanager
def fresh(url: str | None, name: str = "bench") -> Generator[str]:
    """The URL of an empty database for one run.

    Args:
        url: An SQLite file, beside which one is made for this run, or a PostgreSQL server's database, beside
            which a database is made and dropped; None: a temporary file.
        name: A word in the name of the file or database, where a run needs two.

    Raises:
        SettingsError: The URL is not understood.
    """
    if url is None:
        with tempfile.TemporaryDirectory(prefix="livefeed-bench-") as folder:
            yield f"sqlite:///{folder}/{name}.db"
        return
    beside = DatabaseUrl.parse(url).path
    beside.parent.mkdir(parents=True, exist_ok=True)
    path = beside.with_name(f"{beside.stem}-{name}-{os.getpid()}-{next(_count)}{beside.suffix or '.db'}")
    try:
        yield f"sqlite:///{path.absolute()}"
    finally:
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()

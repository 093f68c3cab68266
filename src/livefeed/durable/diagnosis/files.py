"""What can be wrong with an SQLite file."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from livefeed.durable.diagnosis.findings import Finding, ok, problem
from livefeed.durable.engines.unit import Tx

_MIB: Final = 1 << 20
_LEAST_FREE_BYTES: Final = 512 * _MIB
_ENDINGS: Final = ("", "-wal", "-shm")


def of_a_file(tx: Tx, path: Path) -> Iterator[Finding]:
    """Whether its pages are whole, and whether its disk has room."""
    yield _whole(tx)
    yield _room(path)


def _whole(tx: Tx) -> Finding:
    found = str(tx.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found == "ok":
        return ok("integrity", "its pages are whole")
    return problem(
        "integrity", f"the file is damaged: {found}", "restore the last backup; see docs/operations.md"
    )


def _room(path: Path) -> Finding:
    """Room for the log of writes, and for a backup beside it."""
    files = [Path(f"{path}{ending}") for ending in _ENDINGS]
    size = sum(file.stat().st_size for file in files if file.exists())
    free = shutil.disk_usage(path.absolute().parent).free
    said = f"{free // _MIB} MiB are free; the database has {-(-size // _MIB)} MiB"
    if free < max(_LEAST_FREE_BYTES, size // 10):
        return problem("disk", said, "make room, or give the database a disk of its own")
    return ok("disk", said)

"""What a store says when its file cannot be used, and that it goes on when it can be used again. SQLite."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from livefeed import telemetry
from livefeed.clock import ManualClock
from livefeed.durable.entries import Arrival, append_arrivals, list_entries
from livefeed.durable.store import Store, Tx, open_readonly, open_store
from livefeed.errors import StoreBusy, StoreUnavailable


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("file systems cannot be mounted here; tests/system fills the disk in another way")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
async def opened(tmp_path: Path, clock: ManualClock, anyio_backend: str) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/own.db", [], clock)
    yield store
    await store.close()


async def add(store: Store, size: int = 1000) -> int:
    return await store.write_row(append_arrivals, Arrival("m", "post:1", "K", b"x" * size, 0, "door", None))


async def stored(store: Store) -> set[int]:
    return {entry.seq for entry in await store.read(lambda tx: list_entries(tx, limit=10**6))}


@contextlib.contextmanager
def away(path: Path) -> Iterator[None]:
    path.rename(path.with_suffix(".away"))
    yield
    path.with_suffix(".away").rename(path)


async def test_a_full_disk_is_told_of_and_what_was_acked_stays(disk: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{disk}/own.db"
    store = open_store(url, [], clock)
    acked = {await add(store)}
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with pytest.raises(StoreUnavailable, match="full; make room"):  # noqa: PT012 - until it does
        while True:
            acked.add(await add(store, 50_000))
    assert acked <= await stored(store), "it can still be read"
    filler.unlink()
    acked.add(await add(store))
    await store.close()
    again = open_store(url, [], clock)
    assert acked == await stored(again)
    await again.close()


async def test_a_disk_that_is_full_at_the_start_is_one_error(disk: Path, clock: ManualClock) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{disk}/own.db", [], clock)


async def test_a_read_only_disk_is_one_error_for_who_writes_and_none_for_who_reads(
    disk: Path, clock: ManualClock
) -> None:
    url = f"sqlite:///{disk}/own.db"
    await open_store(url, [], clock).close()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(StoreUnavailable, match="Read-only"):
        open_store(url, [], clock)


@pytest.mark.parametrize("suffix", ["", "-wal"])
async def test_a_file_that_is_removed_acknowledges_nothing_until_it_is_back(
    opened: Store, tmp_path: Path, suffix: str
) -> None:
    acked = {await add(opened)}
    with away(tmp_path / f"own.db{suffix}"):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"removed or replaced.*put it back"):
                await add(opened)
        with pytest.raises(StoreUnavailable):
            await opened.probe()
    acked.add(await add(opened))
    assert acked == await stored(opened)


async def test_a_file_that_another_process_locks_is_told_of_and_waited_for(
    opened: Store, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "own.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await add(opened)
    other.execute("ROLLBACK")
    other.close()
    assert 1 == await add(opened)


async def test_a_corrupt_file_is_told_of_and_names_the_way_out(opened: Store, tmp_path: Path) -> None:
    await add(opened)
    await opened.close()
    path = tmp_path / "own.db"
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 60_000)
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{path}", [], ManualClock())
    with pytest.raises(StoreUnavailable):
        open_readonly(f"sqlite:///{path}")


async def test_a_query_that_takes_too_long_is_ended_so_that_the_log_can_start_anew(
    tmp_path: Path, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n"
    monkeypatch.setattr("livefeed.durable.engines.readers._LONGEST_QUERY_S", 0.05)
    with pytest.raises(StoreBusy, match="took too long"):
        await opened.read(lambda tx: tx.execute(endless).fetchone())


async def test_the_log_stays_bounded_under_load(opened: Store, tmp_path: Path) -> None:
    await grow(opened, megabytes=200)
    assert size_of_log(tmp_path) < 100


async def test_a_log_that_grew_beside_a_long_reader_is_cut_once_he_is_gone(
    opened: Store, tmp_path: Path
) -> None:
    reader = sqlite3.connect(tmp_path / "own.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entry").fetchone()
    await grow(opened, megabytes=100)
    assert size_of_log(tmp_path) > 90, "the reader needs it"
    reader.execute("ROLLBACK")
    reader.close()
    while size_of_log(tmp_path) > 70:
        await add(opened)


async def grow(store: Store, *, megabytes: int) -> None:
    written = 0
    while written < megabytes * 2**20:
        for _ in range(10):
            written += 200_000
            await add(store, 200_000)


def size_of_log(folder: Path) -> float:
    return (folder / "own.db-wal").stat().st_size / 2**20


async def test_what_is_rolled_back_is_not_counted(opened: Store) -> None:
    def fails(tx: Tx) -> None:
        append_arrivals(tx, [Arrival("m", "post:1", "K", b"", 0, "door", None)])
        raise KeyError

    before = telemetry.REGISTRY.get_sample_value("livefeed_entries_appended_total")
    with pytest.raises(KeyError):
        await opened.write(fails)
    await add(opened)
    assert before is not None
    assert before + 1 == telemetry.REGISTRY.get_sample_value("livefeed_entries_appended_total")

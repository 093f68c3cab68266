"""The power fails at every commit: what was acked is there, and the file is whole; recorded by a shim."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.durable.power.moments import Disk, Step, read
from tests.required import require_or_skip

from livefeed.clock import ManualClock
from livefeed.durable.arrivals import route_all
from livefeed.durable.entries import list_entries
from livefeed.durable.store import open_store

COMMITS = 90
FIND = "SELECT seq FROM entry"

# The database is made in one process and written in another, which is the one that is recorded.
PROGRAM = """
import asyncio, os, sys
from livefeed.clock import SystemClock
from livefeed.durable.consumers import register
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.store import open_store
from livefeed.durable.worker import Worker
from livefeed.durable.outcomes import Done

async def done(lease):
    return Done()

async def main(url, acks, commits):
    store = open_store(url, [], SystemClock())
    inbox = await store.write(lambda tx: register(tx, portal="m", name="inbox"))
    worker = Worker(store, done, clock=SystemClock())
    if commits:
        await worker.start()
    for count in range(commits):
        keys = [f"post:{count % 7}-{n}" for n in range(1 + count % 5)]
        rows = [Arrival("m", key, "K", b"x" * 500, 0, "door", inbox) for key in keys]
        seqs = await asyncio.gather(*(store.write_row(append_arrivals, row) for row in rows))
        os.write(acks, b"".join(b"%d\\n" % seq for seq in seqs))
        await asyncio.sleep(0.01)  # so that checkpoints come in between
    if commits:
        os._exit(0)  # the power fails here, too: nothing is closed
    await store.close()

url, acks, commits = sys.argv[1:]
asyncio.run(main(url, os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND), int(commits)))
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("shim") / "recorder.so"
    source = Path(__file__).with_name("power") / "recorder.c"
    gcc = require_or_skip("gcc")
    subprocess.run(
        [gcc, "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl", "-pthread"], check=True
    )
    return built


class Recording:
    """One run of the program, as a list of what it did to the disk."""

    def __init__(self, folder: Path, shim: Path, *, mutation: str = "") -> None:
        self.disk = folder / "disk"
        self.begun = folder / "begun"
        self.disk.mkdir()
        log = folder / "log"
        self.run(0)
        shutil.copytree(self.disk, self.begun)
        self.run(
            COMMITS,
            LD_PRELOAD=str(shim),
            POWER_FOLDER=str(self.disk),
            POWER_LOG=str(log),
            LIVEFEED_MUTATE=mutation,
        )
        self.steps = list(read(log))

    def run(self, commits: int, **more: str) -> None:
        arguments = [f"sqlite:///{self.disk}/power.db", str(self.disk / "acks"), str(commits)]
        subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], env={**os.environ, **more}, check=True, timeout=60
        )

    def moments(self) -> Iterator[tuple[int, Disk, set[int], Step]]:
        """After each step: its number, the disk, what was acknowledged by then, and the step."""
        disk = Disk(self.begun)
        disk.files = {
            path.replace(str(self.begun), str(self.disk)): file for path, file in disk.files.items()
        }
        acked: set[int] = set()
        for number, step in enumerate(self.steps):
            if step.path.endswith("/acks"):
                acked |= {int(line) for line in step.data.split()}
            else:
                disk.take(step)
            yield number, disk, acked, step


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, shim: Path) -> Recording:
    return Recording(tmp_path_factory.mktemp("recording"), shim)


def found_after_power_loss(disk: Disk, folder: Path, draw: random.Random, *, share: float) -> set[int]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    disk.lose_power(folder, draw, share=share)
    conn = sqlite3.connect(folder / "power.db")
    try:
        assert "ok" == conn.execute("PRAGMA integrity_check").fetchone()[0]
        return {row[0] for row in conn.execute(FIND)}
    finally:
        conn.close()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["all of it", "any half of it", "none of it"])
def test_whatever_was_not_synced_is_dropped_at_any_commit_and_nothing_acked_is_lost(
    recording: Recording, tmp_path: Path, share: float
):
    draw = random.Random(7)
    boundaries = 0
    for number, disk, acked, step in recording.moments():
        is_boundary = step.path.endswith("/acks") or step.op in "stu"
        if is_boundary or number % 40 == 0:
            boundaries += is_boundary
            found = found_after_power_loss(disk, tmp_path / "after", draw, share=share)
            assert set() == acked - found, f"after step {number}, {step.op} of {Path(step.path).name}"

    assert COMMITS < boundaries
    assert any(step.op == "s" and step.path.endswith("power.db") for step in recording.steps), (
        "no checkpoint was met"
    )


async def test_what_is_left_is_opened_and_each_entry_has_its_lane_or_was_dealt_with(
    recording: Recording, tmp_path: Path
):
    draw = random.Random(11)
    looked_at = 0
    for number, disk, acked, step in recording.moments():
        if step.op != "s" or number % 25 or not acked:
            continue
        looked_at += 1
        folder = tmp_path / str(number)
        found_after_power_loss(disk, folder, draw, share=0.5)
        store = open_store(f"sqlite:///{folder}/power.db", [], ManualClock())
        await store.write(route_all)
        stored = {entry.seq for entry in await store.read(lambda tx: list_entries(tx, limit=10**6))}
        assert acked <= stored
        pending = await store.read(
            lambda tx: [row[0] for row in tx.execute("SELECT seq FROM lane WHERE seq > 0")]
        )
        assert len(pending) == len(set(pending))
        assert set(pending) <= stored
        await store.close()
    assert looked_at


def test_a_commit_that_is_not_synced_is_seen_to_lose_what_was_acked(tmp_path: Path, shim: Path):
    careless = Recording(tmp_path, shim, mutation="commit-unsynced")
    lost: set[int] = set()
    draw = random.Random(3)
    for number, disk, acked, step in careless.moments():
        if step.path.endswith("/acks") and number % 5 == 0:
            lost |= acked - found_after_power_loss(disk, tmp_path / "after", draw, share=0.0)
    assert lost

"""A killed process loses nothing that it acknowledged; a rule that is broken on purpose is seen to be."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from livefeed.clock import ManualClock
from livefeed.durable.arrivals import route_all
from livefeed.durable.entries import list_entries
from livefeed.durable.store import open_store

ACKNOWLEDGE = """
import asyncio, sys
from livefeed.clock import SystemClock
from livefeed.durable.consumers import register
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.store import open_store

async def main():
    store = open_store(sys.argv[1], [], SystemClock())
    inbox = await store.write(lambda tx: register(tx, portal="m", name="inbox"))
    async def caller(number):
        for count in range(10**9):
            arrival = Arrival("m", f"post:{count % 7}", "K", b"x" * 600, 0, "door", inbox)
            print(await store.write_row(append_arrivals, arrival), flush=True)
    await asyncio.gather(*(caller(number) for number in range(16)))

asyncio.run(main())
"""

SETTLE = """
import asyncio, sys
from livefeed.clock import ManualClock
from livefeed.durable.consumers import register
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lost, lease_due, settle_many
from livefeed.durable.outcomes import Done
from livefeed.durable.store import open_store

async def main():
    clock = ManualClock()
    store = open_store(sys.argv[1], [], clock)
    handler = await store.write(lambda tx: register(tx, portal="m", name="h"))
    add = lambda tx: append(tx, portal="m", key="post:1", kind="K", body=b"", source="s", consumers=[handler])
    lease = lambda tx: lease_due(tx, limit=9, lease_s=10)
    await store.write(add)
    [first] = await store.write(lease)
    clock.advance(11)
    [second] = await store.write(lease)
    [stale] = await store.write(lambda tx: settle_many(tx, [(first, Done())]))
    print("stale settle", "refused" if isinstance(stale, Lost) else "taken")
    await store.write(add)
    held = await store.write(lease) or [second]
    await store.write(add)
    await store.write(lambda tx: settle_many(tx, [(held[0], Done())]))
    clock.advance(11)
    print("wake-up", "kept" if await store.write(lease) else "lost")
    await store.close()

asyncio.run(main())
"""


def run(script: str, url: str, mutation: str = "") -> list[str]:
    env = os.environ | {"LIVEFEED_MUTATE": mutation}
    done = subprocess.run(
        [sys.executable, "-c", script, url], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("after", [1, 300, 900])
async def test_what_was_acknowledged_survives_a_kill(url: str, after: int) -> None:
    acknowledged: set[int] = set()
    with subprocess.Popen(
        [sys.executable, "-c", ACKNOWLEDGE, url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.strip().isdigit():
                continue  # what the log says
            acknowledged.add(int(line))
            if len(acknowledged) == after:
                process.send_signal(signal.SIGKILL)
                break
        # What was still in the pipe was acknowledged too; the last line may be cut off.
        acknowledged.update(
            int(line) for line in process.stdout if line.strip().isdigit() and line.endswith("\n")
        )
    store = open_store(url, [], ManualClock())
    stored = {entry.seq for entry in await store.read(lambda tx: list_entries(tx, limit=10**6))}
    assert acknowledged <= stored
    await store.write(route_all)
    pending = await store.read(
        lambda tx: [row[0] for row in tx.execute("SELECT seq FROM lane WHERE seq > 0")]
    )
    assert sorted(pending) == sorted(stored), "each has its lane, once"
    await store.close()


def test_unbroken_a_stale_settle_is_refused_and_no_wake_up_is_lost(tmp_path: Path) -> None:
    assert run(SETTLE, f"sqlite:///{tmp_path}/a.db") == ["stale settle refused", "wake-up kept"]


def test_without_the_fence_a_stale_settle_is_taken(tmp_path: Path) -> None:
    assert run(SETTLE, f"sqlite:///{tmp_path}/a.db", "drop-fence")[0] == "stale settle taken"


def test_with_a_head_from_before_the_lock_a_wake_up_is_lost(tmp_path: Path) -> None:
    assert run(SETTLE, f"sqlite:///{tmp_path}/a.db", "settle-by-subselect")[1] == "wake-up lost"

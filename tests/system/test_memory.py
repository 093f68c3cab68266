"""What processes take of memory: little when they are idle, and no more because a million events wait.

`LIVEFEED_TEST_PENDING=1000000` makes it a million; without it there are fewer, to save time.
"""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.system.world import Process, closing_all, free_port, livefeed, rest, rows
from tools.soaking.house import HERE, MEMBER_ID, TOKEN

from livefeed.clock import SystemClock
from livefeed.durable.consumers import list_consumers
from livefeed.durable.entries import append, list_entries
from livefeed.durable.store import Tx, open_store
from livefeed.portal.server import ROOMS

pytestmark = pytest.mark.system

PENDING = int(os.environ.get("LIVEFEED_TEST_PENDING", "60000"))
IDLE_MB = 90
MOST_MB = 250
POSTS = 10_000


def used_mb(process: Process, name: str) -> float:
    """``VmRSS``: now; ``VmHWM``: at most since the start."""
    lines = Path(f"/proc/{process.popen.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def application(folder: Path, **env: str) -> tuple[Process, str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = ["app", "serve", "tools.soaking.event_app:app", "--port", url.rsplit(":", 1)[1]]
    settings = {
        "SOAK_RECEIVED": str(folder / "received.jsonl"),
        "LIVEFEED_MEMBER_ID": MEMBER_ID,
        "LIVEFEED_APPLICATION_TOKEN": TOKEN,
        "LIVEFEED_DB": f"sqlite:///{folder / 'app.db'}",
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]),
        **env,
    }
    process = Process(folder / "log", *command, env=settings)
    process.wait_ready(url)
    return process, url


def portal(folder: Path) -> tuple[Process, str, dict[str, str]]:
    url = f"http://127.0.0.1:{free_port()}"
    env = {"LIVEFEED_DB": f"sqlite:///{folder / 'portal.db'}", "LIVEFEED_KEY_FILE": str(folder / "key")}
    founded = json.loads(livefeed("portal", "init", "--public-url", url, "--json", env=env).stdout)
    command = ["portal", "serve", "--port", url.rsplit(":", 1)[1], "--allow-private"]
    process = Process(folder / "log", *command, env=env)
    process.wait_ready(url)
    return process, founded["admin_webhook_url"], env


def test_an_idle_application_takes_less_than_90_mb(tmp_path: Path):
    process, _ = application(tmp_path)
    with closing_all(process):
        assert used_mb(process, "VmRSS") < IDLE_MB


def test_an_idle_notifier_takes_less_than_90_mb(tmp_path: Path):
    url = f"http://127.0.0.1:{free_port()}"
    env = {
        "LIVEFEED_DB": f"sqlite:///{tmp_path / 'notifier.db'}",
        "LIVEFEED_PORTAL_URL": "http://127.0.0.1:1",
    }
    process = Process(tmp_path / "log", "notifier", "serve", "--port", url.rsplit(":", 1)[1], env=env)
    with closing_all(process):
        process.wait_ready(url)
        assert used_mb(process, "VmRSS") < IDLE_MB


def test_an_idle_portal_takes_less_than_90_mb(tmp_path: Path):
    process, _, _ = portal(tmp_path)
    with closing_all(process):
        assert used_mb(process, "VmRSS") < IDLE_MB


def test_events_that_wait_are_not_held_in_the_memory_of_the_application(tmp_path: Path):
    process, url = application(tmp_path, SOAK_HOLDS="1")
    with closing_all(process):
        command = [
            sys.executable,
            str(HERE / "event_load.py"),
            url.rsplit(":", 1)[1],
            str(tmp_path / "acked.jsonl"),
        ]
        flags = ["--most", str(PENDING), "--rate", "100000", "--posts", str(POSTS), "--connections", "64"]
        subprocess.run([*command, MEMBER_ID, TOKEN, *flags], check=True, stdout=subprocess.DEVNULL)
        for page in ("/metrics", "/readyz"):
            urllib.request.urlopen(f"{url}{page}", timeout=30).close()
        found = rows("lanes", "--db", f"sqlite:///{tmp_path / 'app.db'}")

        assert found, "they do wait"
        print(f"{PENDING} wait, the application took at most {used_mb(process, 'VmHWM'):.0f} MB")
        assert used_mb(process, "VmHWM") < MOST_MB
        process.kill()
        process.start()
        process.wait_ready(url)
        assert used_mb(process, "VmHWM") < MOST_MB, "nor are they at the start"


def test_deliveries_that_wait_are_not_held_in_the_memory_of_the_portal(tmp_path: Path):
    process, webhook, env = portal(tmp_path)
    with closing_all(process):
        dead = f"http://127.0.0.1:{free_port()}/events"
        livefeed(
            *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", dead),
            *("--event", "OnLiveFeedPostUpdate"),
            env=env,
        )
        post = rest(webhook, "log.blogpost.add", POST_MESSAGE="before", DEST=["UA"])
        rest(webhook, "log.blogpost.update", POST_ID=post, POST_MESSAGE="after")
        process.stop()
        asyncio.run(fill(env["LIVEFEED_DB"]))
        process.start()
        process.wait_ready(webhook.split("/rest/")[0])
        for number in range(50):
            rest(webhook, "log.blogpost.update", POST_ID=post, POST_MESSAGE=f"after {number}")
        urllib.request.urlopen(f"{webhook.split('/rest/')[0]}/metrics", timeout=30).close()

        print(f"{PENDING} wait, the portal took at most {used_mb(process, 'VmHWM'):.0f} MB")
        assert used_mb(process, "VmHWM") < MOST_MB


async def fill(url: str) -> None:
    """As many entries as are to wait, each a copy of the one that the edit made."""
    store = open_store(url, ROOMS, SystemClock())
    [model] = [
        one for one in await store.read(lambda tx: list_entries(tx, limit=10)) if "UPDATE" in one.kind.upper()
    ]
    [consumer] = [one.id for one in await store.read(list_consumers) if one.state == "active"]

    def slice_of(start: int):
        def unit(tx: Tx) -> None:
            for number in range(start, min(start + 500, PENDING)):
                append(
                    tx,
                    portal=model.portal,
                    key=f"post:{number % POSTS}",
                    kind=model.kind,
                    body=model.body,
                    source="rest",
                    consumers=[consumer],
                )

        return unit

    for start in range(0, PENDING, 500):
        await store.write(slice_of(start))
    await store.close()

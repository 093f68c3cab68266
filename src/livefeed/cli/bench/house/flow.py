"""`bench flow`: from the answer of an edit to the start of the application's handler, over real processes."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import msgspec

from livefeed.cli.bench import databases
from livefeed.cli.bench.house.calls import call, edit_each
from livefeed.cli.bench.house.processes import BenchFailed, command, free_port
from livefeed.cli.bench.house.receiver import RECORD
from livefeed.cli.bench.result import Result, engine_of, percentile, usage
from livefeed.cli.demo.processes import Child
from livefeed.net.http import HttpClient

EDITS_PER_S = 200
SCOPES = "log,user,im"
_STARTS = "starts"


class Added(msgspec.Struct, frozen=True):
    """What a batch of additions answers."""

    result: dict[str, int]


@contextlib.contextmanager
def house(portal_db: str, app_db: str, folder: Path) -> Generator[str]:
    """A portal and an application whose handler notes in ``folder`` when it starts; yields a webhook URL."""
    key = ["--key-file", str(folder / "portal.key")]
    portal_url, app_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    webhook = command(
        "portal", "init", "--seed", "empty", "--db", portal_db, "--public-url", portal_url, *key
    )
    children: list[Child] = []
    try:
        port = portal_url.rsplit(":", 1)[1]
        arguments = ["portal", "serve", "--db", portal_db, "--port", port, "--allow-private", *key]
        children.append(Child("portal", arguments, {}))
        children[0].wait_ready(portal_url)
        app = [
            "portal",
            "app",
            "add",
            "--name",
            "bench",
            "--install-url",
            f"{app_url}/install",
            "--scope",
            SCOPES,
        ]
        secrets = command(*app, "--db", portal_db, *key)
        environ = {
            "LIVEFEED_PORTAL_URL": portal_url,
            "LIVEFEED_CLIENT_ID": str(secrets["client_id"]),
            "LIVEFEED_CLIENT_SECRET": str(secrets["client_secret"]),
            "LIVEFEED_RATE_LIMIT": "off",
            "LIVEFEED_BENCH_STARTS": str(folder / _STARTS),
            "LIVEFEED_KEY_FILE": str(folder / "app.key"),
        }
        port = app_url.rsplit(":", 1)[1]
        arguments = ["app", "serve", "livefeed.cli.bench.house.flow_app:app", "--db", app_db, "--port", port]
        children.append(Child("application", arguments, environ))
        children[1].wait_ready(app_url)
        yield str(webhook["admin_webhook_url"])
    finally:
        for child in reversed(children):
            child.stop()


async def add_posts(client: HttpClient, webhook: str, count: int) -> list[int]:
    """Add ``count`` posts, fifty a batch."""
    posts: list[int] = []
    while len(posts) < count:
        size = min(50, count - len(posts))
        cmd = {f"p{n}": f"log.blogpost.add?POST_TITLE=Bench&POST_MESSAGE=before+{n}" for n in range(size)}
        result = await call(client, webhook, "batch", {"halt": 1, "cmd": cmd})
        posts += msgspec.convert(result, Added).result.values()
    return posts


def read_starts(path: Path) -> dict[int, int]:
    """When the handler first started for each post (ns)."""
    found: dict[int, int] = {}
    if path.exists():
        for post, at_ns in RECORD.iter_unpack(path.read_bytes()):
            found.setdefault(post, at_ns)
    return found


async def bench_flow(seconds: float, *, url: str | None = None) -> Result:
    """Edit `EDITS_PER_S` posts a second for ``seconds`` and measure how soon the handler starts for each.

    Args:
        seconds: How long edits are made.
        url: Beside which database those of both halves are made; None: temporary SQLite files.

    Raises:
        BenchFailed: A process did not come up, or a handler never started.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        portal_db, app_db = (stack.enter_context(databases.fresh(url, name)) for name in ("portal", "app"))
        webhook = stack.enter_context(house(portal_db, app_db, folder))
        starts = folder / _STARTS
        async with HttpClient(allow_private=True) as client:
            posts = await add_posts(client, webhook, max(1, int(seconds * EDITS_PER_S)))
            await wait_bound(client, webhook, starts)
            answered = await edit_each(client, webhook, posts, per_s=EDITS_PER_S)
            found = await wait_started(starts, set(answered))
    delays = [(found[post] - at_ns) / 1e6 for post, at_ns in answered.items() if post in found]
    if not delays:
        raise BenchFailed("no handler started; the log above says why")
    cpu_s, rss_mb = usage()
    return Result(
        bench="flow",
        engine=engine_of(url),
        value=percentile(delays, 0.5),
        unit="ms",
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        n=len(delays),
        errors=len(posts) - len(delays),
        handlers=1,
        handler_ms=0.0,
        lanes=len(posts),
        cpu_s=cpu_s,
        rss_mb=rss_mb,
    )


async def wait_bound(client: HttpClient, webhook: str, starts: Path) -> None:
    """Edit a post of its own until the handler starts for it: then the application is installed and bound."""
    probe = (await add_posts(client, webhook, 1))[0]
    for attempt in range(200):
        await call(
            client, webhook, "log.blogpost.update", {"POST_ID": probe, "POST_MESSAGE": f"probe {attempt}"}
        )
        await asyncio.sleep(0.1)
        if probe in read_starts(starts):
            return
    raise BenchFailed("the application was not installed and bound within 20 s")


async def wait_started(starts: Path, posts: set[int]) -> dict[int, int]:
    """Wait until the handler started for all posts, at most 15 s."""
    deadline = time.monotonic() + 15
    while posts - (found := read_starts(starts)).keys() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return found


def starts_file() -> str:
    """Where the measured application writes; from the environment."""
    return os.environ.get("LIVEFEED_BENCH_STARTS", os.devnull)

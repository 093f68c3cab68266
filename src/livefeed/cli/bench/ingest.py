"""`bench ingest`: the door against a bare ASGI application and against what people write today."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livefeed.cli.bench import baselines, databases
from livefeed.cli.bench.baselines import Server
from livefeed.cli.bench.hammer import Tally, hammer
from livefeed.cli.bench.ingest_server import PORTALS, member_of, token_of
from livefeed.cli.bench.result import Result, engine_of, percentile
from livefeed.net.listening import listening
from livefeed.wire.auth import Auth
from livefeed.wire.envelopes import Envelope, encode_envelope
from livefeed.wire.events import PostUpdated, post_data
from livefeed.wire.ids import HandlerId, PostId

CONNECTIONS: Final = 64
EVENTS: Final = 100_000
POSTS: Final = 10_000
_WARM_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One server under load.

    Attributes:
        tally: What came back.
        cpu_s: CPU seconds of its process, start and end included.
        rss_mb: Its largest resident set.
    """

    tally: Tally
    cpu_s: float
    rss_mb: float


async def bench_ingest(
    seconds: float, *, url: str | None = None, is_hot: bool = False, is_mounted: bool = False
) -> Result:
    """Send documented events for ``seconds`` to each server in turn.

    Args:
        seconds: For each server.
        url: Beside which database one is made; None: a temporary SQLite file.
        is_hot: The same event again and again, in place of 100,000 distinct ones of 10,000 posts.
        is_mounted: The door as an ASGI application on uvicorn, in place of the server of its own.
    """
    requests = [request_of(number) for number in range(1 if is_hot else EVENTS)]
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    try:
        before = await _baseline("asgi_bare", requests, seconds / 2, cores[0])
        with databases.fresh(url) as fresh:
            door = await measured(serving(fresh, cores[0], is_mounted=is_mounted), requests, seconds)
        after = await _baseline("asgi_bare", requests, seconds / 2, cores[0])
        plain = await _baseline("fastapi_aiosqlite", requests, seconds / 2, cores[0])
        shared = await _baseline("fastapi_shared", requests, seconds / 2, cores[0])
    finally:
        os.sched_setaffinity(0, set(cores))
    bare = (before.tally.rate + after.tally.rate) / 2
    return Result(
        bench="ingest",
        value=door.tally.rate,
        unit="1/s",
        baseline_name="bare ASGI on uvicorn that reads the body and answers 200",
        baseline=bare,
        ratio=door.tally.rate / bare,
        p50_ms=percentile(door.tally.delays_ms, 0.5),
        p99_ms=percentile(door.tally.delays_ms, 0.99),
        n=len(door.tally.delays_ms),
        errors=door.tally.errors,
        engine=engine_of(url),
        handlers=1,
        lanes=1 if is_hot else POSTS,
        cpu_s=door.cpu_s,
        rss_mb=door.rss_mb,
        baselines={
            "FastAPI + aiosqlite, one commit a request": plain.tally.rate,
            "FastAPI + aiosqlite, commits shared by accident": shared.tally.rate,
        },
    )


async def _baseline(name: str, requests: Sequence[bytes], seconds: float, core: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        found = await measured(baselines.server(name, Path(folder), core=core), requests, seconds)
    if found.tally.errors:
        raise baselines.BaselineFailed(f"the baseline {name} refused {found.tally.errors} requests")
    return found


async def measured(
    served: AbstractContextManager[Server], requests: Sequence[bytes], seconds: float
) -> Measured:
    """One server under load, in a process and on a core of its own."""
    with served as server:
        await hammer(server.port, requests, seconds=_WARM_S, connections=CONNECTIONS)
        tally = await hammer(server.port, requests, seconds=seconds, connections=CONNECTIONS)
    return Measured(tally=tally, cpu_s=server.cpu_s, rss_mb=server.rss_mb)


@contextlib.contextmanager
def serving(url: str, core: int, *, is_mounted: bool) -> Generator[Server]:
    """The door as a process; connections wait in its queue until it is up."""
    listener = listening("127.0.0.1", 0)
    server = Server(port=listener.getsockname()[1])
    arguments = [str(listener.fileno()), url, str(core), "mounted" if is_mounted else "served"]
    with listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "livefeed.cli.bench.ingest_server", *arguments],
            pass_fds=[listener.fileno()],
        )
    try:
        yield server
    finally:
        process.terminate()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        server.cpu_s = used.ru_utime + used.ru_stime
        server.rss_mb = used.ru_maxrss / 1024


def request_of(number: int) -> bytes:
    """One request as a portal sends it: the documented ten keys, one of 50 portals, one of 10,000 posts."""
    portal = number % PORTALS
    envelope = Envelope(
        event=PostUpdated.wire_name,
        handler_id=HandlerId(731),
        data=post_data(PostId(1 + number % POSTS)),
        ts=1_743_000_379 + number,
        auth=Auth(
            access_token=f"s6p6eclrvim6da22ft9ch94{number:09d}",
            expires_in=3600,
            scope="log",
            domain="some-domain.bitrix24.com",
            server_endpoint="https://oauth.bitrix.info/rest/",
            status="L",
            client_endpoint="https://some-domain.bitrix24.com/rest/",
            member_id=member_of(portal),
            refresh_token=f"4s386p3q0tr8dy89xvmt962{number:09d}",
            application_token=token_of(portal),
        ),
    )
    body = encode_envelope(envelope)
    head = (
        b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        b"content-length: %d\r\n\r\n"
    )
    return head % len(body) + body

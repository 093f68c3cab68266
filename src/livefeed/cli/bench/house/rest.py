"""`bench rest`: calls of a webhook against a bare Starlette POST that reads the same form."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

from livefeed.cli.bench import baselines, databases
from livefeed.cli.bench.baselines import Server
from livefeed.cli.bench.hammer import Tally, hammer
from livefeed.cli.bench.house.founding import Founded, found, fresh_keys, opened
from livefeed.cli.bench.house.processes import (
    BenchFailed,
    Receivers,
    Used,
    cores,
    free_port,
    pinned,
    receivers,
    running,
    used_by,
)
from livefeed.cli.bench.result import Result, engine_of, percentile

Method = Literal["update", "get"]

CONNECTIONS: Final = 64
POSTS: Final = 1_000
HANDLERS: Final = 2
ROUNDS: Final = 4
_DRAIN_S: Final = 120.0
_WARM_S: Final = 0.5
_WORDS: Final = "The office is closed from {} to 14 June. Please hand in your reports before."


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What is measured: a portal with bound handlers.

    Attributes:
        founded: The portal.
        port: Where it listens.
        pid: Its process.
        receivers: Where its handlers are.
    """

    founded: Founded
    port: int
    pid: int
    receivers: Receivers


@dataclass(slots=True)
class Taken:
    """What all rounds of one run found."""

    ours: list[Tally] = field(default_factory=list[Tally])
    bare: list[Tally] = field(default_factory=list[Tally])
    bare_cpu_s: float = 0.0
    used: list[Used] = field(default_factory=list[Used])
    told_per_s: list[float] = field(default_factory=list[float])


async def bench_rest(seconds: float, *, method: Method = "update", url: str | None = None) -> Result:
    """Call one method for ``seconds``, in turns with the baseline, which gets as long.

    Args:
        seconds: Of each of the two.
        method: ``update``: an edit by a form, with two handlers bound, whose deliveries go out meanwhile;
            ``get``: one post by its id.
        url: Beside which database a fresh one is made; None: a temporary SQLite file.

    Raises:
        BenchFailed: A process did not come up, or the deliveries never ended.
    """
    ours, around = cores()
    taken = Taken()
    async with house(url, ours, around) as here:
        with (
            tempfile.TemporaryDirectory() as folder,
            baselines.server("starlette_form", Path(folder), core=ours) as bare,
            pinned(around),
        ):
            await _take_turns(here, bare, method, seconds, taken)
    delays = [delay for tally in taken.ours for delay in tally.delays_ms]
    rate = statistics.mean(tally.rate for tally in taken.ours)
    baseline = statistics.mean(tally.rate for tally in taken.bare)
    return Result(
        bench="rest",
        value=rate,
        unit="1/s",
        baseline_name=f"bare Starlette POST that reads the form; ours: log.blogpost.{method} by webhook",
        baseline=baseline,
        ratio=rate / baseline,
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        n=len(delays),
        errors=sum(tally.errors for tally in taken.ours),
        engine=engine_of(url),
        handlers=HANDLERS if method == "update" else 0,
        handler_ms=0.0,
        lanes=POSTS * HANDLERS if method == "update" else 0,
        cpu_s=taken.used[-1].cpu_s,
        rss_mb=taken.used[-1].rss_mb,
        figures=_figures(taken, method),
    )


def _figures(taken: Taken, method: Method) -> dict[str, float]:
    """CPU of a call, which other work on the core does not change; and what was delivered meanwhile."""
    calls = sum(len(tally.delays_ms) for tally in taken.ours)
    bare_calls = sum(len(tally.delays_ms) for tally in taken.bare)
    found = {
        "CPU of a call, µs": taken.used[-1].cpu_s / calls * 1e6,
        "CPU of a call of the baseline, µs": taken.bare_cpu_s / bare_calls * 1e6,
    }
    if method == "update":
        found["deliveries meanwhile, 1/s"] = statistics.mean(taken.told_per_s)
    return found


async def _take_turns(here: House, server: Server, method: Method, seconds: float, taken: Taken) -> None:
    requests = requests_of(here.founded, method)
    for port in (here.port, server.port):
        await hammer(port, requests, seconds=_WARM_S, connections=CONNECTIONS)
    await drained(here)
    for _ in range(ROUNDS):
        before = used_by(server.pid)
        bare = await hammer(server.port, requests, seconds=seconds / ROUNDS, connections=CONNECTIONS)
        if bare.errors:
            raise BenchFailed(f"the baseline refused {bare.errors} requests")
        taken.bare.append(bare)
        taken.bare_cpu_s += used_by(server.pid).cpu_s - before.cpu_s
        told = here.receivers.counts().counts.get("ok", 0)
        before = used_by(here.pid)
        tally = await hammer(here.port, requests, seconds=seconds / ROUNDS, connections=CONNECTIONS)
        after = used_by(here.pid)
        taken.ours.append(tally)
        total = after.cpu_s - before.cpu_s + (taken.used[-1].cpu_s if taken.used else 0.0)
        taken.used.append(Used(cpu_s=total, rss_mb=after.rss_mb))
        told = here.receivers.counts().counts.get("ok", 0) - told
        taken.told_per_s.append(told / (tally.ended - tally.began))
        await drained(here)


@contextlib.asynccontextmanager
async def house(url: str | None, ours: int, around: int) -> AsyncGenerator[House]:
    """A portal on the core ``ours`` with two bound handlers, which live on the core ``around``."""
    public_url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder, databases.fresh(url) as database, receivers(around) as told:
        keys, key_file = fresh_keys(Path(folder))
        addresses = [told.at("ok", str(number)) for number in range(HANDLERS)]
        async with opened(database) as store:
            founded = await found(store, keys, public_url, post_count=POSTS, handler_urls=addresses)
        port = urlsplit(public_url).port or 0
        arguments = ["portal", "serve", "--db", database, "--key-file", str(key_file), "--allow-private"]
        with running("portal", [*arguments, "--port", str(port)], public_url, core=ours) as portal:
            yield House(founded=founded, port=port, pid=portal.pid, receivers=told)


async def drained(here: House) -> None:
    """Wait until no delivery has come for half a second: the baseline has the core for itself.

    Raises:
        BenchFailed: They never end.
    """
    deadline = time.monotonic() + _DRAIN_S
    before = -1
    while before != (before := here.receivers.counts().counts.get("ok", 0)):
        if time.monotonic() > deadline:
            raise BenchFailed(f"deliveries went on for {_DRAIN_S:.0f} s after the last edit")
        await asyncio.sleep(0.5)


def requests_of(founded: Founded, method: Method) -> list[bytes]:
    """Requests as an SDK writes them: a form, keep-alive; one for each post, every text another."""
    path = urlsplit(founded.webhook_url).path
    head = (
        f"POST {path}log.blogpost.{method} HTTP/1.1\r\nhost: {founded.portal.host}\r\n"
        "content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n"
    )
    requests: list[bytes] = []
    for number, post in enumerate(founded.posts):
        form: dict[str, object] = {"POST_ID": post}
        if method == "update":
            form |= {"POST_TITLE": "Holidays", "POST_MESSAGE": _WORDS.format(number)}
        body = urlencode(form).encode()
        requests.append(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return requests

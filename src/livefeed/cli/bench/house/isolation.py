"""`bench isolation`: a healthy handler beside a bad one, and beside a portal with a burst of edits."""

import asyncio
import contextlib
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from livefeed.cli.bench import databases
from livefeed.cli.bench.house.calls import call, edit_each
from livefeed.cli.bench.house.founding import Founded, found, fresh_keys, opened
from livefeed.cli.bench.house.processes import BenchFailed, Receivers, cores, free_port, receivers, running
from livefeed.cli.bench.result import percentile
from livefeed.net.http import HttpClient

Neighbour = Literal["silent", "slow", "reset", "flood", "drip", "burst"]

NEIGHBOURS: Final[tuple[Neighbour, ...]] = ("silent", "slow", "reset", "flood", "drip", "burst")
EDITS_PER_S: Final = 100
BURST: Final = 10_000
_A_BATCH: Final = 50
_BURST_POSTS: Final = 500
_ARRIVE_S: Final = 30.0
_CALM_S: Final = 60.0
_IDLE_CONNECTIONS: Final = 16  # kept alive to handlers that answered
_NICEST: Final = 19


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The healthy handler during one stretch: from an edit's answer to its call.

    Attributes:
        bench: ``isolation``.
        neighbour: Whose presence is tried.
        round: Which of the alternations, from 1.
        beside: Whether the neighbour was there.
        p50_ms: Median delay.
        p99_ms: 99th percentile.
        n: Events that came.
        errors: Edits that failed, and events that never came.
    """

    bench: str = "isolation"
    neighbour: str
    round: int
    beside: bool
    p50_ms: float
    p99_ms: float
    n: int
    errors: int


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What all rounds with one neighbour say.

    Attributes:
        bench: ``isolation``.
        neighbour: Whose presence was tried.
        rounds: How many alternations.
        p99_without_ms: Median of the p99 without it.
        p99_beside_ms: Median of the p99 beside it.
        apart: The latter divided by the former, less 1; at most 0.25 is wanted.
        errors: Of all rounds.
    """

    bench: str = "isolation"
    neighbour: str
    rounds: int
    p99_without_ms: float
    p99_beside_ms: float
    apart: float
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Two portals on one server, and their receivers.

    Attributes:
        healthy: The portal whose handler is measured.
        other: The portal that has bursts.
        receivers: Where the healthy handler is.
        bad: Where the bad ones are, and that of the other portal: a process that leaves the core to the
            others, as it would be elsewhere.
        pid: The server's process.
        client: Makes the calls.
    """

    healthy: Founded
    other: Founded
    receivers: Receivers
    bad: Receivers
    pid: int
    client: HttpClient


async def bench_isolation(
    neighbour: Neighbour, *, seconds: float, rounds: int, url: str | None = None
) -> AsyncGenerator[Measured | Compared]:
    """Measure with and without ``neighbour`` in turns; each stretch as it ends, then what they say together.

    Args:
        neighbour: Which one.
        seconds: Of each stretch.
        rounds: How many alternations.
        url: Beside which database a fresh one is made; None: a temporary SQLite file.

    Raises:
        BenchFailed: A process did not come up, or never came to rest.
    """
    found_all: list[Measured] = []
    async with house(url, max(1, int(seconds * EDITS_PER_S))) as here:
        await _stretch(here)  # the first one pays for what is made once
        for number in range(1, rounds + 1):
            # The order changes, so that what grows with time falls on both sides.
            for beside in (False, True) if number % 2 else (True, False):
                if beside:
                    async with present(here, neighbour, number):
                        delays, errors = await _stretch(here)
                    await _calm(here)
                else:
                    delays, errors = await _stretch(here)
                found_all.append(_measured(neighbour, number, beside, delays, errors))
                yield found_all[-1]
    yield compared(neighbour, found_all)


def compared(neighbour: str, stretches: list[Measured]) -> Compared:
    """Medians of both sides."""
    without = statistics.median(one.p99_ms for one in stretches if not one.beside)
    beside = statistics.median(one.p99_ms for one in stretches if one.beside)
    return Compared(
        neighbour=neighbour,
        rounds=len(stretches) // 2,
        p99_without_ms=without,
        p99_beside_ms=beside,
        apart=beside / without - 1,
        errors=sum(one.errors for one in stretches),
    )


def _measured(neighbour: str, number: int, beside: bool, delays: list[float], errors: int) -> Measured:
    return Measured(
        neighbour=neighbour,
        round=number,
        beside=beside,
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        n=len(delays),
        errors=errors,
    )


@contextlib.asynccontextmanager
async def house(url: str | None, post_count: int) -> AsyncGenerator[House]:
    """A server with two portals on one core, the receivers and this process on the other."""
    ours, around = cores()
    port = free_port()
    # Two names of one address: the Host header tells the portals apart.
    healthy_url, other_url = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(databases.fresh(url))
        told, bad = (stack.enter_context(receivers(around, niceness=nice)) for nice in (0, _NICEST))
        keys, key_file = fresh_keys(folder)
        async with opened(database) as store:
            healthy = await found(
                store, keys, healthy_url, post_count=post_count, handler_urls=[told.at("ok")]
            )
            other = await found(
                store, keys, other_url, post_count=_BURST_POSTS, handler_urls=[bad.at("quiet")]
            )
        arguments = ["portal", "serve", "--db", database, "--key-file", str(key_file), "--allow-private"]
        portal = stack.enter_context(
            running("portal", [*arguments, "--port", str(port)], healthy_url, core=ours)
        )
        async with HttpClient(allow_private=True, timeout_s=60.0) as client:
            yield House(healthy=healthy, other=other, receivers=told, bad=bad, pid=portal.pid, client=client)


@contextlib.asynccontextmanager
async def present(here: House, neighbour: Neighbour, number: int) -> AsyncGenerator[None]:
    """The neighbour while the block runs: a handler bound anew, or a burst that has begun."""
    if neighbour == "burst":
        task = asyncio.create_task(burst(here, BURST))
        yield
        await task
    else:
        await bind(here, neighbour, str(number))
        yield
        await bind(here, neighbour, str(number), method="event.unbind")


async def bind(here: House, neighbour: str, name: str, *, method: str = "event.bind") -> None:
    """Bind a bad handler to the edits of the healthy portal, or unbind it."""
    bound = {
        "event": "ONLIVEFEEDPOSTUPDATE",
        "handler": here.bad.at(neighbour, name),
        "auth": here.healthy.app_token,
    }
    await call(here.client, here.healthy.portal.client_endpoint, method, bound)


async def burst(here: House, edits: int) -> None:
    """So many edits on the other portal, fifty a call, as fast as it answers."""
    posts = itertools.cycle(here.other.posts)
    for first in range(0, edits, _A_BATCH):
        cmd = {
            f"e{number}": f"log.blogpost.update?POST_ID={next(posts)}&POST_MESSAGE=burst+{first + number}"
            for number in range(_A_BATCH)
        }
        await call(here.client, here.other.webhook_url, "batch", {"halt": 1, "cmd": cmd})


async def _stretch(here: House) -> tuple[list[float], int]:
    """Edit every post once at a steady rate; the delays in ms, and what failed or never came."""
    here.receivers.starts()
    answered = await edit_each(here.client, here.healthy.webhook_url, here.healthy.posts, per_s=EDITS_PER_S)
    came: dict[int, int] = {}
    deadline = time.monotonic() + _ARRIVE_S
    while answered.keys() - came.keys() and time.monotonic() < deadline:
        came |= {post: at_ns for post, at_ns in here.receivers.starts().items() if post not in came}
        await asyncio.sleep(0.05)
    delays = [(came[post] - at_ns) / 1e6 for post, at_ns in answered.items() if post in came]
    if not delays:
        raise BenchFailed("the healthy handler was never called; the log above says why")
    return delays, len(here.healthy.posts) - len(delays)


async def _calm(here: House) -> None:
    """Wait until nothing of the neighbour is left: its connections are gone, its queue is empty.

    Raises:
        BenchFailed: It never is.
    """
    deadline = time.monotonic() + _CALM_S
    for before, now in _pairs(here):
        if before == now and now[1] <= _IDLE_CONNECTIONS:
            return
        if time.monotonic() > deadline:
            raise BenchFailed(f"the portal did not come to rest within {_CALM_S:.0f} s: {now}")
        await asyncio.sleep(0.5)


def _pairs(here: House) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    def look() -> tuple[int, int]:
        both = here.receivers.counts(), here.bad.counts()
        return sum(sum(one.counts.values()) for one in both), sum(one.open for one in both)

    before = (-1, -1)
    while True:
        now = look()
        yield before, now
        before = now

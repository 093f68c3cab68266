"""`bench deliver`: the portal's dispatcher against the same HTTP client posting the same bytes, no store."""

import asyncio
import contextlib
import functools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Final

from livefeed.cli.bench import baselines, databases
from livefeed.cli.bench.result import Result, engine_of, percentile, usage
from livefeed.cli.listening import calm_collector
from livefeed.clock import SystemClock
from livefeed.durable.lanes import list_lanes
from livefeed.durable.store import Store, Tx, open_store
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.net.listening import listening
from livefeed.portal import lifecycle, portals
from livefeed.portal.apps.registry import NewApp, fresh_credentials
from livefeed.portal.events import handlers
from livefeed.portal.events.dispatcher import Dispatcher
from livefeed.portal.events.handlers import ACTING_USER, Binding
from livefeed.portal.events.outbox import announce
from livefeed.portal.portals import PortalRow
from livefeed.portal.seed import seed_empty
from livefeed.portal.server import ROOMS
from livefeed.secrets import KeyRing
from livefeed.wire.ids import PostId, UserId

# Of the baselines, as in the published figures; the dispatcher has its own default. The same client has no
# more than the dispatcher may have: one handler never gets as many at a time.
IN_FLIGHT: Final = 64
LOOPS: Final = (
    ("aiohttp loop", "aiohttp_loop", IN_FLIGHT),
    ("httpx loop, 8 in flight", "httpx_loop", 8),  # at 64 it collapses: an empty comparison
)
ROUNDS: Final = 3
DELIVERIES_A_SECOND: Final = 12_000  # queued for each second that is asked for
EVENTS_A_UNIT: Final = 50
POSTS: Final = 2_000
EVENT: Final = "ONLIVEFEEDPOSTUPDATE"
ADMIN: Final = UserId(1)


class Postman:
    """The dispatcher's HTTP client; counts, and keeps one request as it was sent."""

    def __init__(self, client: HttpClient) -> None:
        self.client: Final = client
        self.delays_ms: list[float] = []
        self.errors = 0
        self.url = ""
        self.body = b""
        self.headers: Mapping[str, str] = {}

    async def deliver(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """POST once."""
        began = time.perf_counter()
        answer = await self.client.deliver(url, body=body, headers=headers)
        self.delays_ms.append((time.perf_counter() - began) * 1000)
        self.errors += answer.status != 200
        self.url, self.body, self.headers = url, body, headers
        return answer


@dataclass(slots=True)
class Rates:
    """Of each round: deliveries a second, posts a second without a store, and what was used of the CPU."""

    ours: list[float] = field(default_factory=list[float])
    bare: list[float] = field(default_factory=list[float])
    cpu_s: float = 0.0


async def bench_deliver(seconds: float, *, count: int, handler_ms: float, url: str | None = None) -> Result:
    """Send deliveries to ``count`` handlers and let the same client post the same bytes, in turns.

    Args:
        seconds: About how long the deliveries take.
        count: Bound handlers.
        handler_ms: How long each takes to answer.
        url: Beside which database one is made; None: a temporary SQLite file.
    """
    calm_collector()
    events = max(1, int(seconds * _rate(count, handler_ms) / count / ROUNDS))
    cores = sorted(os.sched_getaffinity(0))
    share = min(seconds / 2, 3.0)
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(databases.fresh(url))
        sink = stack.enter_context(sink_process(handler_ms, cores[-1]))
        os.sched_setaffinity(0, {cores[0]})
        stack.callback(os.sched_setaffinity, 0, set(cores))
        async with HttpClient(allow_private=True) as client, store_in(database) as store:
            postman = Postman(client)
            portal = await found(store, sink, count)
            await queue(store, portal, events)
            lanes = len(await store.read(lambda tx: list_lanes(tx, limit=10**6)))
            rates = await in_turns(store, portal, postman, count, events, share / ROUNDS)
            _, rss_mb = usage()
        others = {
            name: await baselines.loop_rate(
                program, url=postman.url, body=postman.body, seconds=share, in_flight=width, core=cores[0]
            )
            for name, program, width in LOOPS
        }
    return Result(
        bench="deliver",
        value=statistics.median(rates.ours),
        unit="1/s",
        baseline_name="the same HTTP client posting the same bytes, no store",
        baseline=statistics.median(rates.bare),
        ratio=statistics.median(ours / bare for ours, bare in zip(rates.ours, rates.bare, strict=True)),
        p50_ms=percentile(postman.delays_ms, 0.5),
        p99_ms=percentile(postman.delays_ms, 0.99),
        n=len(postman.delays_ms),
        errors=postman.errors,
        engine=engine_of(url),
        handlers=count,
        handler_ms=handler_ms,
        lanes=lanes,
        cpu_s=rates.cpu_s,
        rss_mb=rss_mb,
        baselines=others,
    )


def _rate(count: int, handler_ms: float) -> float:
    """How many deliveries a second are to be expected."""
    possible = count * handlers.CAP * 1000 / handler_ms if handler_ms else DELIVERIES_A_SECOND
    return min(possible, DELIVERIES_A_SECOND)


async def in_turns(
    store: Store, portal: PortalRow, postman: Postman, count: int, events: int, share_s: float
) -> Rates:
    """Rounds of both, the other one first in each; what is delivered in the first is queued already."""
    rates, other = Rates(), Postman(postman.client)  # who counts the same, too
    dispatcher = Dispatcher(store=store, keys=KEYS, clock=SystemClock(), postman=postman)
    await dispatcher.start(with_worker=False)

    async def deliver() -> None:
        cpu_before, _ = usage()
        rates.ours.append(count * events / await send_all(store, dispatcher, postman, count * events))
        rates.cpu_s += usage()[0] - cpu_before

    async def post() -> None:
        # Without an answer's wait this would measure nothing but the wait.
        one = functools.partial(other.deliver, postman.url, body=postman.body, headers=postman.headers)
        rates.bare.append(await closed_loop(share_s, one, min(IN_FLIGHT, count * handlers.CAP)))

    for number in range(ROUNDS):
        if number:
            await queue(store, portal, events)
        for step in (deliver, post) if number % 2 == 0 else (post, deliver):
            await step()
    await dispatcher.stop()
    return rates


@contextlib.contextmanager
def sink_process(handler_ms: float, core: int) -> Generator[str]:
    """The receiver in a process and on a core of its own; yields its URL."""
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with listener:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "livefeed.cli.bench.sink",
                str(listener.fileno()),
                str(handler_ms),
                str(core),
            ],
            pass_fds=[listener.fileno()],
        )
    try:
        yield f"http://127.0.0.1:{port}/events"
    finally:
        process.terminate()
        process.wait()


@contextlib.asynccontextmanager
async def store_in(database: str) -> AsyncGenerator[Store]:
    """A portal's store, closed at the end."""
    store = open_store(database, ROOMS, SystemClock())
    try:
        yield store
    finally:
        await store.close()


KEYS: Final = KeyRing([os.urandom(32)])


async def found(store: Store, sink: str, count: int) -> PortalRow:
    """A portal with ``count`` bound handlers."""
    credentials = fresh_credentials(KEYS)

    def unit(tx: Tx) -> PortalRow:
        portal = portals.create(tx, public_url="http://127.0.0.1:8024", name="bench")
        seed_empty(tx, portal=portal, keys=KEYS)
        app = lifecycle.install(
            tx, portal, NewApp(name="bench", scope=("log",)), credentials, installer=ADMIN
        )
        for number in range(count):
            url = f"{sink}?handler={number}"
            handlers.bind(tx, app, Binding(event=EVENT, url=url, auth_type=ACTING_USER, owner=ADMIN))
        return portal

    return await store.write(unit)


async def queue(store: Store, portal: PortalRow, events: int) -> None:
    """Announce ``events`` edits, spread over `POSTS` posts."""

    def announce_some(first: int) -> Callable[[Tx], None]:
        def unit(tx: Tx) -> None:
            for number in range(first, min(first + EVENTS_A_UNIT, events)):
                post = PostId(1 + number % POSTS)
                announce(tx, portal=portal.member_id, event=EVENT, post_id=post, actor=ADMIN, source="bench")

        return unit

    for first in range(0, events, EVENTS_A_UNIT):
        await store.write(announce_some(first))


async def send_all(store: Store, dispatcher: Dispatcher, postman: Postman, count: int) -> float:
    """Run the worker until ``count`` deliveries more are made and settled; the seconds that took."""
    total = len(postman.delays_ms) + count
    began = time.perf_counter()
    await dispatcher.worker.start()
    while len(postman.delays_ms) < total or await store.read(lambda tx: list_lanes(tx, limit=1)):
        await asyncio.sleep(0.01)
    took_s = time.perf_counter() - began
    await dispatcher.worker.stop()
    return took_s


async def closed_loop(seconds: float, one: Callable[[], Awaitable[object]], width: int = IN_FLIGHT) -> float:
    """Calls a second with ``width`` in flight."""
    end = time.perf_counter() + seconds
    done = 0

    async def lane() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await one()
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(width)))
    return done / (time.perf_counter() - began)

"""`bench store`: append, lease and settle on one store, with nothing else around."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from livefeed.cli.bench import databases, filling
from livefeed.cli.bench.beside import held_transaction
from livefeed.cli.bench.result import Result, engine_of, percentile, usage
from livefeed.clock import SystemClock
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Store, open_store
from livefeed.durable.worker import Worker

CALLERS: Final = 64
CONCURRENCY: Final = 256
CAP: Final = 256
BODY: Final = b"x" * 600
AHEAD: Final = 500
OLD_MS: Final = 20 * 86_400_000
KEYS: Final = 10_000  # of new entries, where no lanes wait
EVENT: Final = "ONLIVEFEEDPOSTUPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is there before anything is measured.

    Attributes:
        lanes: Lanes that are due, with random keys, spread over all consumers.
        consumers: Who is handed entries.
        old_entries: Entries that were dealt with long ago.
        has_open_transaction: Whether a reader keeps its snapshot open all the time.
    """

    lanes: int = 0
    consumers: int = 50
    old_entries: int = 0
    has_open_transaction: bool = False

    @property
    def is_filled(self) -> bool:
        """Whether much has to be there before."""
        return bool(self.lanes or self.old_entries)


SMALL: Final = Load()
BESIDE: Final = "the same with nothing there before"


async def bench_store(
    url: str, seconds: float, load: Load = SMALL, *, beside: str | None = None, is_cold: bool = False
) -> Result:
    """Append from `CALLERS` callers for ``seconds`` while a worker leases and settles; count whole cycles.

    It ends when as many entries are settled as were appended; where lanes wait already, whichever they are.

    Args:
        url: A database; one that is empty is filled, one that was filled by a run before is taken as it is.
        seconds: How long is appended.
        load: What is there before.
        beside: Another database, in which the same is done right before with nothing else there.
        is_cold: Whether a file lies on the disk alone when it is opened; else it is read once before, as some
            systems take from memory what was not used for a minute.
    """
    await _fill(url, load)
    if beside is not None:
        await _fill(beside, SMALL)
    small = None if beside is None else await _run(beside, seconds, SMALL)
    if engine_of(url) == "sqlite" and load.is_filled:
        (databases.forget if is_cold else databases.warm)(url)
    found = await _run(url, seconds, load)
    if small is None:
        return found
    ratio = found.value / small.value
    return msgspec.structs.replace(found, baseline_name=BESIDE, baseline=small.value, ratio=ratio)


async def _fill(url: str, load: Load) -> None:
    store = open_store(url, [], SystemClock())
    try:
        if not await store.read(filling.consumers):
            await _prepare(store, load)
    finally:
        await store.close()


async def _run(url: str, seconds: float, load: Load) -> Result:
    store = open_store(url, [], SystemClock())
    try:
        consumers = await store.read(filling.consumers)
        if not load.has_open_transaction:
            return await _measured(store, consumers, seconds, load)
        with held_transaction(url) as held:
            measured = await _measured(store, consumers, seconds, load)
        return msgspec.structs.replace(measured, figures=measured.figures | {"unseen": held.unseen})
    finally:
        await store.close()


async def _measured(store: Store, consumers: list[ConsumerId], seconds: float, load: Load) -> Result:
    settled = 0
    is_over = False
    delays: list[float] = []
    may_run = asyncio.Event()

    async def run(lease: Lease) -> Outcome:
        """Run no further ahead of the appends than `AHEAD`: as many settles as appends make whole cycles."""
        nonlocal settled
        while load.lanes and not is_over and settled > len(delays) + AHEAD:
            may_run.clear()
            await may_run.wait()
        settled += len(lease.entries)
        return Done()

    worker = Worker(store, run, clock=SystemClock(), concurrency=CONCURRENCY)
    cpu_before, _ = usage()
    await worker.start()
    began = time.perf_counter()
    await _append_all(store, consumers, seconds, load, delays, may_run)
    while settled < len(delays):
        await asyncio.sleep(0.005)
    took_s = time.perf_counter() - began
    cpu_s, rss_mb = usage()
    is_over = True
    may_run.set()
    await worker.stop()
    return Result(
        bench="store",
        value=len(delays) / took_s,
        unit="1/s",
        n=len(delays),
        errors=0,
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        lanes=load.lanes or KEYS,
        engine=store.engine,
        cpu_s=cpu_s - cpu_before,
        rss_mb=rss_mb,
        figures={
            "consumers": load.consumers,
            "old_entries": load.old_entries,
            "open_transaction": int(load.has_open_transaction),
        },
    )


async def _prepare(store: Store, load: Load) -> None:
    """Consumers, old entries and due lanes."""
    at_ms = SystemClock().now_ms()
    await filling.add_consumers(store, load.consumers, cap=CAP)
    was_ms = at_ms - OLD_MS
    body = BODY[:100]
    await filling.add_old_entries(
        store, load.old_entries, load.consumers, kind=EVENT, body=body, at_ms=was_ms
    )
    await filling.add_due_lanes(store, load.lanes, load.consumers, kind=EVENT, body=BODY, at_ms=at_ms)


def _arrival(place: int, consumers: list[ConsumerId], draw: random.Random, at_ms: int) -> Arrival:
    key = f"post:{draw.getrandbits(60)}"
    return Arrival(filling.portal_of(place), key, EVENT, BODY, at_ms, "bench", consumers[place])


async def _append_all(
    store: Store,
    consumers: list[ConsumerId],
    seconds: float,
    load: Load,
    delays: list[float],
    has_appended: asyncio.Event,
) -> None:
    """Append until the time is over; ``delays`` gets the milliseconds from each call to its commit."""
    end = time.perf_counter() + seconds
    clock = SystemClock()
    draw = random.Random(1)
    count = 0

    def arrival() -> Arrival:
        nonlocal count
        number, count = count, count + 1
        place = number % len(consumers)
        if load.lanes:
            return _arrival(place, consumers, draw, clock.now_ms())
        key = f"post:{number % KEYS}"
        return Arrival(filling.portal_of(place), key, EVENT, BODY, clock.now_ms(), "bench", consumers[place])

    async def caller() -> None:
        while (began := time.perf_counter()) < end:
            await store.write_row(append_arrivals, arrival())
            delays.append((time.perf_counter() - began) * 1000)
            has_appended.set()

    await asyncio.gather(*(caller() for _ in range(CALLERS)))

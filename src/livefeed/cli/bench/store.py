"""`bench store`: append, lease and settle on one store, with nothing else around."""

import asyncio
import time
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from livefeed.cli.bench.result import Result, percentile, usage
from livefeed.clock import SystemClock
from livefeed.durable.consumers import ConsumerId, register
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Store, Tx, open_store
from livefeed.durable.worker import Worker

CALLERS: Final = 64
PORTALS: Final = 50
LANES: Final = 10_000
BODY: Final = b"x" * 600


async def bench_store(url: str | None, seconds: float) -> Result:
    """Append from `CALLERS` callers for ``seconds`` while a worker leases and settles; count whole cycles."""
    with TemporaryDirectory() as folder:
        store = open_store(url or f"sqlite:///{Path(folder)}/bench.db", [], SystemClock())
        try:
            return await _measured(store, seconds)
        finally:
            await store.close()


async def _measured(store: Store, seconds: float) -> Result:
    consumers = await store.write(_register)
    settled: deque[int] = deque()

    async def run(lease: Lease) -> Outcome:
        settled.append(len(lease.entries))
        return Done()

    worker = Worker(store, run, clock=SystemClock(), concurrency=256)
    cpu_before, _ = usage()
    await worker.start()
    began = time.perf_counter()
    delays = await _append_all(store, consumers, seconds)
    while sum(settled) < len(delays):
        await asyncio.sleep(0.005)
    took_s = time.perf_counter() - began
    await worker.stop()
    cpu_s, rss_mb = usage()
    return Result(
        bench="store",
        value=len(delays) / took_s,
        unit="1/s",
        n=len(delays),
        errors=0,
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        lanes=LANES,
        engine=store.engine,
        cpu_s=cpu_s - cpu_before,
        rss_mb=rss_mb,
    )


def _register(tx: Tx) -> list[ConsumerId]:
    return [register(tx, portal=f"{number:032x}", name="inbox", cap=256) for number in range(PORTALS)]


async def _append_all(store: Store, consumers: list[ConsumerId], seconds: float) -> list[float]:
    """Append until the time is over; milliseconds from each call to its commit."""
    delays: list[float] = []
    end = time.perf_counter() + seconds
    clock = SystemClock()
    count = 0

    async def caller() -> None:
        nonlocal count
        while (began := time.perf_counter()) < end:
            number, count = count, count + 1
            place = number % PORTALS
            key = f"post:{number % LANES}"
            arrival = Arrival(
                f"{place:032x}", key, "ONLIVEFEEDPOSTUPDATE", BODY, clock.now_ms(), "bench", consumers[place]
            )
            await store.write_row(append_arrivals, arrival)
            delays.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return delays

"""The worker: the one loop that leases lanes, runs them and settles them, for both halves."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.arrivals import SLICE, route_all, route_arrivals
from livefeed.durable.entries import ARRIVALS, LANES, index_entries
from livefeed.durable.lanes import Lease, Lost, Settled, lease_due, next_due, renew, settle_many
from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.durable.schedule import Schedule, next_try
from livefeed.durable.store import Store, Tx
from livefeed.durable.watch import Steps
from livefeed.errors import StoreBusy, StoreError, StoreUnavailable

Run = Callable[[Lease], Awaitable[Outcome]]
Hook = Callable[[Lease], None]

_RENEWALS_A_LEASE: Final = 3
_SETTLE_TRIES: Final = 6
_STORE_WAIT_S: Final = 0.05
_LONGEST_REST_S: Final = 5.0
# Arrivals get their lanes at once when few come. When many come, the more it were the last time, the longer
# until the next: the same pages are then written once for all of them, and the door has the writer to itself.
_ROUTING_REST_S: Final = 0.0002
_LONGEST_ROUTING_REST_S: Final = 0.05
_FULL_ROUTING_REST_S: Final = 0.01
_UNSETTLED_FACTOR: Final = 4
_SETTLED: Final = {one: telemetry.settles.labels(one.__name__.lower()) for one in (Done, Again, Down, Dead)}
_LOST: Final = telemetry.settles.labels("lost")
_log: Final = telemetry.logger("durable")


class Worker:
    """Runs due lanes, up to ``concurrency`` at a time."""

    def __init__(
        self,
        store: Store,
        run: Run,
        *,
        clock: Clock,
        concurrency: int = 128,
        lease_s: float = 10.0,
        entries_limit: int = 1,
        schedule: Schedule | None = None,
        on_leased: Hook | None = None,
        on_finished: Hook | None = None,
    ) -> None:
        """Prepare a worker; `start` starts it.

        Args:
            store: Where the lanes are.
            run: Does the work of one lease and says what became of it. An exception counts as a failure.
            clock: Tells the time.
            concurrency: How many runs at a time.
            lease_s: How long a lane is hidden; renewed while its run lasts.
            entries_limit: How many entries of a lane make a run.
            schedule: When a run that raised is repeated.
            on_leased: Called for each lease before its run.
            on_finished: Called for each lease between its run and its settle.
        """
        self._store = store
        self._run = run
        self._clock = clock
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._entries_limit = entries_limit
        self._schedule = schedule or Schedule()
        self._on_leased = on_leased
        self._on_finished = on_finished
        self._bell = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._ready: deque[Lease] = deque()
        self._held: dict[int, Lease] = {}
        self._loops: list[asyncio.Task[None]] = []
        # Kept, because asking which loop runs is a system call on Linux.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endings: list[Callable[[], None]] = []
        self._has_arrivals = True
        self._route_at_s = 0.0
        self._steps = Steps(clock, lease_s=lease_s)

    async def start(self) -> None:
        """Start leasing."""
        self._endings = [
            self._store.listen(LANES, self._bell.set),
            self._store.listen(ARRIVALS, self._expect_arrivals),
        ]
        self._loop = asyncio.get_running_loop()
        self._loops = [asyncio.create_task(self._lease_loop()), asyncio.create_task(self._renew_loop())]

    async def stop(self, *, grace_s: float = 10.0) -> None:
        """Lease nothing more, let runs end for ``grace_s`` seconds, then cancel them; their lanes go back."""
        for end in self._endings:
            end()
        for loop in self._loops[:1]:
            loop.cancel()
        await self._give_back()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in [*self._tasks, *self._loops]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._loops, return_exceptions=True)
        for lease in list(self._held.values()):
            await self._settle(lease, Again(at_ms=self._clock.now_ms(), reason="the worker stopped"))
        self._loops = []

    async def _give_back(self) -> None:
        """Put back what was leased ahead and not begun; that was no try."""
        unbegun, self._ready = self._ready, deque()
        for lease in unbegun:
            untried = msgspec.structs.replace(lease, attempt=lease.attempt - 1)
            await self._settle(untried, Again(at_ms=self._clock.now_ms(), reason="the worker stopped"))

    async def run_due(self) -> int:
        """Run whatever is due at this moment, and what becomes due by it, until nothing is; for tests.

        Returns:
            How many runs that were.
        """
        runs = 0
        await self._store.write(route_all)
        while leases := (await self._take(self._concurrency))[0]:
            runs += len(leases)
            self._running += len(leases)
            await asyncio.gather(*(self._one(lease) for lease in leases))
        return runs

    async def _lease_loop(self) -> None:
        while True:
            self._bell.clear()
            wanted = self._wanted()
            leases, due_ms = await self._take_safely(wanted) if wanted > 0 else ([], None)
            self._ready.extend(leases)
            self._start_ready()
            if (len(leases) < wanted or wanted <= 0) and not await self._tidy():
                await self._rest(due_ms)

    def _wanted(self) -> int:
        """How many lanes to lease: a whole batch when few are ready, so that a lease costs little for each.

        A slow disk may leave some settles unfinished, but not any number.
        """
        if not self._is_short():
            return 0
        ahead = 2 * self._concurrency - self._running - len(self._ready)
        return min(ahead, _UNSETTLED_FACTOR * self._concurrency - len(self._held))

    def _is_short(self) -> bool:
        return len(self._ready) <= self._concurrency // 2

    def _start_ready(self) -> None:
        """Run what is leased, up to the concurrency."""
        while self._ready and self._running < self._concurrency:
            assert self._loop is not None, "lanes are leased ahead only once the worker has started"
            self._running += 1
            task = self._loop.create_task(self._one(self._ready.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _routing_rest_s(self, routed: int) -> float:
        """How long arrivals wait before they are routed again; none after a full slice if no more come in."""
        if routed == SLICE:
            return _FULL_ROUTING_REST_S if self._has_arrivals else 0.0
        return min(routed * _ROUTING_REST_S, _LONGEST_ROUTING_REST_S)

    def _expect_arrivals(self) -> None:
        self._has_arrivals = True
        self._bell.set()

    async def _tidy(self) -> bool:
        """Use a moment without work for the index of entries; say whether there was anything to do."""
        if self._bell.is_set() or self._running or self._has_arrivals:
            return False
        try:
            return await self._store.write(index_entries) > 0
        except StoreError:
            return False  # the next moment will do

    async def _rest(self, due_ms: int | None) -> None:
        """Wait for the bell, or until something is due."""
        wait_s = _LONGEST_REST_S
        if due_ms is not None:
            wait_s = min(wait_s, max(0.0, (due_ms - self._clock.now_ms()) / 1000))
        if self._has_arrivals:
            wait_s = min(wait_s, max(0.0, self._route_at_s - asyncio.get_running_loop().time()))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._bell.wait()

    async def _take(self, limit: int) -> tuple[list[Lease], int | None]:
        """Give arrivals their lanes, lease, and learn when to look again if that was not all."""
        now_s = asyncio.get_running_loop().time()
        is_routing = self._has_arrivals and now_s >= self._route_at_s

        mend = self._steps.look(self._held)

        def unit(tx: Tx) -> tuple[int, list[Lease], int | None]:
            if mend is not None:
                mend(tx)
            routed = route_arrivals(tx) if is_routing else 0
            leases = lease_due(tx, limit=limit, lease_s=self._lease_s, entries_limit=self._entries_limit)
            return routed, leases, next_due(tx) if len(leases) < limit else None

        if is_routing:
            self._has_arrivals = False
        routed, leases, due_ms = await self._store.write(unit)
        if routed:
            self._route_at_s = now_s + self._routing_rest_s(routed)
            self._has_arrivals = self._has_arrivals or routed == SLICE
        self._held.update((lease.token, lease) for lease in leases)
        return leases, due_ms

    async def _take_safely(self, limit: int) -> tuple[list[Lease], int | None]:
        try:
            return await self._take(limit)
        except Exception as exc:  # noqa: BLE001 - the loop outlives whatever the store raises
            self._has_arrivals = True
            _log.warning("lease failed", error=f"{type(exc).__name__}: {exc}")
            await asyncio.sleep(_STORE_WAIT_S)
            return [], self._clock.now_ms()

    async def _one(self, lease: Lease) -> None:
        """Run one lease and settle it; the slot is free as soon as the run is over."""
        try:
            if self._on_leased is not None:
                self._on_leased(lease)
            outcome = await self._outcome(lease)
            if self._on_finished is not None:
                self._on_finished(lease)
        finally:
            self._running -= 1
            self._start_ready()
        await self._settle(lease, outcome)
        if self._is_short():
            self._bell.set()

    async def _outcome(self, lease: Lease) -> Outcome:
        try:
            return await self._run(lease)
        except Exception as exc:  # noqa: BLE001 - the one place where a run may raise anything
            _log.warning("run failed", consumer=lease.consumer.name, key=lease.key, error=type(exc).__name__)
            return self._after_failure(lease, f"{type(exc).__name__}: {exc}")

    def _after_failure(self, lease: Lease, reason: str) -> Outcome:
        at_ms = next_try(
            self._schedule,
            attempt=lease.attempt,
            now_ms=self._clock.now_ms(),
            first_at_ms=lease.first_at_ms,
            retry_after_s=None,
            draw=random.random(),
        )
        return Dead(reason=reason) if at_ms is None else Again(at_ms=at_ms, reason=reason)

    async def _settle(self, lease: Lease, outcome: Outcome) -> None:
        """Store the outcome; if the store stays unusable the lease runs out, and the run is repeated."""
        for number in range(_SETTLE_TRIES):
            try:
                result = await self._store.write_row(settle_many, (lease, outcome))
            except (StoreBusy, StoreUnavailable) as exc:
                _log.warning("settle failed", consumer=lease.consumer.name, key=lease.key, error=str(exc))
                await asyncio.sleep(_STORE_WAIT_S * 2**number)
                continue
            except Exception as exc:  # noqa: BLE001 - the effects are the caller's code
                _log.error("effects failed", consumer=lease.consumer.name, key=lease.key, exc_info=exc)
                outcome = self._after_failure(lease, f"{type(exc).__name__}: {exc}")
                continue
            self._held.pop(lease.token, None)
            self._count(lease, outcome, result)
            return
        self._held.pop(lease.token, None)

    def _count(self, lease: Lease, outcome: Outcome, result: Settled | Lost) -> None:
        if isinstance(result, Lost):
            _log.warning("lease lost", consumer=lease.consumer.name, key=lease.key)
            _LOST.inc()
        else:
            _SETTLED[type(outcome)].inc()

    async def _renew_loop(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / _RENEWALS_A_LEASE)
            leases = list(self._held.values())
            if not leases:
                continue
            try:
                await self._store.write(lambda tx, held=leases: renew(tx, held, lease_s=self._lease_s))
            except StoreError as exc:
                _log.warning("renewal failed", leases=len(leases), error=str(exc))

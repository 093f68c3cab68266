"""The loop: leases ahead, runs up to so many lanes at a time, and settles them together."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Final

import msgspec

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.arrivals import route_all
from livefeed.durable.entries import ARRIVALS, LANES, index_entries
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Dead, Outcome
from livefeed.durable.schedule import Schedule, next_try
from livefeed.durable.store import Store
from livefeed.durable.worker.exchange import Exchange
from livefeed.errors import StoreError

Run = Callable[[Lease], Awaitable[Outcome]]
Hook = Callable[[Lease], None]

_RENEWALS_A_LEASE: Final = 3
_STORE_WAIT_S: Final = 0.05
_STOP_TURNS: Final = 6
_LONGEST_REST_S: Final = 5.0
# Outcomes wait for one another, so that the same pages are written once for many; never longer than this.
_LONGEST_UNSETTLED_S: Final = 0.02
_AHEAD_FACTOR: Final = 3
_MOST_A_TURN: Final = 192  # whoever writes meanwhile waits for a whole turn
_UNSETTLED_FACTOR: Final = 4
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
        on_turn: Callable[[], None] | None = None,
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
            on_turn: Called before outcomes are stored; what it gives the store is committed with them.
        """
        self._store = store
        self._run = run
        self._clock = clock
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._schedule = schedule or Schedule()
        self._on_leased = on_leased
        self._on_finished = on_finished
        self._exchange: Final = Exchange(
            store,
            clock=clock,
            lease_s=lease_s,
            entries_limit=entries_limit,
            after_failure=self._after_failure,
            on_turn=on_turn,
        )
        self._bell = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._ready: deque[Lease] = deque()
        self._pumping: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._is_stopping = False
        # Kept, because asking which loop runs is a system call on Linux.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endings: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Start leasing."""
        self._endings = [
            self._store.listen(LANES, self._bell.set),
            self._store.listen(ARRIVALS, self._expect_arrivals),
        ]
        self._is_stopping = False
        self._loop = asyncio.get_running_loop()
        self._pumping = asyncio.create_task(self._pump())
        self._renewing = asyncio.create_task(self._renew())

    async def stop(self, *, grace_s: float = 10.0) -> None:
        """Lease nothing more, let runs end for ``grace_s`` seconds, then cancel them; their lanes go back."""
        for end in self._endings:
            end()
        self._is_stopping = True
        self._bell.set()
        if self._pumping is not None:
            await self._pumping
        self._give_back()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        loops = [self._renewing] if self._renewing is not None else []
        for task in [*self._tasks, *loops]:
            task.cancel()
        await asyncio.gather(*self._tasks, *loops, return_exceptions=True)
        settled = {lease.token for lease, _ in self._exchange.over}
        for lease in self._exchange.held.values():
            if lease.token not in settled:
                again = Again(at_ms=self._clock.now_ms(), reason="the worker stopped")
                self._exchange.over.append((lease, again))
        await self._settle_all()
        self._pumping = self._renewing = self._loop = None

    def _give_back(self) -> None:
        """Put back what was leased ahead and not begun; that was no try."""
        unbegun, self._ready = self._ready, deque()
        for lease in unbegun:
            untried = msgspec.structs.replace(lease, attempt=lease.attempt - 1)
            again = Again(at_ms=self._clock.now_ms(), reason="the worker stopped")
            self._exchange.over.append((untried, again))

    async def _settle_all(self) -> None:
        """Settle what is over; if the store stays unusable the leases run out, and the runs are repeated."""
        for number in range(_STOP_TURNS):
            try:
                await self._exchange.turn(0)
            except StoreError as exc:
                _log.warning("settle failed", settles=len(self._exchange.over), error=str(exc))
                await asyncio.sleep(_STORE_WAIT_S * 2**number)
            else:
                return

    async def run_due(self) -> int:
        """Run whatever is due at this moment, and what becomes due by it, until nothing is; for tests.

        Returns:
            How many runs that were.
        """
        runs = 0
        await self._store.write(route_all)
        while True:
            leases, _ = await self._turn_safely(self._concurrency)
            runs += len(leases)
            await asyncio.gather(*(self._one(lease) for lease in leases))
            if not leases and not self._exchange.over:
                return runs

    async def _pump(self) -> None:
        while not self._is_stopping:
            self._bell.clear()
            wanted = self._wanted()
            leases, due_ms = await self._turn_safely(wanted)
            self._ready.extend(leases)
            if not self._is_stopping:
                self._start_ready()
            is_all = len(leases) < wanted or not self._is_short()
            if is_all and not self._is_pressing() and not await self._tidy():
                await self._rest(due_ms)

    def _wanted(self) -> int:
        """How many lanes to lease: a whole batch when few are ready, so that a lease costs little for each.

        A slow disk may leave some settles unfinished, but not any number.
        """
        if not self._is_short():
            return 0
        ahead = _AHEAD_FACTOR * self._concurrency - self._running - len(self._ready)
        unsettled = len(self._exchange.held) - len(self._exchange.over)
        return min(ahead, _UNSETTLED_FACTOR * self._concurrency - unsettled, _MOST_A_TURN)

    def _is_short(self) -> bool:
        return len(self._ready) <= self._concurrency // 2

    def _is_pressing(self) -> bool:
        """Whether what is over should be settled now: by it, more can be leased."""
        return bool(self._exchange.over) and self._is_short()

    def _start_ready(self) -> None:
        """Run what is leased, up to the concurrency."""
        assert self._loop is not None, "lanes are leased ahead only once the worker has started"
        for _ in range(min(len(self._ready), self._concurrency - self._running)):
            self._running += 1
            self._begin(self._loop, self._run_ready())

    def _begin(self, loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, None]) -> None:
        task = loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_ready(self) -> None:
        """Run one lane after the other, as long as some are ready."""
        try:
            while self._ready and not self._is_stopping:
                await self._one(self._ready.popleft())
        finally:
            self._running -= 1

    def _expect_arrivals(self) -> None:
        """Wake up in time to route them: not at each commit while a rest lasts."""
        if not self._exchange.has_arrivals:
            self._exchange.has_arrivals = True
            asyncio.get_running_loop().call_later(self._exchange.until_routing_s(), self._bell.set)

    async def _tidy(self) -> bool:
        """Use a moment without work for the index of entries; say whether there was anything to do."""
        if self._bell.is_set() or self._running or self._exchange.has_arrivals:
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
        if self._exchange.has_arrivals:
            wait_s = min(wait_s, self._exchange.until_routing_s())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._bell.wait()

    async def _turn_safely(self, limit: int) -> tuple[list[Lease], int | None]:
        try:
            return await self._exchange.turn(limit)
        except Exception as exc:  # noqa: BLE001 - the loop outlives whatever the store raises
            _log.warning("lease failed", error=f"{type(exc).__name__}: {exc}")
            await asyncio.sleep(_STORE_WAIT_S)
            return [], self._clock.now_ms()

    async def _one(self, lease: Lease) -> None:
        """Run one lease; its outcome is settled with others, one with effects by itself."""
        if self._on_leased is not None:
            self._on_leased(lease)
        outcome = await self._outcome(lease)
        if self._on_finished is not None:
            self._on_finished(lease)
        if outcome.effects is not None:
            await self._settle_alone(lease, outcome)
            return
        over = self._exchange.over
        over.append((lease, outcome))
        if self._is_short():
            self._bell.set()
        elif len(over) == 1 and self._loop is not None:
            self._loop.call_later(_LONGEST_UNSETTLED_S, self._bell.set)

    async def _settle_alone(self, lease: Lease, outcome: Outcome) -> None:
        """Settle with effects; a started worker runs the next lane meanwhile."""
        if self._loop is None:
            await self._exchange.settle(lease, outcome)
        else:
            self._begin(self._loop, self._settle_and_ring(lease, outcome))

    async def _settle_and_ring(self, lease: Lease, outcome: Outcome) -> None:
        await self._exchange.settle(lease, outcome)
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

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / _RENEWALS_A_LEASE)
            await self._exchange.renew()

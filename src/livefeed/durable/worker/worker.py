"""The loop: leases ahead, runs up to so many lanes at a time, and settles them together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.arrivals import route_all
from livefeed.durable.entries import ARRIVALS, LANES
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Outcome
from livefeed.durable.schedule import Schedule
from livefeed.durable.store import Store
from livefeed.durable.worker.appetite import Appetite
from livefeed.durable.worker.bell import Bell
from livefeed.durable.worker.exchange import Exchange
from livefeed.durable.worker.failures import retrying
from livefeed.durable.worker.patience import Patience
from livefeed.durable.worker.runners import Runners
from livefeed.durable.worker.slots import Slots
from livefeed.durable.worker.tidying import Tidying
from livefeed.errors import StoreError

Run = Callable[[Lease], Awaitable[Outcome]]
Hook = Callable[[Lease], None]
Ahead = Callable[[Sequence[Lease]], Awaitable[None]]

_RENEWALS_A_LEASE: Final = 3
_STORE_WAIT_S: Final = 0.05
_STOP_TURNS: Final = 6
_LONGEST_REST_S: Final = 5.0
# Outcomes wait for one another, so that the same pages are written once for many; never longer than this.
_LONGEST_UNSETTLED_S: Final = 0.02
_HEAD_START_S: Final = 0.001  # of a few runs that have just begun, before a turn that could only settle
_FEW_BEGUN: Final = 8
_CAPS_AHEAD: Final = 16  # so many times its cap a consumer is leased where no other process leases
_PARKED_FACTOR: Final = 4
_STOPPED: Final = "the worker stopped"
_WENT_DOWN: Final = "its consumer went down before it was begun"
_DOWN_MS: Final = 1_000  # what comes back unbegun is left alone for
_log: Final = telemetry.logger("durable")


class Worker:
    """Runs due lanes."""

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
        opening: int | None = None,
        ahead: Ahead | None = None,
        on_leased: Hook | None = None,
        on_finished: Hook | None = None,
        on_turn: Callable[[], None] | None = None,
    ) -> None:
        """Prepare a worker; `start` starts it.

        Args:
            store: Where the lanes are.
            run: Does the work of one lease and says what became of it. An exception counts as a failure.
            clock: Tells the time.
            concurrency: How many runs at a time; those that hang are not counted, to a limit.
            lease_s: How long a lane is hidden; renewed while its run lasts.
            entries_limit: How many entries of a lane make a run.
            schedule: When a run that raised is repeated.
            opening: How many runs a consumer may begin before one has ended; None: up to its cap.
            ahead: Awaited with all leases of a turn before the first is run; it does not raise.
            on_leased: Called for each lease before its run.
            on_finished: Called for each lease between its run and its settle.
            on_turn: Called before outcomes are stored; what it gives the store is committed with them.
        """
        self._store, self._run, self._clock = store, run, clock
        self._concurrency = concurrency
        self._appetite = Appetite(store, concurrency)
        self._lease_s = lease_s
        self._after_failure = retrying(schedule or Schedule(), clock)
        self._ahead, self._on_leased, self._on_finished = ahead, on_leased, on_finished
        self._bell, self._tidying = Bell(), Tidying(store)
        self._exchange: Final = Exchange(
            store,
            clock=clock,
            lease_s=lease_s,
            entries_limit=entries_limit,
            after_failure=self._after_failure,
            on_turn=on_turn,
            on_seen=self._bell.clear_new,
        )
        self._slots = Slots(concurrency, opening=opening)
        self._runners = Runners(self._one, self._put_back, self._slots, on_tick=self._look_again)
        # A file has one process, which keeps to the caps itself and leases ahead of them.
        self._caps_ahead = _CAPS_AHEAD if store.engine == "sqlite" else 1
        self._pumping: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._patience = Patience(
            _LONGEST_UNSETTLED_S, self._bell.ring, is_waiting=lambda: bool(self._exchange.over)
        )
        self._is_stopping = self._is_filled = False
        self._endings: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Start leasing."""
        self._endings = [
            self._store.listen(LANES, self._bell.ring_new),
            self._store.listen(ARRIVALS, self._expect_arrivals),
        ]
        self._is_stopping = False
        self._runners.start()
        self._pumping = asyncio.create_task(self._pump())
        self._renewing = asyncio.create_task(self._renew())

    async def stop(self, *, grace_s: float = 10.0) -> None:
        """Lease nothing more, let runs end for ``grace_s`` seconds, then cancel them; their lanes go back."""
        for end in self._endings:
            end()
        self._is_stopping = True
        self._runners.pause()
        self._bell.ring_new()
        if self._pumping is not None:
            await self._pumping
        again = Again(at_ms=self._clock.now_ms(), reason=_STOPPED, is_try=False)
        self._exchange.over += [(lease, again) for lease in self._runners.end()]
        tasks = self._runners.tasks
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        loops = [self._renewing] if self._renewing is not None else []
        for task in [*tasks, *loops]:
            task.cancel()
        await asyncio.gather(*tasks, *loops, return_exceptions=True)
        settled = {lease.token for lease, _ in self._exchange.over}
        for lease in self._exchange.held.values():
            if lease.token not in settled:
                self._exchange.over.append((lease, Again(at_ms=self._clock.now_ms(), reason=_STOPPED)))
        await self._settle_all()
        self._pumping = self._renewing = None

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
            self._appetite.look_around()
            wanted = self._wanted()
            self._is_filled = wanted <= 0
            is_full = self._slots.parked > _PARKED_FACTOR * self._concurrency
            leases, due_ms = await self._turn_safely(wanted, 1 if is_full else self._caps_ahead)
            self._runners.add(leases)
            self._let_gather(leases)
            self._tidying.came()
            is_all = len(leases) < max(wanted, 1) or not self._is_short()
            if is_all and 0 < len(leases) <= _FEW_BEGUN:
                await self._bell.wait_new(_HEAD_START_S)
            if is_all and not (self._exchange.over and self._is_pressing()) and not await self._tidy():
                await self._rest(due_ms)

    def _let_gather(self, leases: Sequence[Lease]) -> None:
        """What has ended during a turn pressed for the next leases; now that they are here, it can wait."""
        over, loop = self._exchange.over, self._runners.loop
        if leases and over and loop is not None and not self._is_pressing():
            self._bell.calm()
            self._patience.begin(loop)

    def _wanted(self) -> int:
        """How many lanes to lease: a whole batch when few are ready."""
        if not self._is_short():
            return 0
        held, over = len(self._exchange.held), len(self._exchange.over)
        return self._appetite.wanted(self._slots, ready=len(self._runners.ready), unsettled=held - over)

    def _is_short(self) -> bool:
        return len(self._runners.ready) <= self._appetite.few

    def _is_pressing(self) -> bool:
        """Whether what is over should be settled now: by it, more can be leased."""
        return len(self._runners.ready) + self._slots.parked <= self._appetite.few

    def _look_again(self) -> None:
        """What hangs has made room; if nothing was leased for want of it, that is made good."""
        if self._is_filled and self._is_short():
            self._bell.ring()

    def _put_back(self, lease: Lease) -> None:
        self._ended(lease, Again(at_ms=self._clock.now_ms() + _DOWN_MS, reason=_WENT_DOWN, is_try=False))

    def _expect_arrivals(self) -> None:
        """Wake up in time to route them: not at each commit while a rest lasts."""
        if not self._exchange.has_arrivals:
            self._exchange.has_arrivals = True
            asyncio.get_running_loop().call_later(self._exchange.until_routing_s(), self._bell.ring_new)

    def _is_calm(self) -> bool:
        """Whether nothing is under way and nothing has arrived."""
        return not self._slots.running and not self._exchange.has_arrivals

    async def _tidy(self) -> bool:
        """Use a moment without work; say whether there is more to do in it."""
        return self._is_calm() and not self._bell.is_rung and await self._tidying.tidy()

    async def _rest(self, due_ms: int | None) -> None:
        """Wait for the bell, or until something is due."""
        wait_s = _LONGEST_REST_S
        if due_ms is not None:
            wait_s = min(wait_s, max(0.0, (due_ms - self._clock.now_ms()) / 1000))
        if self._exchange.has_arrivals:
            wait_s = min(wait_s, self._exchange.until_routing_s())
        if self._is_calm():
            wait_s = min(wait_s, self._tidying.until_s())
        await self._bell.wait(wait_s)

    async def _turn_safely(self, limit: int, times: int = 1) -> tuple[list[Lease], int | None]:
        try:
            leases, due_ms = await self._exchange.turn(limit, times)
        except Exception as exc:  # noqa: BLE001 - the loop outlives whatever the store raises
            _log.warning("lease failed", error=f"{type(exc).__name__}: {exc}")
            await asyncio.sleep(_STORE_WAIT_S)
            return [], self._clock.now_ms()
        if leases and self._ahead is not None:
            await self._ahead(leases)
        return leases, due_ms

    async def _one(self, lease: Lease) -> Outcome:
        """Run one lease; its outcome is settled with others, one with effects by itself."""
        if self._on_leased is not None:
            self._on_leased(lease)
        try:
            outcome = await self._run(lease)
        except Exception as exc:  # noqa: BLE001 - the one place where a run may raise anything
            _log.warning("run failed", consumer=lease.consumer.name, key=lease.key, error=type(exc).__name__)
            outcome = self._after_failure(lease, f"{type(exc).__name__}: {exc}")
        if self._on_finished is not None:
            self._on_finished(lease)
        if outcome.effects is not None:
            await self._settle_alone(lease, outcome)
        else:
            self._ended(lease, outcome)
        return outcome

    def _ended(self, lease: Lease, outcome: Outcome) -> None:
        """Settle it with the next turn, which comes now or soon."""
        over = self._exchange.over
        over.append((lease, outcome))
        if self._bell.is_rung:
            return
        if self._is_pressing():
            self._bell.ring()
        elif len(over) == 1 and (loop := self._runners.loop) is not None:
            self._patience.begin(loop)

    async def _settle_alone(self, lease: Lease, outcome: Outcome) -> None:
        """Settle with effects; a started worker runs the next lane meanwhile."""
        if self._runners.loop is None:
            await self._exchange.settle(lease, outcome)
        else:
            self._runners.begin(self._settle_and_ring(lease, outcome))

    async def _settle_and_ring(self, lease: Lease, outcome: Outcome) -> None:
        await self._exchange.settle(lease, outcome)
        if self._is_short():
            self._bell.ring()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / _RENEWALS_A_LEASE)
            await self._exchange.renew()

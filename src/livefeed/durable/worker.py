"""The worker: the one loop that leases lanes, runs them and settles them, for both halves."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.entries import LANES
from livefeed.durable.lanes import Lease, Lost, Settled, lease_due, next_due, renew, settle_many
from livefeed.durable.outcomes import Again, Dead, Outcome
from livefeed.durable.schedule import Schedule, next_try
from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreBusy, StoreUnavailable

Run = Callable[[Lease], Awaitable[Outcome]]
Hook = Callable[[Lease], None]

_RENEWALS_A_LEASE: Final = 3
_SETTLE_TRIES: Final = 6
_SETTLE_WAIT_S: Final = 0.05
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
        concurrency: int = 64,
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
        self._running: dict[asyncio.Task[None], Lease] = {}
        self._unsettled = 0
        self._loops: list[asyncio.Task[None]] = []
        self._end_listening: Callable[[], None] | None = None

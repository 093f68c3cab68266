"""The exchange: one unit of work stores what runs have decided and takes the next leases."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.arrivals import SLICE, route_arrivals
from livefeed.durable.engines.unit import Last
from livefeed.durable.lanes import Lease, Lost, Settled, lease_due, next_due, renew, settle_many
from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.durable.store import Store, Tx
from livefeed.durable.watch import Steps
from livefeed.errors import StoreBusy, StoreError, StoreUnavailable

Over = tuple[Lease, Outcome]
"""A run that has ended, and what it decided."""

_SETTLE_TRIES: Final = 6
_STORE_WAIT_S: Final = 0.05
# Arrivals get their lanes at once when few come. When many come, the more it were the last time, the longer
# until the next: the same pages are then written once for all of them, and the door has the writer to itself.
_ROUTING_REST_S: Final = 0.0002
_LONGEST_ROUTING_REST_S: Final = 0.05
_FULL_ROUTING_REST_S: Final = 0.01
_SETTLED: Final = {one: telemetry.settles.labels(one.__name__.lower()) for one in (Done, Again, Down, Dead)}
_LOST: Final = telemetry.settles.labels("lost")
_log: Final = telemetry.logger("durable")


class Exchange:
    """What a worker has from the store and owes it.

    Attributes:
        held: The leases that are not settled yet, by token.
        over: What is to be settled with the next turn.
        has_arrivals: Whether entries may wait for their lanes.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        lease_s: float,
        entries_limit: int,
        after_failure: Callable[[Lease, str], Outcome],
        on_turn: Callable[[], None] | None,
        on_seen: Callable[[], None],
    ) -> None:
        self._store = store
        self._lease_s = lease_s
        self._entries_limit = entries_limit
        self._after_failure = after_failure
        self._on_turn, self._on_seen = on_turn, on_seen
        # Two workers that settle and lease in one transaction could each wait for the other's consumers.
        self._is_shared = store.engine != "sqlite"
        self.held: dict[int, Lease] = {}
        self.over: list[Over] = []
        self.has_arrivals = True
        self._route_at_s = 0.0
        self._steps = Steps(clock, lease_s=lease_s)

    def until_routing_s(self) -> float:
        """How long arrivals are left to gather; 0: they are routed with the next turn."""
        return max(0.0, self._route_at_s - asyncio.get_running_loop().time())

    async def turn(self, limit: int, times: int = 1) -> tuple[list[Lease], int | None]:
        """Settle what is over, give arrivals their lanes and lease up to ``limit`` lanes.

        Args:
            limit: How many.
            times: How many times its cap a consumer may be leased; see `lease_due`.

        Returns:
            The leases; and if that is not all that was asked for, when something is due next.

        Raises:
            StoreError: Nothing is stored or leased; what is over is kept for the next turn.
        """
        if self._on_turn is not None:
            self._on_turn()
        over, self.over = self.over, []
        if limit <= 0 and not over:
            return [], None
        try:
            if over and self._is_shared:
                self._ended(over, await self._store.write(lambda tx: settle_many(tx, over)))
                over = []
            return await self._settle_and_lease(over, limit, times)
        except (StoreBusy, StoreUnavailable):
            self.over = over + self.over
            raise
        except Exception as exc:
            if not over:
                raise
            _log.error("settles failed", settles=len(over), exc_info=exc)
            await asyncio.gather(*(self.settle(lease, outcome) for lease, outcome in over))
            return [], None

    async def _settle_and_lease(
        self, over: Sequence[Over], limit: int, times: int
    ) -> tuple[list[Lease], int | None]:
        now_s = asyncio.get_running_loop().time()
        is_routing = limit > 0 and self.has_arrivals and now_s >= self._route_at_s

        mend = self._steps.look(self.held)
        if mend is not None and self._is_shared:  # it holds consumers, for which whoever routes waits
            await self._store.write(mend)
            self._steps.mended()
            mend = None

        def unit(tx: Tx) -> tuple[Sequence[Settled | Lost], int, list[Lease], int | None]:
            if mend is not None:
                mend(tx)
            settled = settle_many(tx, over) if over else ()
            routed = route_arrivals(tx) if is_routing else 0
            if limit <= 0:
                return settled, routed, [], None
            leases = lease_due(
                tx, limit=limit, lease_s=self._lease_s, entries_limit=self._entries_limit, times=times
            )
            return settled, routed, leases, next_due(tx) if len(leases) < limit else None

        if is_routing:
            self.has_arrivals = False
        try:
            settled, routed, leases, due_ms = await self._store.write(Last(unit, self._on_seen))
        except BaseException:
            self.has_arrivals = self.has_arrivals or is_routing
            raise
        if self._is_shared:  # nobody knows what a unit beside it has seen; a worker looks again soon
            self._on_seen()
        if mend is not None:
            self._steps.mended()
        if routed:
            self._route_at_s = now_s + self._routing_rest_s(routed)
            self.has_arrivals = self.has_arrivals or routed == SLICE
        self._ended(over, settled)
        self.held.update((lease.token, lease) for lease in leases)
        return leases, due_ms

    def _routing_rest_s(self, routed: int) -> float:
        """How long arrivals wait before they are routed again; none after a full slice if no more come in."""
        if routed == SLICE:
            return _FULL_ROUTING_REST_S if self.has_arrivals else 0.0
        return min(routed * _ROUTING_REST_S, _LONGEST_ROUTING_REST_S)

    async def settle(self, lease: Lease, outcome: Outcome) -> None:
        """Settle one run by itself, with its effects; if the store stays unusable the lease runs out."""
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
            self._ended([(lease, outcome)], [result])
            return
        self.held.pop(lease.token, None)

    def _ended(self, over: Sequence[Over], results: Sequence[Settled | Lost]) -> None:
        counts: dict[type[Outcome], int] = {}
        lost: dict[str, list[str]] = {}
        for (lease, outcome), result in zip(over, results, strict=True):
            self.held.pop(lease.token, None)
            if isinstance(result, Lost):
                lost.setdefault(lease.consumer.name, []).append(lease.key)
            else:
                counts[type(outcome)] = counts.get(type(outcome), 0) + 1
        for kind, count in counts.items():
            _SETTLED[kind].inc(count)
        for name, keys in lost.items():  # one that is retired loses all it has
            _log.warning("leases lost", consumer=name, leases=len(keys), key=keys[0])
            _LOST.inc(len(keys))

    async def renew(self) -> None:
        """Hide the lanes of all leases that are held for another while."""
        leases = list(self.held.values())
        if not leases:
            return
        try:
            await self._store.write(lambda tx: renew(tx, leases, lease_s=self._lease_s))
        except StoreError as exc:
            _log.warning("renewal failed", leases=len(leases), error=str(exc))

"""Steps of the clock: one that is set back or jumps ahead neither holds work up nor ends leases early."""

from collections.abc import Callable, Mapping
from typing import Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable import sql
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes import Lease, renew

_SQL: Final = sql.load("livefeed.durable", "queries/watch.sql")
_MARK_EVERY_MS: Final = 60_000
_TOLERATED_MS: Final = 1_000
_log: Final = telemetry.logger("durable.clock")

Mend = Callable[[Tx], None]


class Steps:
    """Compares each look at the clock with the one before; of earlier runs the database keeps a mark."""

    def __init__(self, clock: Clock, *, lease_s: float) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._seen_ms = 0
        self._marked_ms = 0
        self._pending: list[Mend] = []

    def look(self, held: Mapping[int, Lease]) -> Mend | None:
        """What the next unit has to do first; nearly always nothing. It is said again until `mended`.

        Args:
            held: The leases of this worker, by token.
        """
        now_ms, seen_ms, self._seen_ms = self._clock.now_ms(), self._seen_ms, self._clock.now_ms()
        leases = list(held.values()) if abs(now_ms - seen_ms) > _TOLERATED_MS else []
        if seen_ms and now_ms < seen_ms - _TOLERATED_MS:
            self._marked_ms = now_ms
            self._pending.append(self._back(seen_ms - now_ms, leases))
        elif leases and now_ms - seen_ms > self._lease_s * 500:
            # It jumped, or this process stood still: what it still runs is not to be leased by itself.
            telemetry.clock_steps.labels("ahead").inc()
            self._pending.append(lambda tx: renew(tx, leases, lease_s=self._lease_s))
        elif now_ms - self._marked_ms >= _MARK_EVERY_MS:
            self._marked_ms = now_ms
            self._pending.append(_mark if seen_ms else self._since_mark)
        return self._mend if self._pending else None

    def mended(self) -> None:
        """The unit that had it to do is committed."""
        self._pending.clear()

    def _mend(self, tx: Tx) -> None:
        for one in tuple(self._pending):
            one(tx)

    def _since_mark(self, tx: Tx) -> None:
        """At the start: the clock may have been set back since the last run."""
        if tx.is_shared:
            self._lower_floors(tx)
            return
        mark_ms: int | None = _SQL.clock_mark(tx.conn)
        if mark_ms is not None and tx.now_ms < mark_ms - _TOLERATED_MS:
            self._back(mark_ms - tx.now_ms, [])(tx)
        else:
            _mark(tx)

    def _back(self, by_ms: int, leases: list[Lease]) -> Mend:
        """Bring forward, by as much as the clock was set back, what lies ahead; leases begin anew."""
        telemetry.clock_steps.labels("back").inc()
        _log.warning("the clock was set back", by_s=by_ms / 1000)

        def mend(tx: Tx) -> None:
            if tx.is_shared:
                # Times that other machines wrote, whose clocks are right, are not ours to move.
                self._lower_floors(tx)
                renew(tx, leases, lease_s=self._lease_s)
                return
            _SQL.bring_lanes_forward(tx.conn, by=by_ms, now=tx.now_ms)
            _SQL.bring_consumers_forward(tx.conn, by=by_ms, now=tx.now_ms)
            _SQL.shorten_leases(tx.conn, until=self._fresh_until_ms(tx))
            _SQL.shorten_lease_end(tx.conn, until=self._fresh_until_ms(tx))
            renew(tx, leases, lease_s=self._lease_s)
            _SQL.set_clock_mark(tx.conn, now=tx.now_ms)

        return mend

    def _lower_floors(self, tx: Tx) -> None:
        _SQL.lower_floors(tx.conn, now=tx.now_ms, until=self._fresh_until_ms(tx))

    def _fresh_until_ms(self, tx: Tx) -> int:
        """When a lease ends that is taken now."""
        return tx.now_ms + round(self._lease_s * 1000)


def _mark(tx: Tx) -> None:
    if not tx.is_shared:
        _SQL.set_clock_mark(tx.conn, now=tx.now_ms)

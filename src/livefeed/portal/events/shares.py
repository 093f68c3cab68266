"""Shares: a handler that answers slowly gets fewer deliveries at a time, so that it holds nobody else up.

A handler that does not answer at all is the breaker's business: it is down, and probed with one event. One
that answers, but late, would fill the dispatcher with its deliveries; its cap is lowered until it is quick
again. The cap stands in the database, so that every process keeps to it.
"""

from dataclasses import dataclass
from typing import Final

from livefeed.durable import consumers
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.portal.events.handlers import CAP

_STEPS: Final = ((4_000, 1), (2_000, 2), (1_000, 4), (500, 8))
"""From so many ms on, so many at a time."""

_WEIGHT: Final = 0.25  # of the last answer in the average
_AGAIN_MS: Final = 30_000  # an effect that was lost is tried again after this
_KEPT: Final = 50_000


def cap_for(average_ms: float, *, full: int = CAP) -> int:
    """How many deliveries at a time a handler gets that takes ``average_ms`` for each.

    Example: all at 50 ms, 8 at 500 ms, 1 at 4 s.
    """
    return next((min(cap, full) for least_ms, cap in _STEPS if average_ms >= least_ms), full)


@dataclass(slots=True)
class _Known:
    average_ms: float
    asked_cap: int = 0
    asked_at_ms: int = 0


class Shares:
    """What is known of the quickness of handlers, in memory: a new process learns it again."""

    def __init__(self) -> None:
        self._known: dict[ConsumerId, _Known] = {}

    def outcome(
        self, lease: Lease, took_ms: int, now_ms: int, outcome: Outcome, *, is_cut: bool = False
    ) -> Outcome:
        """``outcome``, with the handler's new cap as its effect if that is another now.

        Args:
            lease: Of the delivery that was answered.
            took_ms: How long the answer took.
            now_ms: The time.
            outcome: What the answer means.
            is_cut: It was longer than is read: that costs as much as many short ones, and the connection.
                Such a handler is treated as the slowest, however quick it is.
        """
        if is_cut:
            took_ms = max(took_ms, _STEPS[0][0])
        known = self._known.get(lease.consumer.id)
        if known is None:
            if took_ms < _STEPS[-1][0] and lease.consumer.cap == CAP:
                return outcome  # quick, as nearly all are: nothing to remember
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[lease.consumer.id] = _Known(float(took_ms))
        known.average_ms += _WEIGHT * (took_ms - known.average_ms)
        cap = cap_for(known.average_ms)
        if cap == lease.consumer.cap:
            if cap == CAP:
                del self._known[lease.consumer.id]
            return outcome
        is_asked = known.asked_cap == cap and now_ms - known.asked_at_ms < _AGAIN_MS
        if is_asked or not isinstance(outcome, Done) or outcome.effects is not None:
            return outcome
        known.asked_cap, known.asked_at_ms = cap, now_ms
        return Done(through=outcome.through, effects=lambda tx: _set_cap(tx, lease.consumer.id, cap))


def _set_cap(tx: Tx, consumer: ConsumerId, cap: int) -> None:
    consumers.set_cap(tx, consumer, cap)

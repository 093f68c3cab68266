"""Shares: a handler that answers slowly gets fewer deliveries at a time, so that it holds nobody else up.

A handler that does not answer at all is the breaker's business: it is down, and probed with one event. One
that answers, but late, would fill the dispatcher with its deliveries; its cap is lowered until it is quick
again. One whose answers are cut is sent one at a time, and the longer that lasts the longer it waits between
two: each costs what hundreds of short ones do. Cap and pace stand in the database, and every process keeps to
them.
"""

from dataclasses import dataclass
from typing import Final

from livefeed.durable import consumers
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.portal.events.handlers import CAP

_STEPS: Final = ((4_000, 1), (2_000, 2), (1_000, 4), (500, 8))
"""From so many ms on, so many at a time."""

_CUT_PACES_MS: Final = (1_000, 4_000)  # the first and the longest; each is twice the one before
_WEIGHT: Final = 0.25  # of the last answer in the average
_AGAIN_MS: Final = 30_000  # an effect that was lost is tried again after this
_KEPT: Final = 50_000


def pace_for(pace_ms: int, since_ms: int, *, is_cut: bool) -> int:
    """How long a handler is left alone between two deliveries, after one more answer.

    Args:
        pace_ms: How long until now.
        since_ms: How long that has been so: what was sent before says nothing new.
        is_cut: Whether the answer was longer than is read; any other ends it.
    """
    first, longest = _CUT_PACES_MS
    if not is_cut:
        return 0
    return pace_ms if pace_ms and since_ms < pace_ms else min(longest, max(first, 2 * pace_ms))


def cap_for(average_ms: float, *, full: int = CAP) -> int:
    """How many deliveries at a time a handler gets that takes ``average_ms`` for each.

    Example: all at 50 ms, 8 at 500 ms, 1 at 4 s.
    """
    return next((min(cap, full) for least_ms, cap in _STEPS if average_ms >= least_ms), full)


@dataclass(slots=True)
class _Known:
    average_ms: float
    pace_ms: int = 0
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
                Such a handler is treated as the slowest, however quick it is, and is paced.
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
        pace_ms = pace_for(known.pace_ms, now_ms - known.asked_at_ms, is_cut=is_cut)
        if cap == lease.consumer.cap and pace_ms == known.pace_ms:
            if cap == CAP:
                del self._known[lease.consumer.id]
            return outcome
        is_asked = known.asked_cap == cap and known.pace_ms == pace_ms
        if is_asked and now_ms - known.asked_at_ms < _AGAIN_MS:
            return outcome
        if not isinstance(outcome, Done) or outcome.effects is not None:
            return outcome
        known.asked_cap, known.pace_ms, known.asked_at_ms = cap, pace_ms, now_ms
        return Done(
            through=outcome.through,
            effects=lambda tx: consumers.set_share(tx, lease.consumer.id, cap=cap, pace_ms=pace_ms),
        )

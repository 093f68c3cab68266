"""Failures: what becomes of a run that raised."""

import random
from collections.abc import Callable

from livefeed.clock import Clock
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Dead, Outcome
from livefeed.durable.schedule import Schedule, next_try


def retrying(schedule: Schedule, clock: Clock) -> Callable[[Lease, str], Outcome]:
    """What says, of a lease and the reason, when it is tried again, or that it is given up."""

    def outcome(lease: Lease, reason: str) -> Outcome:
        at_ms = next_try(
            schedule,
            attempt=lease.attempt,
            now_ms=clock.now_ms(),
            first_at_ms=lease.first_at_ms,
            retry_after_s=None,
            draw=random.random(),
        )
        return Dead(reason=reason) if at_ms is None else Again(at_ms=at_ms, reason=reason)

    return outcome

"""The retry schedule: when to try again, as a pure function."""

from dataclasses import dataclass
from typing import Final

_LONGEST_EXPONENT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How failures are repeated.

    Attributes:
        first_s: Wait after the first failure.
        factor: Each wait is this many times the one before.
        longest_s: No wait is longer; also the most that a Retry-After is honoured for.
        give_up_s: Nothing is tried later than this after its first try became possible.
        jitter: Up to this share of a wait is added to it, never taken off.
    """

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 3 * 3600.0
    give_up_s: float = 3 * 86_400.0
    jitter: float = 0.25


def next_try(
    schedule: Schedule,
    *,
    attempt: int,
    now_ms: int,
    first_at_ms: int,
    retry_after_s: float | None,
    draw: float,
) -> int | None:
    """When to try again after ``attempt`` tries, in ms; None: give up.

    Args:
        schedule: The rules.
        attempt: How many tries were made, at least 1.
        now_ms: The time.
        first_at_ms: When the first try became possible.
        retry_after_s: What the other side asked for, in seconds from now; honoured up to ``longest_s``.
        draw: A random number from 0 to 1, for the jitter.
    """
    grown_s = schedule.first_s * schedule.factor ** min(max(attempt, 1) - 1, _LONGEST_EXPONENT)
    asked_s = 0.0 if retry_after_s is None else max(retry_after_s, 0.0)
    wait_s = min(max(grown_s, asked_s), schedule.longest_s)
    at_ms = now_ms + max(1, round(wait_s * (1 + schedule.jitter * draw) * 1000))
    return None if at_ms > first_at_ms + round(schedule.give_up_s * 1000) else at_ms

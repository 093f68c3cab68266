"""Verdicts: what becomes of an event after one attempt to hand it on, decided by a pure function."""

from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.durable.schedule import Schedule, next_try

_AWAY: Final = frozenset({408, 429, 502, 503, 504})
"""The application as a whole cannot be reached; any other status is about the event it was given."""

_LONGEST_PROBE_S: Final = 60.0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt brought.

    Attributes:
        status: Of the answer; None: there was none.
        detail: One line for people.
        retry_after_s: What the answer asked for, in seconds from now.
    """

    status: int | None
    detail: str
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the other side has it now."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_away(self) -> bool:
        """Whether nothing else need be tried either."""
        return self.status is None or self.status in _AWAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """Where an event stands.

    Attributes:
        attempt: 1 for the first.
        fails: How often in a row the target was away before, whichever event it was probed with.
        first_at_ms: When it became possible.
        now_ms: The time.
        draw: From 0 to 1, for the jitter.
    """

    attempt: int
    fails: int
    first_at_ms: int
    now_ms: int
    draw: float


def judge(schedule: Schedule, tried: Try, reply: Reply) -> Outcome:
    """What becomes of the event.

    A 500 is of one event: a fault in how one post is handled must not hold up the others. Only an application
    that is not there makes all of them wait, for one that probes it.
    """
    if reply.is_taken:
        return Done()
    rules = _probing(schedule, reply) if reply.is_away else schedule
    at_ms = next_try(
        rules,
        attempt=tried.fails + 1 if reply.is_away else tried.attempt,
        now_ms=tried.now_ms,
        first_at_ms=tried.first_at_ms,
        retry_after_s=reply.retry_after_s,
        draw=tried.draw,
    )
    if at_ms is None:
        probe_at_ms = tried.now_ms + round(rules.longest_s * 1000) if reply.is_away else None
        return Dead(
            reason=f"given up after {tried.attempt} attempts: {reply.detail}", probe_at_ms=probe_at_ms
        )
    if reply.is_away:
        return Down(probe_at_ms=at_ms, reason=reply.detail)
    return Again(at_ms=at_ms, reason=reply.detail)


def _probing(schedule: Schedule, reply: Reply) -> Schedule:
    """One request a minute costs nobody anything, and what comes back is given its events soon."""
    asked_s = min(reply.retry_after_s or 0.0, schedule.longest_s)
    return replace(schedule, longest_s=max(min(_LONGEST_PROBE_S, schedule.longest_s), asked_s))


def retry_after_of(text: str | None, now_ms: int) -> float | None:
    """The seconds that a Retry-After header asks for; None if there is none that can be read."""
    if text is None:
        return None
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit():
        return float(stripped[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_ms / 1000)
    except (ValueError, OverflowError):
        return None

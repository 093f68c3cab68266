"""Verdicts: what becomes of a delivery after one attempt, decided by pure functions."""

from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.durable.schedule import Schedule, next_try

Policy: TypeAlias = Literal["durable", "bitrix24"]
Reach: TypeAlias = Literal["delivered", "gone", "refused", "down"]
AttemptState: TypeAlias = Literal["delivered", "backing_off", "dead"]

_GONE: Final = 410
_DOWN: Final = frozenset({429})


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt brought.

    Attributes:
        status: Of the answer; None: there was none.
        error: ``connect``, ``timeout``, ``tls``, ``reset``, ``blocked``, ``status`` or ``too_large``; None:
            nothing is wrong.
        detail: One line for people.
        retry_after_s: What the answer asked for, in seconds from now.
        ms: How long it took.
        content: The body of the answer, as much of it as was read.
    """

    status: int | None
    error: str | None
    detail: str
    retry_after_s: float | None = None
    ms: int = 0
    content: bytes = b""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery stands.

    Attributes:
        attempt: 1 for the first.
        fails: How often in a row the handler was down before, whichever event it was probed with.
        first_at_ms: When it became possible.
        now_ms: The time.
        draw: A random number from 0 to 1, for the jitter.
    """

    attempt: int
    fails: int
    first_at_ms: int
    now_ms: int
    draw: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the clockwork is told, and what the log says; ``unbinds``: the handler wants no more (410)."""

    outcome: Outcome
    state: AttemptState
    unbinds: bool = False


DELIVERED: Final = Verdict(outcome=Done(), state="delivered")
"""What becomes of a delivery that was taken."""


def reach_of(reply: Reply) -> Reach:
    """How far an attempt came.

    A redirect is a refusal: it is not followed (contract A-49).
    """
    match reply.status:
        case None:
            return "down"
        case status if 200 <= status < 300:
            return "delivered"
        case status if status == _GONE:
            return "gone"
        case status if status >= 500 or status in _DOWN:
            return "down"
        case _:
            return "refused"


def judge(policy: Policy, schedule: Schedule, tried: Try, reply: Reply) -> Verdict:
    """What becomes of a delivery under ``policy``."""
    reach = reach_of(reply)
    if reach == "delivered":
        return DELIVERED
    if reach == "gone":
        return Verdict(outcome=Done(), state="dead", unbinds=True)
    match policy:
        case "durable":
            return _repeated(schedule, tried, reply, is_down=reach == "down")
        case "bitrix24":
            # One attempt: what fails is logged and lost (api-reference/events/index.md).
            return Verdict(outcome=Done(), state="dead")
        case _:
            assert_never(policy)


def _repeated(schedule: Schedule, tried: Try, reply: Reply, *, is_down: bool) -> Verdict:
    at_ms = next_try(
        schedule,
        attempt=tried.fails + 1 if is_down else tried.attempt,
        now_ms=tried.now_ms,
        first_at_ms=tried.first_at_ms,
        retry_after_s=reply.retry_after_s,
        draw=tried.draw,
    )
    if at_ms is None:
        probe_at_ms = tried.now_ms + round(schedule.longest_s * 1000) if is_down else None
        reason = f"given up after {tried.attempt} attempts: {reply.detail}"
        return Verdict(outcome=Dead(reason=reason, probe_at_ms=probe_at_ms), state="dead")
    if is_down:
        return Verdict(outcome=Down(probe_at_ms=at_ms, reason=reply.detail), state="backing_off")
    return Verdict(outcome=Again(at_ms=at_ms, reason=reply.detail), state="backing_off")


def retry_after_of(text: str | None, now_ms: int) -> float | None:
    """The seconds that a Retry-After header asks for; None if there is none that can be read."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_ms / 1000)
    except (ValueError, OverflowError):
        return None


def next_pace_ms(pace_ms: int, reply: Reply, *, slow_ms: int = 1_000, longest_ms: int = 60_000) -> int:
    """The pause between two deliveries to a handler under the faithful policy.

    It doubles with each slow or failed answer and halves with each quick one; real numbers are not documented
    (contract A-09).
    """
    if reach_of(reply) == "delivered" and reply.ms < slow_ms:
        return pace_ms // 2 if pace_ms > slow_ms // 4 else 0
    return min(max(pace_ms * 2, slow_ms // 4), longest_ms)

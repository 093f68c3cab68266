"""The retry schedule, as a pure function."""

from hypothesis import given
from hypothesis import strategies as st

from livefeed.durable.schedule import Schedule, next_try

PLAIN = Schedule(jitter=0.0)
NOW = 1_743_000_000_000


def after(
    attempt: int, schedule: Schedule = PLAIN, *, retry_after_s: float | None = None, draw: float = 0.0
) -> float | None:
    at_ms = next_try(
        schedule, attempt=attempt, now_ms=NOW, first_at_ms=NOW, retry_after_s=retry_after_s, draw=draw
    )
    return None if at_ms is None else (at_ms - NOW) / 1000


def test_waits_double_up_to_the_longest() -> None:
    assert [after(attempt) for attempt in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert after(40) == 3 * 3600
    assert after(10_000) == 3 * 3600


def test_jitter_is_only_added() -> None:
    assert after(1, Schedule(jitter=0.25), draw=0.0) == 0.5
    assert after(1, Schedule(jitter=0.25), draw=1.0) == 0.625


def test_retry_after_is_honoured_with_a_cap() -> None:
    assert after(1, retry_after_s=120) == 120
    assert after(1, retry_after_s=0.1) == 0.5
    assert after(1, retry_after_s=10**9) == 3 * 3600
    assert after(1, retry_after_s=-5) == 0.5


def test_it_gives_up_three_days_after_the_first_try_became_possible() -> None:
    day = 86_400_000
    assert (
        next_try(PLAIN, attempt=1, now_ms=NOW + 3 * day, first_at_ms=NOW, retry_after_s=None, draw=0) is None
    )
    assert next_try(PLAIN, attempt=1, now_ms=NOW + 3 * day - 500, first_at_ms=NOW, retry_after_s=None, draw=0)


@given(
    attempt=st.integers(-5, 10_000),
    now=st.integers(0, 2**41),
    first=st.integers(0, 2**41),
    retry=st.none() | st.floats(-1e12, 1e12),
    draw=st.floats(0, 1),
)
def test_a_next_try_is_never_in_the_past(
    attempt: int, now: int, first: int, retry: float | None, draw: float
) -> None:
    at_ms = next_try(
        Schedule(), attempt=attempt, now_ms=now, first_at_ms=first, retry_after_s=retry, draw=draw
    )
    assert at_ms is None or now < at_ms <= first + 3 * 86_400_000

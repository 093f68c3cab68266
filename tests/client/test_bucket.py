from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefeed.client.bucket import CAPACITY, DRAIN_PER_S, ENTERPRISE, STANDARD, Bucket, Rate
from livefeed.client.pace import ON_THE_WAY_S
from livefeed.portal.limits.plans import PLANS, Plan
from livefeed.portal.limits.requests import Bucket as PortalBucket


def test_fifty_calls_pass_at_once():
    bucket = Bucket()

    assert [bucket.reserve(10.0) for _ in range(50)] == [0.0] * 50


def test_the_calls_after_fifty_pass_two_a_second():
    bucket = Bucket()
    for _ in range(50):
        bucket.reserve(10.0)

    assert [bucket.reserve(10.0) for _ in range(4)] == pytest.approx([1.0, 1.0, 2.0, 2.0])


def test_an_empty_bucket_lets_fifty_through_again():
    bucket = Bucket()
    for _ in range(50):
        bucket.reserve(0.0)

    assert [bucket.reserve(60.0) for _ in range(50)] == [0.0] * 50


class Counter:
    """The portal's own: falls once a second, at a moment of its choice, and must not pass the threshold."""

    def __init__(self, phase: float) -> None:
        self.phase = phase
        self.level = 0
        self.ticks = 0

    def take(self, at_s: float) -> int:
        ticks = int(at_s - self.phase) if at_s >= self.phase else 0
        self.level = max(0, self.level - (ticks - self.ticks) * DRAIN_PER_S)
        self.ticks = ticks
        self.level += 1
        return self.level


@given(waits=st.lists(st.floats(0, 3), min_size=60, max_size=150), phase=st.floats(0.0, 0.999))
def test_the_portals_counter_never_passes_its_threshold(waits: list[float], phase: float):
    bucket, counter = Bucket(), Counter(phase)
    now_s, sent = 1.0, []
    for wait_s in waits:
        now_s += wait_s / 10
        sent.append(now_s + bucket.reserve(now_s))

    assert max(counter.take(at_s + 1e-6) for at_s in sorted(sent)) <= CAPACITY


@given(
    calls=st.randoms(use_true_random=False),
    hurry=st.floats(0.0, 0.2),
    phase=st.floats(0.0, 0.999),
    limits=st.sampled_from([(STANDARD, PLANS["standard"]), (ENTERPRISE, PLANS["enterprise"])]),
)
@settings(max_examples=40)
def test_a_portal_with_limits_refuses_nobody_who_has_a_bucket_of_his_own(
    calls: Random, hurry: float, phase: float, limits: tuple[Rate, Plan]
):
    """Whatever the moment at which the portal's bucket drains, and however long each call is on its way."""
    rate, plan = limits
    bucket, portal = Bucket(rate=rate, hold_s=ON_THE_WAY_S), PortalBucket(level=0, second=0)
    now_s, arrivals = 1.0, []
    for _ in range(2 * plan.threshold):
        now_s += hurry * calls.random() ** 4
        arrivals.append(now_s + bucket.reserve(now_s) + calls.random() * ON_THE_WAY_S)
    for arrival_s in sorted(arrivals):
        filled = portal.drained(int(arrival_s + phase), plan).filled(plan)
        assert filled is not None
        portal = filled


def test_a_bucket_that_others_have_filled_drains_from_that_moment():
    bucket = Bucket()
    bucket.reserve(0.0)
    bucket.fill(10.0)

    assert [bucket.reserve(10.0) for _ in range(4)] == pytest.approx([1.0, 1.0, 2.0, 2.0])
    assert bucket.reserve(60.0) == 0.0

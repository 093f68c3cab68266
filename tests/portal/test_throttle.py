"""Failures are counted in bounded memory and forgotten with time."""

import pytest
from starlette.requests import Request

from livefeed.clock import ManualClock
from livefeed.portal.throttle import Throttle, address_of


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_full_bucket_makes_one_wait_until_it_drains(clock: ManualClock) -> None:
    throttle = Throttle(clock=clock, burst=3, drain_s=10)
    for _ in range(3):
        assert throttle.wait_s("anna") == 0
        throttle.count("anna")
    assert throttle.wait_s("anna") == 10
    assert throttle.wait_s("boris") == 0
    assert throttle.wait_s("boris", "anna") == 10
    clock.advance(4)
    assert throttle.wait_s("anna") == 6
    clock.advance(6)
    assert throttle.wait_s("anna") == 0
    throttle.count("anna")
    assert throttle.wait_s("anna") == 10


def test_what_was_no_failure_is_given_back(clock: ManualClock) -> None:
    throttle = Throttle(clock=clock, burst=1, drain_s=10)
    throttle.count("anna")
    throttle.give_back("anna", "nobody")
    assert throttle.wait_s("anna") == 0


def test_a_clock_that_goes_back_forgives_nothing_and_locks_nobody_out(clock: ManualClock) -> None:
    throttle = Throttle(clock=clock, burst=1, drain_s=10)
    throttle.count("anna")
    clock.advance(-3_600)
    assert throttle.wait_s("anna") == 10


def test_memory_is_bounded_and_the_busiest_are_kept(clock: ManualClock) -> None:
    throttle = Throttle(clock=clock, burst=2, drain_s=10, keys=100)
    throttle.count("busy")
    for number in range(1_000):
        throttle.count(f"login {number}")
        throttle.count("busy")
    assert throttle.wait_s("busy") > 0
    assert throttle.wait_s("login 0") == 0
    assert len(throttle._buckets) <= 100  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_address_counts_with_its_network(host: str, key: str) -> None:
    request = Request({"type": "http", "client": (host, 1), "headers": []})
    assert address_of(request) == key


def test_a_request_from_nowhere_has_an_address_too() -> None:
    assert address_of(Request({"type": "http", "client": None, "headers": []})) == ""

"""Failures are counted in the database, for every process of a portal, and forgotten with time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.portal.throttle import Limit, Throttle, address_of
from livefeed.secrets import KeyRing

THREE = Limit(name="three", burst=3, drain_s=10)
ONE = Limit(name="one", burst=1, drain_s=10)
KEYS = KeyRing([b"k" * 32])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    opened = open_store(engines.database(tmp_path, "portal", ["livefeed.portal"]), ["livefeed.portal"], clock)
    yield opened
    await opened.close()


@pytest.fixture
def throttle(store: Store) -> Throttle:
    return Throttle(store=store, keys=KEYS)


async def test_a_full_bucket_makes_one_wait_until_it_drains(throttle: Throttle, clock: ManualClock) -> None:
    for _ in range(3):
        assert await throttle.enter((THREE, "anna")) == 0
    assert await throttle.enter((THREE, "anna")) == 10
    assert await throttle.enter((THREE, "boris")) == 0
    clock.advance(4)
    assert await throttle.enter((THREE, "anna")) == 6
    clock.advance(6)
    assert await throttle.enter((THREE, "anna")) == 0
    assert await throttle.enter((THREE, "anna")) == 10


async def test_a_refused_try_counts_nowhere(throttle: Throttle) -> None:
    await throttle.enter((ONE, "anna"))
    for _ in range(5):
        assert await throttle.enter((ONE, "anna"), (THREE, "192.0.2.7")) == 10
    for _ in range(3):
        assert await throttle.enter((THREE, "192.0.2.7")) == 0


async def test_limits_of_one_key_are_apart(throttle: Throttle) -> None:
    await throttle.enter((ONE, "anna"))
    assert await throttle.enter((THREE, "anna")) == 0


async def test_what_was_no_failure_is_given_back(throttle: Throttle) -> None:
    await throttle.enter((ONE, "anna"))
    await throttle.give_back((ONE, "anna"), (ONE, "nobody"))
    assert await throttle.enter((ONE, "anna")) == 0


async def test_tries_at_two_processes_fill_one_bucket(store: Store) -> None:
    here, there = (Throttle(store=store, keys=KEYS) for _ in range(2))
    for one in (here, there, here):
        assert await one.enter((THREE, "anna")) == 0
    assert await there.enter((THREE, "anna")) == 10


async def test_a_clock_that_goes_back_forgives_nothing_and_locks_nobody_out(
    throttle: Throttle, clock: ManualClock
) -> None:
    await throttle.enter((ONE, "anna"))
    clock.advance(-3_600)
    assert await throttle.enter((ONE, "anna")) == 10
    clock.advance(10)
    assert await throttle.enter((ONE, "anna")) == 0


async def test_rows_of_empty_buckets_do_not_stay(
    throttle: Throttle, store: Store, clock: ManualClock
) -> None:
    for number in range(100):
        await throttle.enter((ONE, f"login {number}"))
    clock.advance(60)
    for number in range(30):
        await throttle.enter((ONE, f"another {number}"))
    count = await store.read(lambda tx: tx.execute("SELECT count(*) FROM throttle").fetchone()[0])
    assert count == 30


async def test_what_is_counted_does_not_stand_in_the_database(throttle: Throttle, store: Store) -> None:
    await throttle.enter((ONE, "a password in the wrong field"))
    rows = await store.read(lambda tx: tx.execute("SELECT hash FROM throttle").fetchall())
    assert [len(row[0]) for row in rows] == [32]
    assert b"password" not in rows[0][0]


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

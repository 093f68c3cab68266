"""One bucket a portal, whichever process calls; its places are given out in the database."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.client.bucket import CAPACITY, Bucket
from livefeed.client.buckets import HOLD_S, Buckets, Wish, forget, reserve
from livefeed.durable.store import Store
from livefeed.wire.ids import MemberId

from .test_bucket import Counter

ONE, OTHER = MemberId("1" * 32), MemberId("2" * 32)


def wishes(count: int, member_id: MemberId = ONE, *, ahead: int = 0) -> list[Wish]:
    return [Wish(member_id=member_id, ahead=ahead)] * count


async def given_to(store: Store, asked: Sequence[Wish]) -> list[list[float]]:
    return await store.write(lambda tx: reserve(tx, asked))


async def test_calls_of_two_processes_fill_one_bucket(store: Store):
    here, there = Buckets(store), Buckets(store)
    for number in range(40):
        await (here, there)[number % 2].admit(ONE)
    rows = await store.read(lambda tx: tx.execute("SELECT member_id FROM bucket").fetchall())
    assert [row[0] for row in rows] == [ONE]

    places = await given_to(store, wishes(CAPACITY))
    assert places[-1][0] > 0


async def test_fifty_pass_at_once_and_then_two_a_second(store: Store):
    places = [place[0] for place in await given_to(store, wishes(CAPACITY + 4))]

    assert places[:CAPACITY] == [0.0] * CAPACITY
    first, second, third, fourth = places[CAPACITY:]
    assert first == second == pytest.approx(1.0 + HOLD_S)
    assert third == fourth == pytest.approx(2.0 + HOLD_S)


async def test_portals_have_buckets_of_their_own(store: Store):
    await given_to(store, wishes(CAPACITY))

    assert (await given_to(store, wishes(1, OTHER)))[0] == [0.0]


async def test_places_are_taken_along_only_while_the_bucket_is_calm(store: Store):
    calm = await given_to(store, wishes(1, ahead=7))
    assert calm[0] == [0.0] * 8

    await given_to(store, wishes(CAPACITY // 2))
    assert len((await given_to(store, wishes(1, ahead=7)))[0]) == 1


async def test_who_calls_often_asks_the_database_rarely(store: Store):
    buckets = Buckets(store)
    for _ in range(20):
        await buckets.admit(ONE)

    assert len(buckets._tills[ONE].ahead) > 0


async def test_a_bucket_of_a_portal_that_is_erased_is_dropped(store: Store):
    await given_to(store, wishes(CAPACITY))
    await store.write(lambda tx: forget(tx, ONE))

    assert (await given_to(store, wishes(1)))[0] == [0.0]


async def test_a_clock_of_the_database_that_was_put_back_locks_nobody_out(store: Store):
    await given_to(store, wishes(10))
    # As if the last call had been an hour from now.
    row = await store.read(lambda tx: tx.execute("SELECT times, at FROM bucket").fetchone())
    ahead = [time + 3_600 for time in struct.unpack("<53d", row["times"])]
    await store.write(
        lambda tx: tx.execute("UPDATE bucket SET times = ?, at = at + 3600", (struct.pack("<53d", *ahead),))
    )

    assert [place[0] for place in await given_to(store, wishes(10))] == [0.0] * 10
    assert (await given_to(store, wishes(CAPACITY)))[-1][0] > 0, "and nothing is forgiven"


@given(
    waits=st.lists(st.floats(0, 3), min_size=60, max_size=150),
    late=st.lists(st.floats(0, 1), min_size=150, max_size=150),
    phase=st.floats(0.0, 0.999),
)
def test_places_used_at_any_time_of_their_hold_never_pass_the_portals_threshold(
    waits: list[float], late: list[float], phase: float
):
    bucket, counter = Bucket(hold_s=HOLD_S), Counter(phase)
    now_s, sent = 1.0, []
    for wait_s, share in zip(waits, late, strict=False):
        now_s += wait_s / 10
        sent.append(now_s + bucket.reserve(now_s) + share * HOLD_S)

    assert max(counter.take(at_s + 1e-6) for at_s in sorted(sent)) <= CAPACITY


def test_a_bucket_is_the_same_after_it_was_stored():
    bucket = Bucket(hold_s=HOLD_S)
    for number in range(60):
        bucket.reserve(number / 10)
    again = Bucket.restored(bucket.times, hold_s=HOLD_S)

    assert [again.reserve(7.0) for _ in range(5)] == [bucket.reserve(7.0) for _ in range(5)]


async def test_a_refusal_that_one_process_meets_slows_all(store: Store):
    here, there = Buckets(store), Buckets(store)
    await there.admit(ONE)
    await here.of(ONE).refused()

    assert (await given_to(store, wishes(1)))[0][0] == pytest.approx(1.0 + HOLD_S, abs=0.2)
    assert (await given_to(store, wishes(1, OTHER)))[0] == [0.0]

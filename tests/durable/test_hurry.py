"""What waits for its next try can be tried now, and a reader notices that somebody has committed."""

import pytest

from livefeed.clock import ManualClock
from livefeed.durable.consumers import ConsumerId, hurry, register
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease, hurry_failing, lease_due, settle
from livefeed.durable.outcomes import Again, Down, Outcome
from livefeed.durable.store import Store, open_readonly

pytestmark = pytest.mark.anyio


async def lease(store: Store) -> list[Lease]:
    return await store.write(lambda tx: lease_due(tx, limit=10, lease_s=10, entries_limit=1))


async def failed(store: Store, outcome: Outcome, *, quiet_ms: int = 0) -> ConsumerId:
    consumer = await store.write(lambda tx: register(tx, portal="m", name="handler", quiet_ms=quiet_ms))
    await store.write(
        lambda tx: append(
            tx, portal="m", key="post:1", kind="UPDATE", body=b"{}", source="rest", consumers=[consumer]
        )
    )
    for one in await lease(store):
        await store.write(lambda tx, one=one: settle(tx, one, outcome))
    assert [] == await lease(store)
    return consumer


async def test_a_consumer_that_is_down_is_probed_at_once(store: Store, clock: ManualClock):
    consumer = await failed(store, Down(probe_at_ms=clock.now_ms() + 60_000, reason="connect"))
    await store.write(lambda tx: hurry(tx, consumer))
    assert [2] == [one.attempt for one in await lease(store)]


async def test_a_lane_that_backs_off_is_tried_at_once(store: Store, clock: ManualClock):
    consumer = await failed(store, Again(at_ms=clock.now_ms() + 60_000, reason="404"))
    await store.write(lambda tx: hurry(tx, consumer))
    assert [2] == [one.attempt for one in await lease(store)]


@pytest.mark.parametrize("is_down", [True, False])
async def test_what_failed_is_found_by_its_portal_and_key_and_tried_at_once(
    store: Store, clock: ManualClock, is_down: bool
):
    at_ms = clock.now_ms() + 60_000
    await failed(store, Down(probe_at_ms=at_ms, reason="x") if is_down else Again(at_ms=at_ms, reason="x"))
    for elsewhere in ({"portal": "other"}, {"key": "post:2"}):
        assert [] == await store.write(lambda tx, given=elsewhere: hurry_failing(tx, **given))
    (one,) = await store.write(lambda tx: hurry_failing(tx, portal="m", key="post:1"))
    assert ("handler", "post:1", [b"{}"]) == (one.name, one.key, [entry.body for entry in one.entries])
    assert [] == await store.write(hurry_failing)
    assert [2] == [found.attempt for found in await lease(store)]
    assert [] == await store.write(hurry_failing), "what is being tried is left alone"


async def test_who_hurries_by_a_clock_that_is_a_little_behind_is_heard(store: Store, clock: ManualClock):
    await failed(store, Again(at_ms=clock.now_ms() + 60_000, reason="404"))
    clock.advance(-0.05)
    assert 1 == len(await store.write(hurry_failing))
    clock.advance(0.1)
    assert [2] == [one.attempt for one in await lease(store)]


async def test_what_waits_for_quiet_goes_on_waiting(store: Store, clock: ManualClock):
    consumer = await failed(store, Again(at_ms=0, reason="never leased"), quiet_ms=60_000)
    await store.write(lambda tx: hurry(tx, consumer))
    assert [] == await lease(store)


async def test_a_reader_notices_each_commit_of_another_and_nothing_else(store: Store, url: str):
    reader = open_readonly(url)
    try:
        before = reader.changes()
        assert before == reader.changes()
        await store.write(lambda tx: tx.take("probe"))
        after = reader.changes()
        assert before != after == reader.changes()
    finally:
        reader.close()

"""What waits for its next try can be tried now, and a reader notices that somebody has committed."""

import pytest

from livefeed.clock import ManualClock
from livefeed.durable.consumers import ConsumerId, hurry, register
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease, lease_due, settle
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

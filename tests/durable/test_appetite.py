"""How many lanes a worker takes: many while it is alone with its file, fewer beside somebody else."""

from livefeed.durable.store import Store, Tx
from livefeed.durable.worker.appetite import Appetite
from livefeed.durable.worker.slots import Slots

CONCURRENCY = 128


def nothing(tx: Tx) -> None:
    """A unit of somebody else."""


async def test_batches_are_large_alone_and_smaller_beside_who_writes_to_the_same_file(store: Store):
    appetite, slots = Appetite(store, CONCURRENCY), Slots(CONCURRENCY)

    async def wanted_after(units: int) -> int:
        for _ in range(units):
            await store.write(nothing)
        appetite.look_around()
        return appetite.wanted(slots, ready=0, unsettled=0)

    alone, beside = await wanted_after(2), await wanted_after(20)
    again = await wanted_after(2)

    assert again == alone
    assert alone >= beside > 0
    assert (alone > beside) == (store.engine == "sqlite"), "a server has others write beside a turn"


async def test_what_is_leased_ahead_and_what_is_not_settled_are_bounded(store: Store):
    appetite, slots = Appetite(store, CONCURRENCY), Slots(CONCURRENCY)
    appetite.look_around()
    most = appetite.wanted(slots, ready=0, unsettled=0)

    assert appetite.wanted(slots, ready=6 * CONCURRENCY, unsettled=6 * CONCURRENCY) <= 0
    assert appetite.wanted(slots, ready=0, unsettled=8 * CONCURRENCY) <= 0
    assert 0 < most <= 512

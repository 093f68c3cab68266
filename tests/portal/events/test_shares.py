"""A slow handler gets fewer deliveries at a time, and all of them again once it is quick."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from livefeed.durable import consumers
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes import Lease, lease_due, settle_many
from livefeed.durable.outcomes import Again, Done, Outcome
from livefeed.net.http import HttpAnswer
from livefeed.portal.events.dispatcher import Dispatcher
from livefeed.portal.events.handlers import CAP
from livefeed.portal.events.shares import Shares, cap_for, pace_for

from ..site import Site


@pytest.mark.parametrize(
    ("average_ms", "cap"), [(0, CAP), (50, CAP), (499, CAP), (500, 8), (1_000, 4), (2_000, 2), (9_000, 1)]
)
def test_the_slower_a_handler_the_fewer_at_a_time(average_ms: float, cap: int) -> None:
    assert cap == cap_for(average_ms)


@pytest.mark.parametrize("average_ms", [0, 250, 499, 500, 999, 1_000, 1_999, 2_000, 3_999, 4_000, 10_000])
def test_no_handler_fills_a_dispatcher(average_ms: float) -> None:
    # What it holds is its cap times how long it takes; ten seconds are the longest an answer may take.
    assert cap_for(average_ms) * average_ms <= CAP * 500


def test_the_pause_after_answers_without_end_grows_to_a_bound_and_ends_with_one_that_is_short() -> None:
    paces = [0]
    for _ in range(8):
        paces.append(pace_for(paces[-1], 5_000, is_cut=True))
    assert paces == [0, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000]
    assert pace_for(1_000, 999, is_cut=True) == 1_000, "it was sent before the pause began"
    assert pace_for(4_000, 5_000, is_cut=False) == 0


async def leased(site: Site, limit: int = 100) -> list[Lease]:
    return await site.run(lambda tx: lease_due(tx, limit=limit, lease_s=10))


async def settle(site: Site, shares: Shares, lease: Lease, took_ms: int) -> Outcome:
    outcome = shares.outcome(lease, took_ms, site.house.clock.now_ms(), Done())
    await site.run(lambda tx: settle_many(tx, [(lease, outcome)]))
    return outcome


async def cap_of(site: Site, consumer: ConsumerId) -> int:
    found = await site.run(lambda tx: consumers.get(tx, consumer))
    assert found is not None
    return found.cap


async def edit(site: Site, first: int, count: int) -> None:
    for post in range(first, first + count):
        await site.edit(post)


async def test_slow_answers_lower_the_cap_and_quick_ones_give_it_back(site: Site) -> None:
    await site.bind(await site.add_app())
    shares = Shares()
    await edit(site, 1, 4)
    first, *others = await leased(site)
    handler = first.consumer.id
    await settle(site, shares, first, 3_000)
    assert await cap_of(site, handler) == 2
    for lease in others:
        assert (await settle(site, shares, lease, 3_000)).effects is None, "it was asked for already"
    await edit(site, 1, 4)
    two = await leased(site)
    assert len(two) == 2
    assert two[0].consumer.cap == 2
    quick = 0
    while await cap_of(site, handler) < CAP:
        for lease in two:
            await settle(site, shares, lease, 1)
        quick += 1
        await edit(site, 1, 4)
        two = await leased(site)
    assert quick < 10
    assert shares._known == {} or all(one.average_ms < 500 for one in shares._known.values())


async def test_one_slow_answer_among_quick_ones_changes_nothing_for_long(site: Site) -> None:
    await site.bind(await site.add_app())
    shares = Shares()
    await edit(site, 1, 4)
    slow, *quick = await leased(site)
    await settle(site, shares, slow, 600)
    for lease in quick:
        await settle(site, shares, lease, 1)
    await edit(site, 1, 1)
    [last] = await leased(site)
    await settle(site, shares, last, 1)
    assert await cap_of(site, last.consumer.id) == CAP


async def test_answers_without_end_are_read_one_at_a_time_however_quick(site: Site) -> None:
    await site.bind(await site.add_app())
    await edit(site, 1, 1)
    [lease] = await leased(site)
    outcome = Shares().outcome(lease, 1, site.house.clock.now_ms(), Done(), is_cut=True)
    await site.run(lambda tx: settle_many(tx, [(lease, outcome)]))
    assert 1 == await cap_of(site, lease.consumer.id)


async def test_answers_without_end_make_a_pause_and_the_first_short_one_ends_it(site: Site) -> None:
    await site.bind(await site.add_app())
    await edit(site, 1, 3)
    first, second, third = await leased(site)
    clock, shares = site.house.clock, Shares()

    async def answer(lease: Lease, *, is_cut: bool) -> int:
        outcome = shares.outcome(lease, 1, clock.now_ms(), Done(), is_cut=is_cut)
        await site.run(lambda tx: settle_many(tx, [(lease, outcome)]))
        consumer = await site.run(lambda tx: consumers.get(tx, lease.consumer.id))
        assert consumer is not None
        return consumer.pace_ms

    assert await answer(first, is_cut=True) == 1_000
    clock.advance(1)
    assert await answer(second, is_cut=True) == 2_000
    assert await answer(third, is_cut=False) == 0
    await edit(site, 1, 2)
    assert 2 == len(await leased(site))


async def test_what_failed_keeps_its_outcome(site: Site) -> None:
    await site.bind(await site.add_app())
    await site.edit(1)
    [lease] = await leased(site)
    again = Again(at_ms=1, reason="refused")
    assert Shares().outcome(lease, 5_000, 0, again) is again


class Unanswered:
    """A postman whose deliveries are answered when all may be."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.may_answer = asyncio.Event()
        self._changed = asyncio.Event()

    async def deliver(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        self.begun[url.rpartition("/")[2]] += 1
        self._changed.set()
        await self.may_answer.wait()
        return HttpAnswer(status=200, headers={}, body=b"")

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()


async def test_a_handler_that_has_not_answered_yet_is_sent_two_events(site: Site) -> None:
    app, postman, house = await site.add_app(), Unanswered(), site.house
    await site.bind(app, "/new")
    await edit(site, 1, 4)
    dispatcher = Dispatcher(store=house.store, keys=house.keys, clock=house.clock, postman=postman)
    await dispatcher.start()
    await postman.until(lambda: postman.begun["new"] >= 2)
    # What another handler is sent after that has been leased after it, when all of the first were to be had.
    await site.bind(app, "/other")
    await edit(site, 5, 1)
    await postman.until(lambda: postman.begun["other"] == 1)
    assert postman.begun["new"] == 2

    postman.may_answer.set()
    await postman.until(lambda: postman.begun["new"] == 5)
    await dispatcher.stop()

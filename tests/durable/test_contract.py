"""What every engine must do with entries, consumers, lanes and leases: one claim each, by name."""

import asyncio

import pytest
from tests.engines import on_a_file

from livefeed.clock import ManualClock
from livefeed.durable.arrivals import route_all, route_arrivals
from livefeed.durable.consumers import (
    ConsumerId,
    State,
    find,
    get,
    list_consumers,
    register,
    retire,
    set_state,
)
from livefeed.durable.entries import (
    Addition,
    Arrival,
    append,
    append_arrivals,
    append_many,
    get_entry,
    list_entries,
)
from livefeed.durable.lanes import (
    Lease,
    Lost,
    Settled,
    is_held,
    lease_due,
    list_lanes,
    next_due,
    renew,
    settle,
    settle_many,
)
from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.durable.store import Store, Tx, open_store
from livefeed.errors import LeaseLost, StoreConflict

ALL = 1000


class House:
    """One consumer's view of a store, in the words of the tests."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock

    async def consumer(self, name: str = "handler", **settings: object) -> ConsumerId:
        return await self.store.write(lambda tx: register(tx, portal="m", name=name, **settings))

    async def append(
        self, *consumers: ConsumerId, key: str = "post:1", kind: str = "UPDATE", body: bytes = b"{}"
    ) -> int:
        return await self.store.write(
            lambda tx: append(
                tx, portal="m", key=key, kind=kind, body=body, source="rest", consumers=consumers
            )
        )

    async def arrive(self, consumer: ConsumerId | None, key: str = "post:1") -> int:
        arrival = Arrival("m", key, "UPDATE", b"{}", self.clock.now_ms(), "door", consumer)
        return await self.store.write_row(append_arrivals, arrival)

    async def lease(self, limit: int = ALL, *, entries_limit: int = 1) -> list[Lease]:
        return await self.store.write(
            lambda tx: lease_due(tx, limit=limit, lease_s=10, entries_limit=entries_limit)
        )

    async def settle(self, lease: Lease, outcome: Outcome) -> None:
        await self.store.write(lambda tx: settle(tx, lease, outcome))

    async def state(self, consumer: ConsumerId, state: State) -> None:
        await self.store.write(lambda tx: set_state(tx, consumer, state))

    async def keys(self) -> list[str]:
        return [lease.key for lease in await self.lease()]

    async def lanes(self) -> list[tuple[str, str]]:
        return [(lane.key, lane.state) for lane in await self.store.read(list_lanes)]


@pytest.fixture
def house(store: Store, clock: ManualClock) -> House:
    return House(store, clock)


class TestAppend:
    async def test_entries_are_numbered_in_the_order_of_commits(self, house: House) -> None:
        handler = await house.consumer()
        assert [await house.append(handler) for _ in range(3)] == [1, 2, 3]

    async def test_one_entry_serves_many_consumers(self, house: House) -> None:
        first, second = await house.consumer("a"), await house.consumer("b")
        await house.append(first, second)
        assert sorted(lease.consumer.name for lease in await house.lease()) == ["a", "b"]
        assert len(await house.store.read(list_entries)) == 1

    async def test_an_entry_is_stored_as_it_was_given(self, house: House) -> None:
        handler = await house.consumer()
        seq = await house.append(handler, body=b"\x00\xff")
        entry = await house.store.read(lambda tx: get_entry(tx, seq))
        assert entry is not None
        assert (entry.portal, entry.key, entry.kind, entry.body) == ("m", "post:1", "UPDATE", b"\x00\xff")
        assert (entry.source, entry.at_ms, entry.only) == ("rest", house.clock.now_ms(), None)

    async def test_a_rolled_back_unit_appends_nothing(self, house: House) -> None:
        handler = await house.consumer()

        def unit(tx: Tx) -> None:
            append(tx, portal="m", key="post:1", kind="K", body=b"", source="rest", consumers=[handler])
            raise KeyError

        with pytest.raises(KeyError):
            await house.store.write(unit)
        assert await house.lease() == []
        assert await house.store.read(list_entries) == []

    async def test_a_consumer_sees_its_own_kind_only(self, house: House) -> None:
        adds = await house.consumer(kind="ADD")
        await house.append(adds, kind="UPDATE")
        assert await house.lanes() == []
        await house.append(adds, kind="ADD")
        assert [lease.entries[0].kind for lease in await house.lease()] == ["ADD"]

    async def test_a_consumer_sees_only_what_was_appended_for_it(self, house: House) -> None:
        first, second = await house.consumer("a"), await house.consumer("b")
        await house.append(first, second)
        await house.append(second)
        await house.append(first)
        runs = {one.consumer.name: [e.seq for e in one.entries] for one in await house.lease(entries_limit=9)}
        assert runs == {"a": [1, 3], "b": [1, 2]}

    async def test_what_is_appended_together_waits_in_its_order_whatever_its_kind(self, house: House) -> None:
        every, updates = await house.consumer("every"), await house.consumer("updates", kind="UPDATE")
        kinds = ["UPDATE", "ADD", "UPDATE", "UPDATE", "DELETE", "ADD"]
        additions = [Addition("m", "post:1", kind, b"", "rest", [every, updates]) for kind in kinds]
        assert [*await house.store.write(lambda tx: append_many(tx, additions))] == [1, 2, 3, 4, 5, 6]
        heads = {lane.consumer: lane.head for lane in await house.store.read(list_lanes)}
        assert heads == {every: 6, updates: 4}
        runs = {one.consumer.name: [e.seq for e in one.entries] for one in await house.lease(entries_limit=9)}
        assert runs == {"every": [1, 2, 3, 4, 5, 6], "updates": [1, 3, 4]}

    @pytest.mark.parametrize("state", ["withheld", "gone"])
    async def test_the_withheld_and_the_gone_get_no_lanes(self, house: House, state: State) -> None:
        handler = await house.consumer()
        await house.state(handler, state)
        await house.append(handler)
        await house.arrive(handler)
        await house.store.write(route_all)
        await house.state(handler, "active")
        assert await house.lanes() == []

    async def test_appends_wake_whoever_waits_for_work(self, house: House) -> None:
        woken = asyncio.Event()
        handler = await house.consumer()
        house.store.listen("lanes", woken.set)
        await house.append(handler)
        assert woken.is_set()
        woken.clear()
        await house.append(handler, key="post:2")
        assert not woken.is_set(), "the consumer is looked at already"


class TestArrivals:
    async def test_arrivals_get_their_lanes_exactly_once(self, house: House) -> None:
        inbox = await house.consumer("inbox")
        await asyncio.gather(*(house.arrive(inbox, f"post:{number % 2}") for number in range(10)))
        assert await house.store.write(lambda tx: route_arrivals(tx, limit=4)) == 4
        assert await house.store.write(lambda tx: route_arrivals(tx, limit=100)) == 6
        assert await house.store.write(route_arrivals) == 0
        runs = [[entry.seq for entry in lease.entries] for lease in await house.lease(entries_limit=99)]
        assert sorted(seq for run in runs for seq in run) == list(range(1, 11))
        assert all(run == sorted(run) for run in runs)

    async def test_an_arrival_counts_as_its_consumer_was_when_it_came(self, house: House) -> None:
        inbox = await house.consumer("inbox")
        await house.arrive(inbox)
        await house.store.write(lambda tx: retire(tx, inbox))
        await house.consumer("inbox")
        await house.store.write(route_all)
        assert await house.lanes() == []

    async def test_what_nobody_has_to_do_is_kept_all_the_same(self, house: House) -> None:
        seq = await house.arrive(None)
        await house.store.write(route_all)
        assert await house.lanes() == []
        assert [entry.seq for entry in await house.store.read(list_entries)] == [seq]


class TestLease:
    async def test_a_leased_lane_is_hidden_until_the_lease_ends(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        first = await house.lease()
        assert await house.lease() == []
        house.clock.advance(9.999)
        assert await house.lease() == []
        house.clock.advance(0.001)
        second = await house.lease()
        assert [lease.attempt for lease in first + second] == [1, 2]

    async def test_no_token_is_ever_given_twice(self, house: House) -> None:
        handler = await house.consumer()
        tokens = []
        for _ in range(3):
            await house.append(handler)
            [lease] = await house.lease()
            tokens.append(lease.token)
            await house.settle(lease, Done())
        assert tokens == sorted(set(tokens))

    async def test_what_is_not_calm_yet_hides_nothing_that_is_due(self, house: House) -> None:
        handler = await house.consumer(cap=64, quiet_ms=1_000, max_wait_ms=60_000)
        for number in range(40):
            await house.append(handler, key=f"post:{number}")
        house.clock.advance(0.5)
        await house.append(handler, key="post:0")
        house.clock.advance(0.5)
        some = [lease.key for lease in await house.lease(8)]
        assert sorted(some + await house.keys()) == sorted(f"post:{number}" for number in range(1, 40))
        house.clock.advance(0.5)
        assert await house.keys() == ["post:0"]

    async def test_a_settle_leaves_a_consumer_its_place_in_the_queue(self, house: House) -> None:
        first, second = await house.consumer("first"), await house.consumer("second")
        await house.append(first)
        [lease] = await house.lease()
        for number, consumer in enumerate((first, second), start=2):
            house.clock.advance(1)
            await house.append(consumer, key=f"post:{number}")
        house.clock.advance(1)
        await house.settle(lease, Done())
        assert [lease.key for lease in await house.lease(1)] == ["post:2"]

    async def test_one_that_was_at_its_cap_is_given_more_once_it_has_room(self, house: House) -> None:
        handler = await house.consumer(cap=2)
        for number in range(1, 4):
            await house.append(handler, key=f"post:{number}")
        first, second = await house.lease()
        assert await house.lease() == []
        await house.settle(first, Again(at_ms=house.clock.now_ms() + 60_000, reason="later"))
        assert await house.keys() == ["post:3"]
        await house.settle(second, Done())
        assert await house.keys() == []

    async def test_the_longest_due_come_first_and_each_consumer_in_turn(self, house: House) -> None:
        busy, calm = await house.consumer("busy"), await house.consumer("calm")
        for number in range(5):
            await house.append(busy, key=f"post:{number}")
            house.clock.advance(1)
        await house.append(calm, key="post:9")
        taken = [(lease.consumer.name, lease.key) for lease in await house.lease(2)]
        assert taken == [("busy", "post:0"), ("calm", "post:9")]
        assert await house.keys() == ["post:1", "post:2", "post:3", "post:4"]

    async def test_a_limit_is_kept_and_used(self, house: House) -> None:
        handlers = [await house.consumer(f"h{number}") for number in range(3)]
        for number in range(10):
            await house.append(*handlers, key=f"post:{number}")
        assert len(await house.lease(7)) == 7
        assert len(await house.lease()) == 23

    async def test_a_cap_is_kept_across_leases_and_settles(self, house: House) -> None:
        handler = await house.consumer(cap=2)
        for number in range(5):
            await house.append(handler, key=f"post:{number}")
        first, second = await house.lease()
        assert await house.lease() == []
        await house.settle(first, Done())
        assert len(await house.lease()) == 1
        await house.settle(second, Again(at_ms=0, reason="refused"))
        assert len(await house.lease()) == 1

    async def test_a_consumer_at_its_cap_is_not_looked_at_until_a_lease_ends(self, house: House) -> None:
        handler = await house.consumer(cap=1)
        await house.append(handler)
        await house.lease()
        for number in range(9):
            await house.append(handler, key=f"post:{number}")
        assert await house.store.read(next_due) == house.clock.now_ms() + 10_000

    async def test_an_overdue_lease_is_found_behind_any_number_of_due_lanes(self, house: House) -> None:
        handler = await house.consumer(cap=1)
        await house.append(handler, key="post:0")
        await house.lease()
        for number in range(1, 40):
            await house.append(handler, key=f"post:{number}")
        house.clock.advance(11)
        assert len(await house.lease()) == 1

    async def test_each_lease_runs_out_at_its_own_time(self, house: House) -> None:
        early, late = await house.consumer("early"), await house.consumer("late")
        await house.append(early)
        await house.lease()
        house.clock.advance(4)
        await house.append(late)
        await house.lease()
        house.clock.advance(6)
        assert [lease.consumer.name for lease in await house.lease()] == ["early"]
        house.clock.advance(4)
        assert [lease.consumer.name for lease in await house.lease()] == ["late"]
        house.clock.advance(6)
        assert [lease.attempt for lease in await house.lease()] == [3]

    async def test_a_lease_that_was_renewed_is_not_looked_for_at_its_old_end_for_ever(
        self, house: House
    ) -> None:
        handler = await house.consumer()
        await house.append(handler)
        leases = await house.lease()
        house.clock.advance(9)
        await house.store.write(lambda tx: renew(tx, leases, lease_s=10))
        house.clock.advance(1)
        assert await house.lease() == []
        assert await house.store.read(next_due) == house.clock.now_ms() + 9_000

    async def test_one_that_went_down_while_others_were_leased_is_probed_when_it_says(
        self, house: House
    ) -> None:
        handler = await house.consumer()
        for number in range(3):
            await house.append(handler, key=f"post:{number}")
        first, second, third = await house.lease()
        await house.settle(first, Down(probe_at_ms=house.clock.now_ms() + 3_000, reason="timeout"))
        await house.settle(second, Again(at_ms=0, reason="refused", is_try=False))
        await house.settle(third, Down(probe_at_ms=house.clock.now_ms() + 2_000, reason="timeout"))
        assert await house.store.read(next_due) == house.clock.now_ms() + 3_000
        house.clock.advance(3)
        assert len(await house.lease()) == 1
        assert await house.lease() == []

    async def test_a_paced_consumer_gets_one_lane_at_a_time(self, house: House) -> None:
        handler = await house.consumer(pace_ms=500)
        for number in range(3):
            await house.append(handler, key=f"post:{number}")
        assert len(await house.lease()) == 1
        assert await house.store.read(next_due) == house.clock.now_ms() + 500
        house.clock.advance(0.499)
        assert await house.lease() == []
        house.clock.advance(0.001)
        assert len(await house.lease()) == 1

    async def test_a_run_is_the_oldest_entries_in_order(self, house: House) -> None:
        handler = await house.consumer()
        for _ in range(5):
            await house.append(handler)
        [lease] = await house.lease(entries_limit=3)
        assert [entry.seq for entry in lease.entries] == [1, 2, 3]
        assert (lease.cursor, lease.through, lease.head) == (0, 3, 5)

    async def test_a_renewed_lease_does_not_run_out(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        leases = await house.lease()
        for _ in range(4):
            house.clock.advance(9)
            await house.store.write(lambda tx: renew(tx, leases, lease_s=10))
            assert await house.lease() == []
        await house.settle(leases[0], Done())

    async def test_a_lost_lease_cannot_be_renewed(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [old] = await house.lease()
        house.clock.advance(11)
        [new] = await house.lease()
        await house.store.write(lambda tx: renew(tx, [old], lease_s=100))
        assert not await house.store.read(lambda tx: is_held(tx, old))
        assert await house.store.read(lambda tx: is_held(tx, new))
        house.clock.advance(11)
        assert len(await house.lease()) == 1


class TestQuiet:
    async def test_a_lane_waits_until_it_is_quiet(self, house: House) -> None:
        inbox = await house.consumer(quiet_ms=2_000, max_wait_ms=5_000)
        await house.append(inbox)
        assert await house.store.read(next_due) == house.clock.now_ms() + 2_000
        house.clock.advance(1.5)
        await house.append(inbox)
        house.clock.advance(1.5)
        assert await house.lease() == []
        house.clock.advance(0.5)
        [lease] = await house.lease(entries_limit=10)
        assert [entry.seq for entry in lease.entries] == [1, 2]

    async def test_but_not_for_ever(self, house: House) -> None:
        inbox = await house.consumer(quiet_ms=2_000, max_wait_ms=5_000)
        await house.append(inbox)
        for _ in range(4):
            house.clock.advance(1.2)
            await house.append(inbox)
            assert await house.lease() == []
        house.clock.advance(0.2)
        assert len(await house.lease()) == 1

    async def test_what_comes_during_a_run_waits_for_its_own_quiet(self, house: House) -> None:
        inbox = await house.consumer(quiet_ms=2_000, max_wait_ms=5_000)
        await house.append(inbox)
        house.clock.advance(2)
        [lease] = await house.lease()
        await house.append(inbox)
        await house.settle(lease, Done())
        house.clock.advance(1.9)
        assert await house.lease() == []
        house.clock.advance(0.1)
        assert [lease.entries[0].seq for lease in await house.lease()] == [2]

    async def test_without_quiet_a_busy_lane_keeps_its_place(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler, key="post:1")
        house.clock.advance(1)
        await house.append(handler, key="post:2")
        await house.append(handler, key="post:1")
        assert await house.keys() == ["post:1", "post:2"]


class TestSettle:
    async def test_done_ends_the_lane(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        await house.settle(lease, Done())
        assert await house.lanes() == []
        assert await house.store.read(next_due) is None

    async def test_what_came_meanwhile_is_not_forgotten(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        await house.append(handler)
        await house.settle(lease, Done())
        assert [lease.entries[0].seq for lease in await house.lease()] == [2]

    async def test_done_through_leaves_the_rest(self, house: House) -> None:
        handler = await house.consumer()
        for _ in range(3):
            await house.append(handler)
        [lease] = await house.lease(entries_limit=3)
        await house.settle(lease, Done(through=1))
        [lease] = await house.lease(entries_limit=3)
        assert [entry.seq for entry in lease.entries] == [2, 3]
        assert lease.attempt == 1

    async def test_done_through_what_was_not_leased_is_not_believed(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        await house.append(handler)
        await house.settle(lease, Done(through=99))
        assert [lease.entries[0].seq for lease in await house.lease()] == [2]

    async def test_again_waits_and_counts(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler, key="post:1")
        await house.append(handler, key="post:2")
        first, second = await house.lease()
        await house.settle(first, Again(at_ms=house.clock.now_ms() + 3_000, reason="400"))
        await house.settle(second, Done())
        assert await house.lanes() == [("post:1", "backing_off")]
        await house.append(handler, key="post:1")
        assert await house.lease() == [], "an append does not shorten the wait"
        house.clock.advance(3)
        [lease] = await house.lease(entries_limit=9)
        assert (lease.attempt, [entry.seq for entry in lease.entries]) == (2, [1, 3])

    async def test_a_time_in_the_past_is_now(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        await house.settle(lease, Again(at_ms=5, reason="400"))
        [row] = await house.store.read(list_lanes)
        assert row.due_at_ms == house.clock.now_ms()

    async def test_dead_buries_the_run_and_moves_on(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        await house.append(handler)
        [lease] = await house.lease()
        await house.settle(lease, Dead(reason="410"))
        assert [lease.entries[0].seq for lease in await house.lease()] == [2]

    async def test_a_lease_is_settled_once(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        await house.settle(lease, Done())
        with pytest.raises(LeaseLost):
            await house.settle(lease, Done())

    async def test_an_old_lease_cannot_settle_what_another_holds(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [old] = await house.lease()
        house.clock.advance(11)
        [new] = await house.lease()
        for outcome in (Done(), Again(at_ms=0, reason=""), Down(probe_at_ms=0, reason=""), Dead(reason="")):
            with pytest.raises(LeaseLost):
                await house.settle(old, outcome)
        await house.settle(new, Done())

    async def test_a_dropped_and_re_created_lane_is_another_lease(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [old] = await house.lease()
        await house.settle(old, Done())
        await house.append(handler)
        [new] = await house.lease()
        with pytest.raises(LeaseLost):
            await house.settle(old, Done())
        await house.settle(new, Done())

    async def test_effects_commit_with_the_settle_or_not_at_all(self, house: House) -> None:
        handler = await house.consumer()
        await house.store.write(lambda tx: tx.execute("CREATE TABLE told (seq INTEGER PRIMARY KEY)"))
        await house.append(handler)
        [lease] = await house.lease()

        def tell(tx: Tx) -> None:
            tx.execute("INSERT INTO told VALUES (?)", (lease.through,))

        def fail(tx: Tx) -> None:
            tell(tx)
            tell(tx)

        with pytest.raises(StoreConflict):
            await house.settle(lease, Done(effects=fail))
        await house.settle(lease, Done(effects=tell))
        with pytest.raises(LeaseLost):
            await house.settle(lease, Done(effects=tell))
        assert len(await house.store.read(lambda tx: tx.execute("SELECT * FROM told").fetchall())) == 1

    async def test_of_many_settled_together_each_gets_its_own_answer(self, house: House) -> None:
        handler = await house.consumer()
        for number in range(3):
            await house.append(handler, key=f"post:{number}")
        leases = await house.lease()
        await house.settle(leases[1], Done())
        rows = [(lease, Done()) for lease in [*leases, leases[0]]]
        results = await house.store.write(lambda tx: settle_many(tx, rows))
        assert results == [Settled(), Lost(), Settled(), Lost()]

    async def test_a_failing_effect_fails_its_own_lease_alone(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler, key="post:1")
        await house.append(handler, key="post:2")
        first, second = await house.lease()

        def fail(tx: Tx) -> None:
            raise KeyError("mine")

        good, bad = await asyncio.gather(
            house.store.write_row(settle_many, (first, Done())),
            house.store.write_row(settle_many, (second, Done(effects=fail))),
            return_exceptions=True,
        )
        assert good == Settled()
        assert isinstance(bad, KeyError)
        assert await house.lanes() == [("post:2", "leased")]


class TestDown:
    async def test_one_that_is_down_costs_one_row_and_is_probed_with_one_lane(self, house: House) -> None:
        handler = await house.consumer()
        for number in range(20):
            await house.append(handler, key=f"post:{number}")
        [lease] = await house.lease(1)
        await house.settle(lease, Down(probe_at_ms=house.clock.now_ms() + 5_000, reason="timeout"))
        await house.append(handler, key="post:99")
        assert await house.lease() == []
        assert await house.store.read(next_due) == house.clock.now_ms() + 5_000
        house.clock.advance(5)
        [probe] = await house.lease()
        assert probe.consumer.fails == 1
        await house.append(handler, key="post:98")
        assert await house.lease() == [], "the probe is under way"
        await house.settle(probe, Done())
        assert len(await house.lease()) == 21

    async def test_leases_that_fail_together_count_once(self, house: House) -> None:
        handler = await house.consumer()
        for number in range(3):
            await house.append(handler, key=f"post:{number}")
        for place, lease in enumerate(await house.lease()):
            at = house.clock.now_ms() + 1_000 * (place + 1)
            await house.settle(lease, Down(probe_at_ms=at, reason="timeout"))
        row = await house.store.read(lambda tx: get(tx, handler))
        assert row is not None
        assert (row.fails, row.ready_at_ms) == (1, house.clock.now_ms() + 3_000)

    async def test_a_refused_entry_backs_off_in_its_own_lane(self, house: House) -> None:
        handler = await house.consumer(cap=1)
        await house.append(handler, key="post:1")
        await house.append(handler, key="post:2")
        [lease] = await house.lease()
        await house.settle(lease, Again(at_ms=house.clock.now_ms() + 60_000, reason="400"))
        assert await house.keys() == ["post:2"]

    async def test_one_consumer_down_delays_no_other(self, house: House) -> None:
        sick, well = await house.consumer("sick"), await house.consumer("well")
        await house.append(sick)
        [lease] = await house.lease()
        await house.settle(lease, Down(probe_at_ms=house.clock.now_ms() + 60_000, reason="timeout"))
        await house.append(sick, well)
        assert [lease.consumer.name for lease in await house.lease()] == ["well"]

    async def test_what_is_given_up_because_it_is_down_leaves_it_down(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler, key="post:1")
        await house.append(handler, key="post:2")
        [lease] = await house.lease(1)
        await house.settle(lease, Dead(reason="timeout", probe_at_ms=house.clock.now_ms() + 1_000))
        assert await house.lease() == []
        house.clock.advance(1)
        assert len(await house.lease()) == 1


class TestConsumers:
    async def test_a_paused_consumer_keeps_its_lanes_and_gets_no_lease(self, house: House) -> None:
        handler = await house.consumer()
        await house.state(handler, "paused")
        await house.append(handler)
        assert await house.lease() == []
        assert await house.store.read(next_due) is None
        await house.state(handler, "active")
        assert len(await house.lease()) == 1

    async def test_one_that_is_paused_may_still_settle(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        await house.state(handler, "paused")
        await house.settle(lease, Done())
        assert await house.lanes() == []

    async def test_retiring_takes_effect_at_once(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        await house.append(handler, key="post:2")
        [lease] = await house.lease(1)
        await house.store.write(lambda tx: retire(tx, handler))
        assert not await house.store.read(lambda tx: is_held(tx, lease))
        with pytest.raises(LeaseLost):
            await house.settle(lease, Done())
        assert await house.lanes() == []

    async def test_a_reinstalled_consumer_has_a_new_epoch(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [old] = await house.lease()
        await house.store.write(lambda tx: retire(tx, handler))
        assert await house.consumer() == handler
        await house.append(handler)
        [new] = await house.lease()
        assert new.consumer.epoch > old.consumer.epoch
        with pytest.raises(LeaseLost):
            await house.settle(old, Done())

    async def test_registering_again_keeps_lanes_and_epoch_and_takes_new_settings(self, house: House) -> None:
        handler = await house.consumer(cap=1)
        for number in range(3):
            await house.append(handler, key=f"post:{number}")
        [lease] = await house.lease()
        assert await house.consumer(cap=9) == handler
        assert len(await house.lease()) == 2
        await house.settle(lease, Done())

    async def test_consumers_are_found_and_listed(self, house: House) -> None:
        handler = await house.consumer("a", kind="ADD")
        await house.store.write(lambda tx: register(tx, portal="other", name="a"))
        found = await house.store.read(lambda tx: find(tx, portal="m", name="a"))
        assert found == await house.store.read(lambda tx: get(tx, handler))
        assert await house.store.read(lambda tx: find(tx, portal="m", name="b")) is None
        assert [one.portal for one in await house.store.read(list_consumers)] == ["m", "other"]
        assert [one.id for one in await house.store.read(lambda tx: list_consumers(tx, portal="m"))] == [
            handler
        ]

    async def test_a_portal_s_consumers_are_no_one_else_s(self, house: House) -> None:
        mine = await house.consumer()
        other = await house.store.write(lambda tx: register(tx, portal="other", name="handler"))
        await house.append(mine)
        assert mine != other
        assert [lease.consumer.portal for lease in await house.lease()] == ["m"]


class TestStart:
    @on_a_file
    async def test_whoever_opens_the_file_frees_all_leases(self, url: str, clock: ManualClock) -> None:
        store = open_store(url, [], clock)
        house = House(store, clock)
        handler = await house.consumer(cap=1)
        await house.append(handler)
        [old] = await house.lease()
        await store.close()
        house.store = open_store(url, [], clock)
        [new] = await house.lease()
        assert (new.attempt, new.token > old.token) == (2, True), "what was leased was tried"
        await house.store.close()

    async def test_lanes_are_shown_as_they_are(self, house: House) -> None:
        handler = await house.consumer(quiet_ms=1_000)
        await house.append(handler, key="post:1")
        house.clock.advance(1)
        await house.lease()
        await house.append(handler, key="post:2")
        leased, waiting = await house.store.read(list_lanes)
        assert (leased.state, leased.attempt, leased.due_at_ms) == (
            "leased",
            1,
            house.clock.now_ms() + 10_000,
        )
        assert (waiting.state, waiting.attempt, waiting.due_at_ms) == (
            "waiting",
            0,
            house.clock.now_ms() + 1_000,
        )
        assert (waiting.cursor, waiting.head, waiting.portal, waiting.name) == (1, 2, "m", "handler")
        only = await house.store.read(lambda tx: list_lanes(tx, consumer=handler, state="waiting"))
        assert only == [waiting]

"""Dead letters and their replay, attempts, finished handlers, the index by key, purge."""

import pytest

from livefeed.clock import ManualClock
from livefeed.durable import dead, done, purge
from livefeed.durable.attempts import Attempt, list_attempts, record_attempts
from livefeed.durable.consumers import ConsumerId, State, retire, set_state
from livefeed.durable.entries import get_entry, index_entries, list_entries
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Dead, Done
from livefeed.durable.store import Store

from .test_contract import House

DAY_S = 86_400


@pytest.fixture
def house(store: Store, clock: ManualClock) -> House:
    return House(store, clock)


async def buried(house: House, handler: ConsumerId, key: str = "post:1") -> dead.DeadLetter:
    await house.append(handler, key=key, body=b"body of " + key.encode())
    [lease] = await house.lease(entries_limit=9)
    await house.settle(lease, Dead(reason="status 410"))
    return (await house.store.read(dead.list_dead))[-1]


class TestDeadLetters:
    async def test_a_letter_says_what_was_given_up_and_why(self, house: House) -> None:
        letter = await buried(house, await house.consumer())
        assert (letter.portal, letter.name, letter.key, letter.kind) == ("m", "handler", "post:1", "UPDATE")
        assert (letter.body, letter.reason, letter.at_ms) == (
            b"body of post:1",
            "status 410",
            house.clock.now_ms(),
        )

    async def test_there_is_one_letter_for_each_entry_of_the_run(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        await buried(house, handler)
        assert [letter.seq for letter in await house.store.read(dead.list_dead)] == [1, 2]

    async def test_only_what_was_given_up_is_buried(self, house: House) -> None:
        handler = await house.consumer()
        for _ in range(3):
            await house.append(handler)
        [lease] = await house.lease(entries_limit=9)
        await house.settle(lease, Dead(reason="no", through=1))
        assert [letter.seq for letter in await house.store.read(dead.list_dead)] == [1]
        [lease] = await house.lease(entries_limit=9)
        assert [entry.seq for entry in lease.entries] == [2, 3]

    async def test_a_replay_is_seen_by_its_consumer_alone_and_once(self, house: House) -> None:
        handler, other = await house.consumer("a"), await house.consumer("b")
        letter = await buried(house, handler)
        seq = await house.store.write(lambda tx: dead.replay(tx, letter.id))
        assert await house.store.write(lambda tx: dead.replay(tx, letter.id)) is None
        [lease] = await house.lease()
        [entry] = lease.entries
        assert (entry.seq, entry.body, entry.source, entry.only) == (
            seq,
            b"body of post:1",
            "replay",
            handler,
        )
        assert other != handler
        assert await house.store.read(dead.list_dead) == []

    async def test_all_of_a_consumer_or_all_since_a_time(self, house: House) -> None:
        first, second = await house.consumer("a"), await house.consumer("b")
        await buried(house, first)
        house.clock.advance(60)
        await buried(house, first, "post:2")
        await buried(house, second, "post:3")
        since = house.clock.now_ms()
        replay = dead.replay_all
        assert await house.store.write(lambda tx: replay(tx, consumer=first, since_ms=since)) == 1
        assert await house.store.write(lambda tx: replay(tx, consumer=first)) == 1
        assert [one.name for one in await house.store.read(lambda tx: dead.list_dead(tx, portal="m"))] == [
            "b"
        ]
        assert await house.store.write(replay) == 1
        assert await house.store.write(replay) == 0

    @pytest.mark.parametrize("state", ["gone", "withheld"])
    async def test_what_nobody_would_get_stays_a_letter(self, house: House, state: State) -> None:
        closed, paused = await house.consumer("a"), await house.consumer("b")
        letter = await buried(house, closed)
        await buried(house, paused)
        await house.store.write(lambda tx: set_state(tx, closed, state))
        await house.store.write(lambda tx: set_state(tx, paused, "paused"))
        assert await house.store.write(lambda tx: dead.replay(tx, letter.id)) is None
        assert await house.store.write(dead.replay_all) == 1
        assert await house.store.write(lambda tx: dead.replay_all(tx, consumer=closed)) == 0
        assert await house.store.read(dead.list_dead) == [letter]

    async def test_an_entry_that_was_delivered_can_be_replayed_too(self, house: House) -> None:
        handler = await house.consumer()
        seq = await house.append(handler)
        [lease] = await house.lease()
        await house.settle(lease, Done())
        again = await house.store.write(lambda tx: dead.replay_entry(tx, seq=seq, consumer=handler))
        assert [lease.entries[0].seq for lease in await house.lease()] == [again]
        assert await house.store.write(lambda tx: dead.replay_entry(tx, seq=99, consumer=handler)) is None


class TestDone:
    async def test_finished_handlers_are_remembered_until_the_run_is_settled(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        [lease] = await house.lease()
        marks = Again(at_ms=0, reason="b failed", effects=lambda tx: done.mark(tx, lease, "a"))
        await house.settle(lease, marks)
        await house.append(handler)
        [grown] = await house.lease(entries_limit=9)
        assert await house.store.read(lambda tx: done.finished_through(tx, grown)) == {"a": 1}
        assert await house.store.read(lambda tx: done.finished(tx, grown)) == frozenset()
        assert await house.store.read(lambda tx: done.finished(tx, lease)) == {"a"}
        await house.settle(grown, Done())
        assert await house.store.read(lambda tx: tx.execute("SELECT * FROM done").fetchall()) == []


def attempt(lease: Lease, number: int, state: str, sent_at_ms: int) -> Attempt:
    return Attempt(
        seq=lease.through,
        consumer=lease.consumer.id,
        key=lease.key,
        attempt=number,
        webhook_id=f"evt_{lease.through}",
        sent_at_ms=sent_at_ms,
        status=200 if state == "delivered" else 500,
        error=None if state == "delivered" else "status",
        ms=12,
        state=state,
    )


class TestAttempts:
    async def test_attempts_are_listed_by_key_consumer_state_and_time(self, house: House) -> None:
        handler = await house.consumer()
        rows = []
        for key in ("post:1", "post:2"):
            await house.append(handler, key=key)
            [lease] = await house.lease()
            rows += [attempt(lease, 1, "backing_off", house.clock.now_ms())]
            house.clock.advance(DAY_S)
            rows += [attempt(lease, 2, "delivered", house.clock.now_ms())]
            await house.settle(lease, Done())
        for row in rows:
            await house.store.write_row(record_attempts, row)
        listed = house.store.read
        assert await listed(list_attempts) == rows[::-1]
        by_key = await listed(lambda tx: list_attempts(tx, portal="m", key="post:1"))
        await house.store.write(index_entries)
        assert by_key == await listed(lambda tx: list_attempts(tx, portal="m", key="post:1")) == rows[1::-1]
        assert await listed(lambda tx: list_attempts(tx, state="delivered", consumer=handler)) == rows[3::-2]
        assert await listed(lambda tx: list_attempts(tx, since_ms=rows[3].sent_at_ms)) == [rows[3]]
        assert await listed(lambda tx: list_attempts(tx, limit=1)) == [rows[3]]


class TestIndex:
    async def test_entries_are_found_by_key_before_and_after_the_index_knows_them(self, house: House) -> None:
        handler = await house.consumer()
        for number in range(7):
            await house.append(handler, key=f"post:{number % 2}")
        expected = [7, 5, 3, 1]
        for indexed in (3, 3, 1, 0):
            found = await house.store.read(lambda tx: list_entries(tx, portal="m", key="post:0"))
            assert [entry.seq for entry in found] == expected
            of_slice = await house.store.write(lambda tx: index_entries(tx, limit=3))
            assert of_slice == (indexed if house.store.engine == "sqlite" else 0), "a server has a real index"


class TestPurge:
    async def test_what_is_old_and_done_with_goes_without_a_trace(self, house: House) -> None:
        handler = await house.consumer()
        seq = await house.append(handler)
        [lease] = await house.lease()
        await house.settle(lease, Done())
        assert await self.purge(house) == 0
        house.clock.advance(31 * DAY_S)
        assert await self.purge(house) == 1
        assert await house.store.read(lambda tx: get_entry(tx, seq)) is None
        assert await house.store.read(dead.list_dead) == []

    async def test_what_still_waits_becomes_one_dead_letter(self, house: House) -> None:
        handler, other = await house.consumer("a"), await house.consumer("b")
        await house.append(handler, other)
        await house.append(handler)
        for lease in await house.lease(entries_limit=9):
            if lease.consumer.name == "b":
                await house.settle(lease, Done())
            else:
                await house.settle(lease, Again(at_ms=house.clock.now_ms() + 10**10, reason="refused"))
        house.clock.advance(31 * DAY_S)
        assert await self.purge(house) == 2
        letters = await house.store.read(dead.list_dead)
        assert [(letter.name, letter.seq, letter.reason) for letter in letters] == [
            ("a", 1, "expired"),
            ("a", 2, "expired"),
        ]
        assert await house.lanes() == []
        assert await self.purge(house) == 0

    async def test_what_is_being_worked_on_stays(self, house: House) -> None:
        handler = await house.consumer()
        await house.append(handler)
        house.clock.advance(31 * DAY_S)
        [lease] = await house.lease()
        assert await self.purge(house) == 0
        await house.settle(lease, Done())
        assert await self.purge(house) == 1

    async def test_it_goes_in_slices_and_takes_the_index_along(self, house: House) -> None:
        handler = await house.consumer()
        for number in range(5):
            await house.append(handler, key=f"post:{number}")
        await house.store.write(index_entries)
        await house.store.write(lambda tx: retire(tx, handler))
        house.clock.advance(31 * DAY_S)
        assert [await self.purge(house, limit=2) for _ in range(4)] == [2, 2, 1, 0]
        assert await house.store.read(lambda tx: tx.execute("SELECT * FROM entry_key").fetchall()) == []

    async def test_letters_and_attempts_have_their_own_age(self, house: House) -> None:
        handler = await house.consumer()
        await buried(house, handler)
        await house.append(handler)
        [lease] = await house.lease()
        await house.store.write_row(record_attempts, attempt(lease, 1, "delivered", house.clock.now_ms()))
        house.clock.advance(2 * DAY_S)
        before = house.clock.now_ms() - DAY_S * 1000
        assert await house.store.write(lambda tx: purge.purge_dead(tx, before_ms=before)) == 1
        assert await house.store.write(lambda tx: purge.purge_attempts(tx, before_ms=before)) == 1
        assert await house.store.write(lambda tx: purge.purge_attempts(tx, before_ms=before)) == 0

    async def test_of_a_portal_that_has_left_nothing_stays(self, house: House) -> None:
        handler = await house.consumer()
        await buried(house, handler)
        await house.append(handler)
        await house.store.write(lambda tx: index_entries(tx, limit=1))
        await house.store.write(lambda tx: retire(tx, handler))
        while await house.store.write(lambda tx: purge.purge_portal(tx, portal="m", limit=1)):
            pass
        for table in ("entry", "entry_key", "lane", "lease", "dead", "attempt"):
            rows = await house.store.read(
                lambda tx, table=table: tx.execute(f"SELECT * FROM {table}").fetchall()
            )
            assert rows == [], table

    async def purge(self, house: House, limit: int = 100) -> int:
        before = house.clock.now_ms() - 30 * DAY_S * 1000
        return await house.store.write(lambda tx: purge.purge_entries(tx, before_ms=before, limit=limit))

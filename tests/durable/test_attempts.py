"""Whatever is logged together, and however a file keeps it: the log is that of a plain list."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.clock import ManualClock
from livefeed.durable.attempts import Attempt, drop_attempts_of, list_attempts, record_attempts
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.deliveries import ATTEMPTED, BEYOND, Place, Wanted, find, newest_attempts, places
from livefeed.durable.engines.sqlite import open_file
from livefeed.durable.entries import Addition, append_many, index_entries
from livefeed.durable.purge import purge_attempts
from livefeed.durable.store import Tx, open_store

ENTRIES, KEYS = 300, 3
DAY_MS = 86_400_000
EVERYTHING = 10**6


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A file with entries, of which the index knows the older half."""
    path = tmp_path_factory.mktemp("attempts") / "store.db"
    asyncio.run(open_store(f"sqlite:///{path}", [], ManualClock()).close())
    with closing(open_file(path)) as opened:
        tx = Tx(opened, 0)
        append_many(
            tx, [Addition("m", f"post:{n % KEYS}", "UPDATE", b"", "test", ()) for n in range(ENTRIES)]
        )
        index_entries(tx, limit=ENTRIES // 2)
        yield opened


seqs = st.integers(1, ENTRIES) | st.integers(100, 110)
consumers = st.integers(1, 3).map(ConsumerId)
days = st.integers(0, 2)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    seq = draw(seqs)
    return Attempt(
        seq=seq,
        consumer=draw(consumers),
        key=f"post:{(seq - 1) % KEYS}",
        attempt=draw(st.integers(1, 3)),
        webhook_id=f"msg_{seq}",
        sent_at_ms=draw(days) * DAY_MS + draw(st.integers(0, 2)),
        status=draw(st.sampled_from([None, 200])),
        error=draw(st.sampled_from([None, "reset"])),
        ms=draw(st.integers(0, 9)),
        state=draw(st.sampled_from(ATTEMPTED)),
        size=draw(st.integers(0, 9)),
        answer=draw(st.none() | st.binary(max_size=4)),
    )


@st.composite
def busy_batches(draw: st.DrawFn) -> list[Attempt]:
    """What one turn brings of one consumer: more than one run, with gaps and out of order."""
    first, step = draw(st.integers(1, 50)), draw(st.sampled_from([1, 2, 30]))
    numbers = range(first, min(first + 80 * step, ENTRIES), step)
    consumer, state = draw(consumers), draw(st.sampled_from(ATTEMPTED))
    some = [
        Attempt(seq, consumer, f"post:{(seq - 1) % KEYS}", 1, "", DAY_MS, 200, None, 1, state, 5, b"ok")
        for seq in numbers
    ]
    return draw(st.permutations(some)) if draw(st.booleans()) else some


@dataclass
class Log:
    """The model: what was recorded, in its order."""

    rows: list[Attempt]

    def newest(self, **wanted: Any) -> list[Attempt]:
        """Those with these values, in the order of their entries, days and numbers, the newest first."""
        some = [
            (row.seq, row.sent_at_ms // DAY_MS, number, row)
            for number, row in enumerate(self.rows)
            if all(getattr(row, name) == value for name, value in wanted.items())
        ]
        return [row for *_, row in sorted(some, key=lambda one: one[:3], reverse=True)]

    def places(self, wanted: Wanted, limit: int) -> list[Place]:
        found = {
            Place(row.seq, row.consumer)
            for row in self.rows
            if row.consumer in wanted.consumers
            and row.state in wanted.attempted
            and row.key == (wanted.key or row.key)
            and row.seq > wanted.after
        }
        return sorted((one for one in found if one < wanted.before), reverse=True)[:limit]


@given(
    batches=st.lists(st.lists(attempts(), max_size=12) | busy_batches(), max_size=5),
    consumer=consumers,
    state=st.sampled_from(ATTEMPTED),
    states=st.sets(st.sampled_from(ATTEMPTED), min_size=1),
    some=st.sets(consumers, min_size=1),
    key=st.sampled_from([None, "post:0", "post:1"]),
    after=st.just(0) | seqs,
    before=st.builds(Place, st.integers(0, ENTRIES + 5) | st.just(ENTRIES + 5), consumers),
    limit=st.integers(1, 5) | st.just(100),
    day=days,
    gone=st.sets(seqs, max_size=3),
)
def test_every_question_is_answered_as_by_a_list(
    conn: sqlite3.Connection,
    batches: list[list[Attempt]],
    consumer: ConsumerId,
    state: str,
    states: set[Any],
    some: set[ConsumerId],
    key: str | None,
    after: int,
    before: Place,
    limit: int,
    day: int,
    gone: set[int],
) -> None:
    conn.execute("BEGIN IMMEDIATE")
    try:
        tx, log = Tx(conn, 0), Log([row for batch in batches for row in batch])
        for batch in batches:
            record_attempts(tx, batch)

        def check() -> None:
            assert sorted(list_attempts(tx, limit=EVERYTHING), key=repr) == sorted(log.rows, key=repr)
            since = day * DAY_MS
            listed = list_attempts(tx, consumer=consumer, state=state, since_ms=since, limit=EVERYTHING)
            wanted = [row for row in log.newest(consumer=consumer, state=state) if row.sent_at_ms >= since]
            assert sorted(listed, key=repr) == sorted(wanted, key=repr)
            assert (
                list_attempts(tx, portal="m", key="post:1", limit=limit) == log.newest(key="post:1")[:limit]
            )
            tried = [row for row in log.newest(consumer=consumer) if row.state != "withheld"]
            assert newest_attempts(tx, consumer, limit=limit) == tried[:limit]
            asked = Wanted(
                portal="m", consumers=sorted(some), key=key, attempted=sorted(states), pending=(),
                with_expired=False, after=after, before=before,
            )  # as one block # fmt: skip
            assert places(tx, asked, limit=limit) == log.places(asked, limit)
            for place in {Place(row.seq, row.consumer) for row in log.rows[:3]}:
                found = find(tx, place)
                assert found is not None
                of_it = log.newest(seq=place.seq, consumer=place.consumer)
                assert sorted(found.attempts, key=repr) == sorted(of_it, key=repr)

        check()
        drop_attempts_of(tx, sorted(gone))
        log.rows = [row for row in log.rows if row.seq not in gone]
        check()
        while purge_attempts(tx, before_ms=day * DAY_MS, limit=2):
            pass
        log.rows = [row for row in log.rows if row.sent_at_ms >= day * DAY_MS]
        check()
    finally:
        conn.execute("ROLLBACK")


@pytest.fixture
def tx(conn: sqlite3.Connection) -> Iterator[Tx]:
    conn.execute("BEGIN IMMEDIATE")
    yield Tx(conn, 0)
    conn.execute("ROLLBACK")


def one(seq: int, number: int = 1) -> Attempt:
    return Attempt(
        seq, ConsumerId(1), f"post:{(seq - 1) % KEYS}", number, "", 0, 500, "status", 1, "backing_off"
    )


def page(tx: Tx, *, before: Place = BEYOND, limit: int = 3) -> list[int]:
    wanted = Wanted(portal="m", consumers=[ConsumerId(1)], pending=(), with_expired=False, before=before)
    return [place.seq for place in places(tx, wanted, limit=limit)]


def test_a_delivery_that_is_tried_often_takes_one_place_of_a_page(tx: Tx) -> None:
    for number in range(1, 9):
        record_attempts(tx, [one(9, number)])
    for seq in (8, 7, 6):
        record_attempts(tx, [one(seq)])

    assert page(tx) == [9, 8, 7]


def test_a_page_may_begin_in_the_middle_of_what_was_logged_together(tx: Tx) -> None:
    record_attempts(tx, [one(seq) for seq in range(1, 41)])

    assert page(tx, before=Place(20, ConsumerId(1))) == [19, 18, 17]


def test_what_is_logged_together_is_few_rows(tx: Tx) -> None:
    rows = [
        Attempt(seq, ConsumerId(seq % 4), "k", 1, "", 0, 200, None, 1, "delivered") for seq in range(1, 241)
    ]
    record_attempts(tx, rows)

    assert tx.execute("SELECT count(*) FROM attempt").fetchone()[0] == len(rows)
    assert tx.execute("SELECT count(*) FROM attempt_run").fetchone()[0] == 4 * 4, "60 entries, 16 a run"


def test_the_newest_attempts_of_a_handler_are_found_in_any_number_of_runs(tx: Tx) -> None:
    for seq in (1, 70, 140):
        record_attempts(tx, [one(seq)])
    record_attempts(tx, [one(seq) for seq in range(80, 120)])

    assert [140, 119, 118] == [row.seq for row in newest_attempts(tx, ConsumerId(1), limit=3)]
    assert [140, 119] == [row.seq for row in newest_attempts(tx, ConsumerId(1), limit=2)]
    assert [140, *range(119, 79, -1), 70, 1] == [
        row.seq for row in newest_attempts(tx, ConsumerId(1), limit=99)
    ]

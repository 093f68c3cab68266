"""Units of work: what they see, what a failure undoes and for whom, and what a caller is told."""

import asyncio
import gc
import sqlite3

import pytest

from livefeed.clock import ManualClock
from livefeed.durable.engines.files import Files
from livefeed.durable.engines.writer import Writer
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.store import Store, Tx, open_readonly, open_store
from livefeed.errors import (
    SettingsError,
    StoreBusy,
    StoreConflict,
    StoreError,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
)


def make_table(tx: Tx) -> None:
    tx.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")


def add(name: str):
    return lambda tx: tx.execute("INSERT INTO thing (name) VALUES (?)", (name,)).lastrowid


def names(tx: Tx) -> list[str]:
    return [row["name"] for row in tx.execute("SELECT name FROM thing ORDER BY name")]


@pytest.fixture
async def things(store: Store) -> Store:
    await store.write(make_table)
    return store


async def test_a_result_is_returned_after_the_commit(things: Store) -> None:
    assert await things.write(add("a")) == 1
    assert await things.read(names) == ["a"]


async def test_rows_are_read_by_name_and_by_place(things: Store) -> None:
    await things.write(add("a"))
    row = await things.read(lambda tx: tx.execute("SELECT id, name FROM thing").fetchone())
    assert (row["name"], row[0]) == ("a", 1)


async def test_an_exception_undoes_its_own_unit_alone(things: Store) -> None:
    def fails(tx: Tx) -> None:
        add("b")(tx)
        raise KeyError("mine")

    results = await asyncio.gather(
        things.write(add("a")), things.write(fails), things.write(add("c")), return_exceptions=True
    )
    assert isinstance(results[1], KeyError)
    assert await things.read(names) == ["a", "c"]


async def test_a_broken_constraint_is_a_conflict(things: Store) -> None:
    await things.write(add("a"))
    with pytest.raises(StoreConflict, match="UNIQUE"):
        await things.write(add("a"))


async def test_wrong_sql_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError, match="no such table"):
        await store.write(lambda tx: tx.execute("SELECT * FROM nowhere"))
    with pytest.raises(StoreError, match="no such table"):
        await store.read(lambda tx: tx.execute("SELECT * FROM nowhere"))


async def test_a_reader_cannot_write(things: Store) -> None:
    with pytest.raises(StoreUnavailable, match="readonly"):
        await things.read(add("a"))


async def test_units_that_wait_share_a_commit(things: Store) -> None:
    seen: list[int] = []

    def bulk(tx: Tx, rows) -> list[int]:
        seen.append(len(rows))
        return [row * 10 for row in rows]

    results = await asyncio.gather(*(things.write_row(bulk, number) for number in range(50)))
    assert results == [number * 10 for number in range(50)]
    assert sum(seen) == 50
    assert len(seen) < 50


async def test_a_bad_row_fails_nobody_elses(things: Store) -> None:
    def bulk(tx: Tx, rows) -> list[int]:
        return [add(row)(tx) for row in rows]

    await things.write(add("taken"))
    results = await asyncio.gather(
        *(things.write_row(bulk, name) for name in ("a", "taken", "b")), return_exceptions=True
    )
    assert [isinstance(result, StoreConflict) for result in results] == [False, True, False]
    assert await things.read(names) == ["a", "b", "taken"]


async def test_a_bulk_unit_answers_every_row(store: Store) -> None:
    with pytest.raises(ValueError, match="1 rows, but 0 results"):
        await store.write_row(lambda tx, rows: [], 1)


async def test_a_failed_commit_fails_every_unit_of_it_and_stores_nothing(things: Store) -> None:
    def breaks_commit(tx: Tx) -> None:
        tx.execute("INSERT INTO child (parent) VALUES (99)")

    await things.write(
        lambda tx: tx.execute(
            "CREATE TABLE child (parent INTEGER REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    )
    results = await asyncio.gather(
        things.write(add("a")), things.write(breaks_commit), things.write(add("b")), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert await things.read(names) == []
    assert await things.write(add("later")) == 1


async def test_a_full_disk_is_unavailable_and_passes(things: Store) -> None:
    def no_more_room(tx: Tx) -> None:
        pages = tx.execute("PRAGMA page_count").fetchone()[0]
        tx.execute(f"PRAGMA max_page_count = {pages}")

    await things.write(no_more_room)
    with pytest.raises(StoreUnavailable, match="full"):
        await things.write(lambda tx: tx.execute("INSERT INTO thing (name) VALUES (?)", ("x" * 100_000,)))
    await things.write(lambda tx: tx.execute("PRAGMA max_page_count = 1000000"))
    assert await things.write(add("a")) == 1


async def test_a_full_queue_is_busy(url: str, clock: ManualClock) -> None:
    store = open_store(url, [], clock, waiting_units=3)
    arrival = Arrival("m", "post:1", "K", b"", 0, "door", None)
    futures: list[asyncio.Future[int]] = []

    def append_for_ever() -> None:
        while True:
            futures.append(store.write_row(append_arrivals, arrival))

    with pytest.raises(StoreBusy, match="try again"):
        append_for_ever()
    assert len(await asyncio.gather(*futures)) == len(futures)
    await store.close()


async def test_a_cancelled_caller_disturbs_nobody(things: Store) -> None:
    tasks = [asyncio.create_task(things.write(add(name))) for name in "abc"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert {"a", "c"} <= set(await things.read(names))


async def test_listeners_hear_of_commits_and_not_of_failures(store: Store) -> None:
    heard = asyncio.Event()
    end = store.listen("topic", heard.set)

    def wakes(tx: Tx) -> None:
        tx.wake("topic")

    def wakes_and_fails(tx: Tx) -> None:
        tx.wake("topic")
        raise KeyError

    with pytest.raises(KeyError):
        await store.write(wakes_and_fails)
    assert not heard.is_set()
    await store.write(wakes)
    assert heard.is_set()
    heard.clear()
    end()
    await store.write(wakes)
    assert not heard.is_set()


async def test_a_listener_that_has_ended_may_end_again_and_disturbs_no_other(store: Store) -> None:
    heard = asyncio.Event()
    first, second = store.listen("topic", asyncio.Event().set), store.listen("topic", heard.set)
    first()
    first()
    await store.write(lambda tx: tx.wake("topic"))
    assert heard.is_set()
    second()
    first()
    await store.write(lambda tx: tx.wake("topic"))


async def test_two_loops_may_share_a_store(things: Store) -> None:
    def other_loop() -> int:
        return asyncio.run(things.write(add("b")))

    first, second = await asyncio.gather(things.write(add("a")), asyncio.to_thread(other_loop))
    assert {first, second} == {1, 2}


async def test_numbers_of_a_sequence_are_never_given_twice(store: Store) -> None:
    first = await store.write(lambda tx: tx.take_many("token", 3))

    def fails(tx: Tx) -> None:
        tx.take("token")
        raise KeyError

    with pytest.raises(KeyError):
        await store.write(fails)
    assert await store.write(lambda tx: tx.take("token")) > max(first)


async def test_only_a_commit_that_writes_counts_as_one(store: Store, clock: ManualClock) -> None:
    clock.advance(5)
    await store.write(lambda tx: tx.execute("SELECT 1").fetchone())
    before = store.committed_at_ms
    await store.probe()
    assert before < store.committed_at_ms == clock.now_ms()


async def test_one_process_writes_a_file(store: Store, url: str, clock: ManualClock) -> None:
    with pytest.raises(StoreInUse, match="another process"):
        open_store(url, [], clock)


async def test_a_closed_store_is_unavailable_and_the_file_is_free(url: str, clock: ManualClock) -> None:
    store = open_store(url, [], clock)
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.write(lambda tx: None)
    await open_store(url, [], clock).close()


def test_a_missing_database_is_made_only_if_asked(url: str, clock: ManualClock) -> None:
    with pytest.raises(StoreUnavailable, match="portal init"):
        open_store(url, [], clock, create=False)
    with pytest.raises(StoreUnavailable, match="no database"):
        open_readonly(url)
    with pytest.raises(SettingsError):
        open_store("mysql://x", [], clock)


async def test_a_newer_schema_is_refused(url: str, clock: ManualClock) -> None:
    store = open_store(url, [], clock)
    await store.write(
        lambda tx: tx.execute(
            "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '0042.from-the-future')"
        )
    )
    await store.close()
    for opening in (lambda: open_store(url, [], clock), lambda: open_readonly(url)):
        with pytest.raises(StoreTooNew, match=r"0042\.from-the-future"):
            opening()
    gc.collect()


async def test_migrations_of_rooms_that_are_not_opened_do_not_matter(url: str, clock: ManualClock) -> None:
    store = open_store(url, ["livefeed.portal"], clock)
    await store.close()
    await open_store(url, [], clock).close()


async def test_a_command_reads_beside_the_writer(things: Store, url: str) -> None:
    reader = open_readonly(url)
    await things.write(add("a"))
    assert reader.read(names) == ["a"]
    with pytest.raises(StoreUnavailable, match="readonly"):
        reader.read(add("b"))
    reader.close()


def test_what_is_no_livefeed_database_is_refused(url: str, tmp_path, clock: ManualClock) -> None:
    sqlite3.connect(tmp_path / "store.db").execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(StoreUnavailable, match="not a livefeed database"):
        open_readonly(url)
    (tmp_path / "store.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(url, [], clock)
    gc.collect()


async def test_the_log_starts_anew_after_the_writer_has_helped_to_copy_it(
    tmp_path, clock: ManualClock
) -> None:
    """Checkpoints beside a busy writer never catch up: without its help the log would grow for ever."""
    conn = sqlite3.connect(tmp_path / "own.db", isolation_level=None, check_same_thread=False)
    for setting in ("journal_mode = WAL", "wal_autocheckpoint = 0"):
        conn.execute(f"PRAGMA {setting}")
    conn.execute("CREATE TABLE thing (body BLOB)")
    writer = Writer(conn, clock, Files(tmp_path / "own.db"), waiting_units=10)
    writer.start()

    async def write_much() -> int:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        writer.post(
            (lambda tx: tx.execute("INSERT INTO thing VALUES (zeroblob(400000))"), None, False, future)
        )
        await future
        return (tmp_path / "own.db-wal").stat().st_size

    first, second = await write_much(), await write_much()
    assert second > first
    writer.ask_checkpoint()
    sizes = [await write_much()]
    writer.ask_checkpoint()
    sizes.append(await write_much())
    assert sizes == [second, second]
    writer.close()

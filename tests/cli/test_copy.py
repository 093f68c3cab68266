"""``db copy``: every row arrives, is compared, and work goes on where it was; nothing half done is opened."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import engines
from tests.system.world import Process, Recorder, eventually, free_port, livefeed

from livefeed.app.runtime import ROOMS as APP_ROOMS
from livefeed.cli.main import main
from livefeed.clock import SystemClock
from livefeed.durable.attempts import Attempt, record_attempts
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.copying import copy_database
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.store import Tx, open_readonly, open_store
from livefeed.errors import StoreError, StoreUnavailable
from livefeed.portal.server import ROOMS as PORTAL_ROOMS
from livefeed.settings import DatabaseUrl

NOTIFIER_ROOMS = (*APP_ROOMS, "livefeed.notifier")
ROWS = 3
CHOICES = {
    ("consumer", "state"): ["active", "paused", "withheld"],
    ("app", "auth_keys"): ["documented", "extended", "minimal"],
    ("app", "state"): ["withheld", "installed", "removed"],
    ("handler", "state"): ["bound", "unbound", "bound"],
    ("handler", "webhook"): [None, None, None],
}
TEXT = 'Zoë\'s \\N \\.\t\r\n"%s" {0} 日本 😀 '
ATTEMPTS = [
    Attempt(seq, ConsumerId(1), f"{TEXT}{seq}", 1, TEXT, 9, 200, None, 3, "delivered", 5, answer)
    for seq, answer in [(7, None), (8, b""), (9, bytes(range(256)))]
]
FILLED = {"sequence", "process", "attempt_run"}
SHOWN_ANEW = {("consumer", "ready_at"), ("consumer", "in_flight")}
SHOWN_ANEW |= {("attempt", "run"), ("attempt", "first_seq"), ("attempt", "last_seq")}
"""Worked out again when leases are freed, or when attempts are put together."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def server(tmp_path: Path) -> str:
    """A database on a server, without a table."""
    return engines.database(tmp_path, "target", engine="postgresql")


def copy(origin: str, target: str) -> Result:
    return CliRunner().invoke(main, ["db", "copy", origin, target, "--json"])


def copied(origin: str, target: str) -> dict[str, Any]:
    result = copy(origin, target)
    assert 0 == result.exit_code, result.output
    return json.loads(result.stdout)


def file_url(path: Path) -> str:
    return f"sqlite:///{path}"


def opened(url: str, rooms: tuple[str, ...], unit: Any = lambda tx: None) -> Any:
    async def work() -> Any:
        store = open_store(url, rooms, SystemClock())
        try:
            return await store.write(unit)
        finally:
            await store.close()

    return asyncio.run(work())


def filled(path: Path, rooms: tuple[str, ...]) -> None:
    """A file with rows in every table, of whatever its columns may hold."""
    opened(file_url(path), rooms, lambda tx: record_attempts(tx, ATTEMPTS))
    with closing(sqlite3.connect(path)) as conn:
        for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table.startswith(("_yoyo", "yoyo", "sqlite_")) or table in FILLED:
                continue
            columns = conn.execute(f"SELECT name, type, pk FROM pragma_table_info('{table}')").fetchall()
            for number in range(ROWS):
                values = [value_of(table, name, kind, number) for name, kind, _ in columns]
                places = ", ".join("?" for _ in columns)
                conn.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", values)
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= 1, table
        conn.execute("UPDATE sequence SET value = 1000 + rowid_of.n FROM (SELECT 7 AS n) AS rowid_of")
        conn.execute("DELETE FROM lease")
        conn.execute("UPDATE lane SET seq = 0, head = 3, first_at = 5, calm_at = 5, due_at = 5, attempt = 1")
        conn.execute("UPDATE sqlite_sequence SET seq = 77 WHERE name = 'dead'")
        conn.commit()
    opened(file_url(path), rooms)  # as a server would leave it


def value_of(table: str, column: str, kind: str, number: int) -> object:
    if (table, column) in CHOICES:
        return CHOICES[table, column][number]
    match kind:
        case "TEXT":
            return f"{TEXT}{number}"
        case "BLOB":
            return bytes(range(256)) * (number + 1)
        case "REAL":
            return number / 3
        case _:
            return number + 1


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with closing(sqlite3.connect(path)) as conn:
        names = [
            row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        found = {}
        for name in names:
            if name.startswith(("_yoyo", "yoyo", "sqlite_stat")) or name in {"attempt_run", "ended"}:
                continue
            columns = [row[0] for row in conn.execute(f"SELECT name FROM pragma_table_info('{name}')")]
            kept = ", ".join(one for one in columns if (name, one) not in SHOWN_ANEW)
            found[name] = sorted(conn.execute(f"SELECT {kept} FROM {name}").fetchall(), key=repr)
    return found


@pytest.mark.parametrize(
    "rooms", [PORTAL_ROOMS, APP_ROOMS, NOTIFIER_ROOMS], ids=["portal", "app", "notifier"]
)
def test_there_and_back_every_row_of_every_table_is_the_same(
    rooms: tuple[str, ...], folder: Path, server: str
) -> None:
    filled(folder / "one.db", rooms)
    there = copied(file_url(folder / "one.db"), server)
    back = copied(server, file_url(folder / "two.db"))
    mine, theirs = rows(folder / "one.db"), rows(folder / "two.db")

    assert mine == theirs
    assert there["rows"] == back["rows"] > ROWS
    assert there["is_equal"] is back["is_equal"] is True
    assert sum(1 for table in there["of_tables"].values() if table["rows"]) == len(there["of_tables"]) - 1, (
        "every table but that of leases had rows"
    )


def test_a_character_that_the_server_cannot_hold_is_replaced_and_counted(folder: Path, server: str) -> None:
    filled(folder / "one.db", APP_ROOMS)
    with closing(sqlite3.connect(folder / "one.db")) as conn:
        conn.execute("UPDATE entry SET source = 'a' || char(0) || 'b' WHERE seq = 2")
        conn.commit()
    document = copied(file_url(folder / "one.db"), server)

    assert 1 == document["changed"]
    asked = "SELECT source FROM entry WHERE seq = 2"
    with closing(open_readonly(server, APP_ROOMS)) as reader:
        assert "a\ufffdb" == reader.read(lambda tx: tx.execute(asked).fetchone()[0])


def test_ids_and_numbers_go_on_after_the_highest_that_was_ever_given(folder: Path, server: str) -> None:
    filled(folder / "one.db", PORTAL_ROOMS)
    copied(file_url(folder / "one.db"), server)
    add = (
        "INSERT INTO dead (consumer, key, seq, kind, body, reason, at) "
        "VALUES (1, 'k', 1, 'k', CAST('b' AS {}), 'r', 1) RETURNING id"
    )

    def unit(tx: Tx) -> tuple[int, ...]:
        kind = "bytea" if tx.is_shared else "blob"
        letter = tx.execute(add.format(kind)).fetchone()[0]
        return letter, tx.take("entry"), tx.take("token"), tx.take("attempt")

    assert (78, 1008, 1008, 1008) == opened(server, PORTAL_ROOMS, unit)

    copied(server, file_url(folder / "two.db"))
    assert (79, 1009, 1009, 1009) == opened(file_url(folder / "two.db"), PORTAL_ROOMS, unit)


def test_what_has_arrived_and_has_no_lane_yet_gets_it(folder: Path, server: str) -> None:
    def arrive(tx: Tx) -> None:
        tx.execute(
            "INSERT INTO consumer (id, portal, name, state, cap, pace_ms, quiet_ms, max_wait_ms, epoch) "
            "VALUES (1, 'm', 'inbox', 'active', 8, 0, 0, 0, 1)"
        )
        append_arrivals(tx, [Arrival("m", "post:1", "K", b"{}", 1, "door", 1)])

    opened(file_url(folder / "one.db"), APP_ROOMS, arrive)
    copied(file_url(folder / "one.db"), server)

    lanes = "SELECT key, seq FROM lane ORDER BY seq"
    with closing(open_readonly(server, APP_ROOMS)) as reader:
        assert [("post:1", 0), ("post:1", 1)] == reader.read(lambda tx: [tuple(r) for r in tx.execute(lanes)])


def test_leases_are_free_on_arrival(folder: Path, server: str) -> None:
    filled(folder / "one.db", APP_ROOMS)
    with closing(sqlite3.connect(folder / "one.db")) as conn:
        consumer, key = conn.execute("SELECT consumer, key FROM lane LIMIT 1").fetchone()
        conn.execute("INSERT INTO lease VALUES (?, ?, 5, 99999999999999)", (consumer, key))
        conn.execute("UPDATE consumer SET in_flight = 1")
        conn.commit()
    document = copied(file_url(folder / "one.db"), server)

    assert 1 == document["of_tables"]["lease"]["rows"], "it was compared, and then freed"
    asked = "SELECT (SELECT count(*) FROM lease), (SELECT sum(in_flight) FROM consumer)"
    with closing(open_readonly(server, APP_ROOMS)) as reader:
        assert (0, 0) == tuple(reader.read(lambda tx: tx.execute(asked).fetchone()))


@pytest.mark.parametrize("direction", ["there", "back"])
def test_a_damaged_row_is_found_and_the_copy_is_not_opened(direction: str, folder: Path, server: str) -> None:
    filled(folder / "one.db", APP_ROOMS)
    origin, target = DatabaseUrl.parse(file_url(folder / "one.db")), DatabaseUrl.parse(server)
    if direction == "back":
        copied(str(origin), server)
        origin, target = target, DatabaseUrl.parse(file_url(folder / "two.db"))

    def damage() -> None:
        statement = "UPDATE entry SET body = CAST('!' AS {}) WHERE seq = 2"
        if direction == "there":
            engines.cluster().sql(statement.format("bytea"), database=server.rsplit("/", 1)[1])
            return
        with closing(sqlite3.connect(folder / "two.db.part")) as conn:
            conn.execute(statement.format("blob"))
            conn.commit()

    with pytest.raises(StoreUnavailable, match=r"not equal: entry \(seq 2\)"):
        copy_database(origin, target, APP_ROOMS, SystemClock(), on_progress=lambda *_: None, on_stored=damage)
    with pytest.raises(StoreError, match=r"not finished|no database"):
        open_readonly(target, APP_ROOMS)
    assert not (folder / "two.db").exists()


def test_a_copy_that_was_broken_off_is_refused_by_servers_and_begun_anew(folder: Path, server: str) -> None:
    filled(folder / "one.db", APP_ROOMS)

    def break_off() -> None:
        raise KeyboardInterrupt

    here, there = DatabaseUrl.parse(file_url(folder / "one.db")), DatabaseUrl.parse(server)
    with pytest.raises(KeyboardInterrupt):
        copy_database(here, there, APP_ROOMS, SystemClock(), on_progress=lambda *_: None, on_stored=break_off)
    with pytest.raises(StoreUnavailable, match="not finished"):
        open_store(there, APP_ROOMS, SystemClock())

    assert copied(str(here), server)["is_equal"]
    opened(server, APP_ROOMS)


def test_a_target_that_holds_data_is_refused(folder: Path, server: str) -> None:
    filled(folder / "one.db", APP_ROOMS)
    opened(server, APP_ROOMS)
    here = file_url(folder / "one.db")

    assert f"livefeed: {server} is a database of livefeed already" in refused(copy(here, server))
    assert "already" in refused(copy(here, file_url(folder / "one.db.lock")))
    assert "itself" in refused(copy(here, here))


def test_a_database_that_is_in_use_is_refused_at_either_end(folder: Path, server: str) -> None:
    filled(folder / "one.db", APP_ROOMS)
    clock, here = SystemClock(), file_url(folder / "one.db")

    async def beside(url: str, *ends: str) -> Result:
        store = open_store(url, APP_ROOMS, clock)
        await store.probe()
        try:
            return await asyncio.to_thread(copy, *ends)
        finally:
            await store.close()

    assert "another process" in refused(asyncio.run(beside(here, here, server)))
    copied(here, server)
    other = file_url(folder / "two.db")
    assert "connections of livefeed" in refused(asyncio.run(beside(server, server, other)))
    assert not (folder / "two.db").exists()


def refused(result: Result) -> str:
    assert 2 == result.exit_code, result.output
    return result.stderr


@pytest.fixture
def receiver() -> Iterator[Recorder]:
    opened = Recorder()
    yield opened
    opened.close()


def test_a_portal_goes_on_delivering_from_its_copy(folder: Path, server: str, receiver: Recorder) -> None:
    here, port = file_url(folder / "portal.db"), free_port()
    key = {"LIVEFEED_KEY_FILE": str(folder / "key")}
    livefeed("portal", "init", "--db", here, "--json", env=key)
    livefeed(
        *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", f"{receiver.url}/events"),
        *("--event", "OnLiveFeedPostUpdate", "--db", here),
        env=key,
    )

    def edit(url: str, post: int, text: str) -> None:
        livefeed("portal", "edit", str(post), "--text", text, "--db", url, env=key)

    def served(url: str, wanted: int) -> list[str]:
        """Serve it until so many have been delivered, and stop it in order; which posts they were about."""
        process = Process(
            folder / "portal.log",
            *("portal", "serve", "--db", url, "--port", str(port), "--allow-private"),
            env=key,
        )
        try:
            eventually(lambda: len(receiver.seen) >= wanted, what=f"{wanted} deliveries")
        finally:
            assert 0 == process.stop(), (folder / "portal.log").read_text()
        return [seen.form["data[FIELDS][POST_ID]"] for seen in receiver.seen]

    for post in (1, 2):
        edit(here, post, "before the copy")
    copied(here, server)
    edit(server, 3, "after the copy")
    assert ["1", "2", "3"] == sorted(served(server, 3))

    back = file_url(folder / "back.db")
    copied(server, back)
    edit(back, 1, "at home again")
    assert ["1", "1", "2", "3"] == sorted(served(back, 4)), "and nothing was repeated"
    assert 4 == len({seen.headers["webhook-id"] for seen in receiver.seen})

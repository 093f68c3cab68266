"""A new version is started beside the old one, migrates under load, and takes over: no error at the door."""

import contextlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests import engines
from tests.system.editing import Editor, edited
from tests.system.world import Process, Recorder, closing_all, eventually, free_port, livefeed
from tools.failing.door import DoorLoad
from tools.failing.shop import ROOT, Shop

pytestmark = pytest.mark.system

ENOUGH = 200
SLOW_S = 60.0
NEXT = {
    "durable": """
        ALTER TABLE entry ADD COLUMN next_mark BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE consumer ADD COLUMN next_mark BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE lane ADD COLUMN next_mark TEXT COLLATE "C";
        CREATE INDEX entry_by_mark ON entry (next_mark) WHERE next_mark > 0;
    """,
    "client": "CREATE TABLE next_thing (id BIGINT PRIMARY KEY);",
    "app": "ALTER TABLE install ADD COLUMN next_mark BIGINT NOT NULL DEFAULT 0;",
    "portal": """
        ALTER TABLE post ADD COLUMN next_mark BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE handler ADD COLUMN next_mark BIGINT NOT NULL DEFAULT 0;
        CREATE INDEX post_by_mark ON post (portal, next_mark) WHERE next_mark > 0;
    """,
}
NUMBERS = {"durable": "0099", "client": "0299", "app": "0299", "portal": "0199"}


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """This version with one more migration in each room: what the next one will be."""
    root = tmp_path / "next"
    shutil.copytree(
        ROOT / "src" / "livefeed", root / "livefeed", ignore=shutil.ignore_patterns("__pycache__")
    )
    for room, text in NEXT.items():
        for engine in ("sqlite", "postgresql"):
            file = root / "livefeed" / room / "migrations" / engine / f"{NUMBERS[room]}.next_of_{room}.sql"
            file.write_text(text if engine == "postgresql" else "SELECT 1;")
    return root


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path, engines.database(tmp_path, "app", engine="postgresql"))
    yield opened
    opened.close()


def started(shop: Shop, version: Path) -> tuple[Process, int]:
    """A process of another version, which may not be ready for long."""
    port = free_port()
    old, _ = shop.processes[0]
    process = Process(
        shop.folder / f"next-{port}.log",
        *("app", "serve", "tools.soaking.event_app:app", "--db", shop.url, "--port", str(port)),
        env={**old.env, "PYTHONPATH": f"{version}:{ROOT}"},
    )
    shop.processes.append((process, port))
    return process, port


def goes_on(load: DoorLoad) -> None:
    began = time.monotonic()
    eventually(lambda: load.acked_since(began) >= ENOUGH, what="events are acknowledged", within_s=SLOW_S)


def columns(shop: Shop) -> int:
    asked = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'next_mark'"
    with psycopg.connect(shop.url) as conn:
        row = conn.execute(asked).fetchone()
    assert row is not None
    return row[0]


def test_a_new_version_takes_over_under_load_without_an_error(shop: Shop, next_version: Path) -> None:
    old = list(shop.processes)
    first = shop.load()
    goes_on(first)
    process, port = started(shop, next_version)
    process.wait_ready(f"http://127.0.0.1:{port}")
    assert 4 == columns(shop), "it has migrated"
    goes_on(first)  # the old version goes on beside it
    second = shop.load(ports=[port], first_post=9_000_000)
    goes_on(second)
    first.stop()
    for one, _ in old:
        assert 0 == one.stop(), one.log.read_text()
    goes_on(second)
    verdict = shop.verdict(first, second)

    assert (0, 0) == (verdict["lost"], verdict["reordered"])
    assert {"200"} == set(first.answers) | set(second.answers), "and nothing else"


def test_a_new_version_of_the_portal_takes_over_under_edits_without_an_error(
    tmp_path: Path, next_version: Path
) -> None:
    db = engines.database(tmp_path, "portal", engine="postgresql")
    old_url, new_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    env = {"LIVEFEED_KEY_FILE": str(tmp_path / "key"), "LIVEFEED_DB": db}
    founded = json.loads(livefeed("portal", "init", "--public-url", old_url, "--json", env=env).stdout)
    receiver = Recorder()
    livefeed(
        *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", f"{receiver.url}/events"),
        *("--event", "OnLiveFeedPostUpdate"),
        env=env,
    )

    def serve(name: str, url: str, **more: str) -> Process:
        port = url.rsplit(":", 1)[1]
        arguments = ("portal", "serve", "--port", port, "--allow-private")
        return Process(tmp_path / f"{name}.log", *arguments, env={**env, **more})

    old = serve("old", old_url)
    hook = founded["admin_webhook_url"]
    first, second = Editor(hook, [1, 2]), Editor(hook.replace(old_url, new_url), [3, 4])
    with contextlib.ExitStack() as running:
        running.enter_context(closing_all(old, receiver))
        old.wait_ready(old_url)
        first.start()
        edited(first)
        new = serve("new", new_url, PYTHONPATH=str(next_version))
        running.enter_context(closing_all(new))
        new.wait_ready(new_url)
        with psycopg.connect(db) as conn:
            assert (2,) == conn.execute(COLUMNS_OF_PORTAL).fetchone(), "it has migrated"
        second.start()
        edited(first)  # the old version goes on beside it
        edited(second)
        first.stop()
        assert 0 == old.stop(), old.log.read_text()
        edited(second)
        second.stop()
        acked = {**first.last, **second.last}
        eventually(
            lambda: (
                (seen := Counter(int(one.form["data[FIELDS][POST_ID]"]) for one in list(receiver.seen)))
                and all(seen[post] >= number for post, number in acked.items())
            ),
            what=f"each of {acked} edits is delivered",
            within_s=SLOW_S,
        )

    assert {200} == set(first.answers) | set(second.answers), "and nothing else"


COLUMNS_OF_PORTAL = """
SELECT count(*) FROM information_schema.columns
WHERE column_name = 'next_mark' AND table_name IN ('post', 'handler')
"""


def test_a_migration_that_waits_for_a_table_keeps_nobody_waiting_behind_it(
    shop: Shop, next_version: Path
) -> None:
    load = shop.load()
    goes_on(load)
    with psycopg.connect(shop.url) as conn:
        conn.execute("SELECT count(*) FROM entry")  # a transaction that stays open
        process, port = started(shop, next_version)
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        with psycopg.connect(shop.url, autocommit=True) as watch:
            eventually(lambda: (watch.execute(waits).fetchone() or [0])[0], what="the migration waits")
        goes_on(load)
        goes_on(load)
        process.fail_if_dead()
        assert 0 == columns(shop), "it has not got the table yet"
    process.wait_ready(f"http://127.0.0.1:{port}")
    assert 4 == columns(shop)
    goes_on(load)
    verdict = shop.verdict(load)

    assert (0, 0) == (verdict["lost"], verdict["reordered"])
    assert {"200"} == set(load.answers), "and nothing else"

"""A backup made under load holds everything that was acknowledged before it, and a half comes up from it."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.world import Process, closing_all, eventually, free_port, livefeed, rest
from tools.soaking.house import HERE, MEMBER_ID, TOKEN

pytestmark = pytest.mark.system


class App:
    def __init__(self, folder: Path, name: str) -> None:
        self.port = free_port()
        self.db = folder / f"{name}.db"
        self.received = folder / f"{name}.jsonl"
        self.env = {
            "SOAK_RECEIVED": str(self.received),
            "LIVEFEED_MEMBER_ID": MEMBER_ID,
            "LIVEFEED_APPLICATION_TOKEN": TOKEN,
            "LIVEFEED_KEY_FILE": str(folder / "key"),
            "LIVEFEED_DB": f"sqlite:///{self.db}",
            "PYTHONPATH": str(HERE.parents[1]),
        }

    def start(self, folder: Path) -> Process:
        command = ["app", "serve", "tools.soaking.event_app:app", "--port", str(self.port)]
        process = Process(folder / f"{self.db.name}.log", *command, env=self.env)
        process.wait_ready(f"http://127.0.0.1:{self.port}")
        return process


@pytest.mark.parametrize("flags", [[], ["--compact"]], ids=["as it is", "compact"])
def test_an_application_comes_up_from_a_backup_that_was_made_under_load(tmp_path: Path, flags: list[str]):
    first, again = App(tmp_path, "first"), App(tmp_path, "again")
    acked = tmp_path / "acked.jsonl"
    process = first.start(tmp_path)
    command = [sys.executable, str(HERE / "event_load.py"), str(first.port), str(acked), MEMBER_ID, TOKEN]
    load = subprocess.Popen([*command, "--rate", "800"], stdout=subprocess.DEVNULL)
    with closing_all(process):
        eventually(lambda: first.received.exists() and first.received.stat().st_size > 40_000, what="load")
        before = {line["seq"] for line in events_of(first.db)}
        livefeed("db", "backup", str(again.db), *flags, env=first.env)
        load.terminate()
        load.wait(30)
        assert 0 == process.stop()
    shutil.copy(first.received, again.received)

    restored = again.start(tmp_path)
    with closing_all(restored):
        eventually(lambda: not livefeed("lanes", "--json", env=again.env).stdout.strip(), what="all handled")
        assert before <= {line["seq"] for line in events_of(again.db)}
        assert 0 == restored.stop()


def events_of(path: Path) -> list[dict[str, int]]:
    conn = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return [{"seq": row[0]} for row in conn.execute("SELECT seq FROM entry")]
    finally:
        conn.close()


def test_a_portal_comes_up_from_a_backup_with_its_posts_and_what_waits_to_be_delivered(tmp_path: Path):
    env = {"LIVEFEED_DB": f"sqlite:///{tmp_path / 'portal.db'}", "LIVEFEED_KEY_FILE": str(tmp_path / "key")}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    founded = json.loads(livefeed("portal", "init", "--public-url", url, "--json", env=env).stdout)
    process = Process(tmp_path / "log", "portal", "serve", "--port", str(port), env=env)
    with closing_all(process):
        process.wait_ready(url)
        post = rest(founded["admin_webhook_url"], "log.blogpost.add", POST_MESSAGE="kept", DEST=["UA"])
        livefeed("db", "backup", str(tmp_path / "copy.db"), env=env)
        rest(founded["admin_webhook_url"], "log.blogpost.update", POST_ID=post, POST_MESSAGE="after it")
        assert 0 == process.stop()
    (tmp_path / "portal.db").unlink()
    for left in ("-wal", "-shm"):
        (tmp_path / f"portal.db{left}").unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(tmp_path / "portal.db")
    process.start()
    with closing_all(process):
        process.wait_ready(url)
        [found] = rest(founded["admin_webhook_url"], "log.blogpost.get", POST_ID=post)
        assert "kept" == found["DETAIL_TEXT"]
        assert 0 == process.stop()


@pytest.mark.parametrize(
    ("target", "said"),
    [("there.db", "exists"), ("no/folder.db", "no folder"), ("/dev/full/x.db", "no folder")],
)
def test_a_backup_that_cannot_be_made_says_one_line_and_leaves_nothing(
    tmp_path: Path, target: str, said: str
):
    env = {"LIVEFEED_DB": f"sqlite:///{tmp_path / 'portal.db'}"}
    livefeed("portal", "init", env=env)
    (tmp_path / "there.db").touch()

    done = livefeed("db", "backup", str(tmp_path / target), env=env, check=False)

    assert 2 == done.returncode
    assert said in done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert [] == list(tmp_path.glob("*.part"))

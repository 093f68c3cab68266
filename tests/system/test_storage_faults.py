"""Faults of the storage under traffic: one clear error at each door, nothing acked is lost, and it passes."""

import contextlib
import errno
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.faulty import build_shim
from tests.system.world import Process, closing_all, eventually, free_port, is_ready, livefeed, rest
from tools.soaking.house import HERE, MEMBER_ID, TOKEN

pytestmark = pytest.mark.system


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


class Served:
    """One half with a database in a folder of its own, whose storage can be broken."""

    def __init__(self, folder: Path, name: str, shim: Path | None) -> None:
        self.folder, self.disk = folder, folder / "disk"
        self.disk.mkdir()
        self.number = folder / "errno"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.path = self.disk / f"{name}.db"
        self.env = {"LIVEFEED_KEY_FILE": str(folder / "key"), "LIVEFEED_DB": f"sqlite:///{self.path}"}
        if shim is not None:
            self.env |= {
                "LD_PRELOAD": str(shim),
                "FAULT_FOLDER": str(self.disk),
                "FAULT_NUMBER": str(self.number),
            }

    def start(self, *arguments: str, **env: str) -> None:
        port = self.url.rsplit(":", 1)[1]
        log = self.folder / "log"
        self.process = Process(log, *arguments, "--port", port, env={**self.env, **env})
        self.process.wait_ready(self.url)

    @contextlib.contextmanager
    def failing(self, number: int) -> Iterator[None]:
        """Every write fails with this errno."""
        self.number.write_text(str(number))
        yield
        self.number.unlink()

    @contextlib.contextmanager
    def too_large(self) -> Iterator[None]:
        """No file may grow: the kernel refuses it."""
        pid, one = self.process.popen.pid, resource.RLIMIT_FSIZE
        before = resource.prlimit(pid, one, (0, resource.RLIM_INFINITY))
        yield
        resource.prlimit(pid, one, before)

    @contextlib.contextmanager
    def removed(self) -> Iterator[None]:
        """The file is moved away, and comes back."""
        away = self.folder / "away.db"
        self.path.rename(away)
        yield
        away.rename(self.path)

    def stop(self) -> None:
        self.process.stop()


FAULTS: dict[str, Callable[[Served], contextlib.AbstractContextManager[None]]] = {
    "disk full": lambda served: served.failing(errno.ENOSPC),
    "read-only": lambda served: served.failing(errno.EROFS),
    "i/o error": lambda served: served.failing(errno.EIO),
    "no file may grow": lambda served: served.too_large(),
    "removed": lambda served: served.removed(),
}


@pytest.fixture
def door(tmp_path: Path, shim: Path) -> Iterator[Served]:
    served = Served(tmp_path, "app", shim)
    served.start(
        *("app", "serve", "tools.soaking.event_app:app"),
        SOAK_RECEIVED=str(tmp_path / "received.jsonl"),
        LIVEFEED_MEMBER_ID=MEMBER_ID,
        LIVEFEED_APPLICATION_TOKEN=TOKEN,
        PYTHONPATH=os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]),
    )
    with closing_all(served):
        yield served
        served.stop()


@pytest.fixture
def portal(tmp_path: Path, shim: Path) -> Iterator[tuple[Served, str]]:
    served = Served(tmp_path, "portal", shim)
    founded = json.loads(
        livefeed("portal", "init", "--public-url", served.url, "--json", env=served.env).stdout
    )
    served.start("portal", "serve")
    with closing_all(served):
        yield served, founded["admin_webhook_url"]
        served.stop()


def answer_of(url: str, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, form), timeout=30) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, dict(refused.headers), json.load(refused)


def event(post: int, number: int) -> bytes:
    fields = {
        "event": "ONLIVEFEEDPOSTUPDATE",
        "data[FIELDS][POST_ID]": post,
        "ts": number,
        "auth[member_id]": MEMBER_ID,
        "auth[application_token]": TOKEN,
    }
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


@pytest.mark.parametrize("fault", ["disk full", "no file may grow", "removed"])
def test_the_door_answers_503_while_the_storage_fails_and_loses_nothing_it_acked(door: Served, fault: str):
    files = [door.folder / "acked.jsonl", door.folder / "received.jsonl"]
    command = [
        sys.executable,
        str(HERE / "event_load.py"),
        door.url.rsplit(":", 1)[1],
        str(files[0]),
        MEMBER_ID,
        TOKEN,
    ]
    load = subprocess.Popen(
        [*command, "--connections", "8", "--rate", "500"], stdout=subprocess.PIPE, text=True
    )
    try:
        eventually(lambda: files[1].exists() and files[1].stat().st_size > 5_000, what="events are handled")
        with FAULTS[fault](door):
            # What is under way may still be stored; what comes once this was refused is refused too.
            refusal = eventually(
                lambda: next(
                    (one for one in [answer_of(f"{door.url}/events", event(1, 1))] if one[0] != 200), None
                ),
                what="an event is refused",
            )
            eventually(lambda: not is_ready(door.url), what="/readyz says that nothing can be stored")
        eventually(lambda: is_ready(door.url), what="it is ready again by itself")
        size = files[1].stat().st_size
        eventually(lambda: files[1].stat().st_size > size + 20_000, what="events are handled again")
    finally:
        load.terminate()
        told = json.loads(load.communicate(timeout=60)[0])

    assert 503 == refusal[0]
    assert 1 <= int(refusal[1]["retry-after"])
    assert {"status", "error", "error_description"} == set(refusal[2])
    assert {"200", "503"} == set(told["outcomes"]), "no answer was cut, and no other was given"
    eventually(lambda: not waiting(door), what="everything is handled")
    history = door.folder / "history.jsonl"
    history.write_text("".join(file.read_text() for file in files))
    verdict = json.loads(livefeed("check-history", str(history), "--json", check=False).stdout)
    assert (told["acked"], 0, 0) == (verdict["acked"], verdict["lost"], verdict["reordered"])


def waiting(served: Served) -> bool:
    return bool(livefeed("lanes", "--json", env={"LIVEFEED_DB": served.env["LIVEFEED_DB"]}).stdout.strip())


@pytest.mark.parametrize("fault", ["i/o error", "read-only", "removed"])
def test_rest_answers_503_in_its_own_form_while_the_storage_fails_and_goes_on_by_itself(
    portal: tuple[Served, str], fault: str
):
    served, webhook = portal
    post = rest(webhook, "log.blogpost.add", POST_MESSAGE="before", DEST=["UA"])
    with FAULTS[fault](served):
        refused = answer_of(
            f"{webhook}log.blogpost.update", f"POST_ID={post}&POST_MESSAGE=meanwhile".encode()
        )
        eventually(lambda: not is_ready(served.url), what="/readyz says that nothing can be stored")
    eventually(lambda: is_ready(served.url), what="it is ready again by itself")

    assert 503 == refused[0]
    assert {"error", "error_description"} == set(refused[2])
    assert 1 <= int(refused[1]["retry-after"])
    assert "before" == rest(webhook, "log.blogpost.get", POST_ID=post)[0]["DETAIL_TEXT"]
    assert rest(webhook, "log.blogpost.update", POST_ID=post, POST_MESSAGE="after")


def newer(path: Path) -> None:
    conn = sqlite3.connect(path)
    conn.execute(
        "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '0199.from-the-future')"
    )
    conn.commit()
    conn.close()


def corrupt(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 50_000)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer schema": (newer, "newer"),
    "corrupt": (corrupt, "malformed|database"),
    "no database": (lambda path: path.write_bytes(b"something else " * 100), "not an SQLite database"),
    "removed": (Path.unlink, "no database"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "."),
}


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    livefeed("portal", "init", "--db", f"sqlite:///{folder / 'portal.db'}", "--key-file", str(folder / "key"))
    return folder


@pytest.mark.parametrize("command", ["serve", "events"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_command_on_a_broken_database_says_one_line_and_ends_with_2(
    founded: Path, tmp_path: Path, fault: str, command: str
):
    path = tmp_path / "portal.db"
    shutil.copy(founded / "portal.db", path)
    BROKEN[fault][0](path)
    env = {"LIVEFEED_DB": f"sqlite:///{path}", "LIVEFEED_KEY_FILE": str(founded / "key")}
    port = ["--port", str(free_port())] if command == "serve" else []

    done = livefeed("portal", command, *port, env=env, check=False)

    assert 2 == done.returncode, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert 1 == len(lines), done.stderr
    assert lines[0].startswith("livefeed: ")
    assert "Traceback" not in done.stderr


def test_a_second_process_on_a_database_says_who_has_it_and_ends_with_2(portal: tuple[Served, str]):
    served, _ = portal
    env = {name: value for name, value in served.env.items() if name.startswith("LIVEFEED")}

    done = livefeed("portal", "serve", "--port", str(free_port()), env=env, check=False)

    assert 2 == done.returncode
    assert "another process writes" in done.stderr

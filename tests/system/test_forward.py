"""Applications in PHP and in JavaScript behind ``livefeed forward``, which know nothing of livefeed."""

import base64
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from tests.app.bodies import APPLICATION_TOKEN, MEMBER, event_body
from tests.ports import free_port
from tests.required import require_or_skip

from .world import PATIENCE_S, Process, closing_all, eventually, rows

pytestmark = pytest.mark.system

PHP = """<?php
$body = file_get_contents('php://input');
$post = $_POST['data']['FIELDS']['POST_ID'];
$line = implode(' ', [$_SERVER['HTTP_WEBHOOK_ID'], $_SERVER['CONTENT_TYPE'], $post, base64_encode($body)]);
file_put_contents(getenv('SEEN'), "$line\\n", FILE_APPEND | LOCK_EX);
echo 'ok';
"""
NODE = """
const { appendFileSync } = require('node:fs');
require('node:http').createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    const post = new URLSearchParams(body.toString()).get('data[FIELDS][POST_ID]');
    const { 'webhook-id': id, 'content-type': type } = request.headers;
    appendFileSync(process.env.SEEN, `${id} ${type} ${post} ${body.toString('base64')}\\n`);
    response.end('ok');
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
"""
EVENTS = 90
POSTS = 6


class Handler:
    """An application of somebody else, in another process."""

    def __init__(self, tool: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/handler"
        self.seen_at = folder / "seen"
        program = folder / f"handler.{'php' if tool == 'php' else 'js'}"
        program.write_text(PHP if tool == "php" else NODE)
        command = require_or_skip(tool)
        self.command = (
            [command, "-S", f"127.0.0.1:{self.port}", str(program)]
            if tool == "php"
            else [command, str(program)]
        )
        self.start()

    def start(self) -> None:
        env = {**os.environ, "SEEN": str(self.seen_at), "PORT": str(self.port)}
        self.popen = subprocess.Popen(
            self.command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(PATIENCE_S)

    close = kill

    def seen(self) -> list[tuple[str, str, int, bytes]]:
        """What it was given: id, content type, post, body; a line that is being written is none yet."""
        if not self.seen_at.exists():
            return []
        lines = self.seen_at.read_text().rpartition("\n")[0].splitlines()
        split = [line.split(" ") for line in lines]
        return [(one, kind, int(post), base64.b64decode(body)) for one, kind, post, body in split]


def body_of(number: int) -> bytes:
    return event_body(post=200 + number % POSTS, ts=1_743_000_000 + number)


def number_of(body: bytes) -> int:
    return int(parse_qs(body.decode())["ts"][0]) - 1_743_000_000


def send(url: str, body: bytes) -> bool:
    """As a portal would: once."""
    request = urllib.request.Request(
        f"{url}/events", body, {"Content-Type": "application/x-www-form-urlencoded"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status == 200
    except (OSError, urllib.error.HTTPError):
        return False


@pytest.fixture(params=["php", "node"])
def handler(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Handler]:
    made = Handler(request.param, tmp_path)
    with closing_all(made):
        yield made


def test_what_was_answered_reaches_any_application_in_order_through_kills_of_either(
    handler: Handler, tmp_path: Path
) -> None:
    port, db = free_port(), f"sqlite:///{tmp_path / 'forward.db'}"
    url = f"http://127.0.0.1:{port}"
    forward = Process(
        tmp_path / "forward.log",
        *("forward", "--to", handler.url, "--port", str(port), "--db", db, "--portal", MEMBER),
        env={"LIVEFEED_APPLICATION_TOKEN": APPLICATION_TOKEN},
    )
    answered: list[int] = []
    sent: list[int] = []

    def send_one(number: int) -> bool:
        sent.append(number)
        return send(url, body_of(number))

    def send_all() -> None:
        for number in range(EVENTS):
            eventually(partial(send_one, number), what=f"event {number} taken")
            answered.append(number)

    with ExitStack() as stack:
        stack.enter_context(closing_all(forward))
        forward.wait_ready(url)
        sender = threading.Thread(target=send_all)
        sender.start()
        stack.callback(sender.join)
        eventually(lambda: len(handler.seen()) >= EVENTS // 4, what="the first events")
        handler.kill()
        eventually(lambda: len(answered) >= EVENTS // 2, what="events taken while the handler is dead")
        forward.kill()
        forward.start()
        forward.wait_ready(url)
        handler.start()
        eventually(
            lambda: {number_of(body) for *_, body in handler.seen()} == set(range(EVENTS)),
            what="every event at the handler",
        )

        seen = handler.seen()
        ids = {one: body for one, _, _, body in seen}
        assert all(ids[one] == body for one, _, _, body in seen), "an id is that of one event, also repeated"
        assert EVENTS <= len(ids) <= len(sent), "and each event has its own"
        first = list(dict.fromkeys(body for *_, body in seen))
        assert [body_of(number_of(body)) for body in first] == first, "byte for byte as it came"
        assert {kind for _, kind, _, _ in seen} == {"application/x-www-form-urlencoded"}
        for post in range(200, 200 + POSTS):
            told = [number_of(body) for _, _, one, body in seen if one == post]
            assert told == sorted(told), "a post's events in their order, also where one is repeated"
        shown = eventually(
            lambda: [row for row in [rows("inbox", "--db", db, "--limit", "1")[0]] if row["state"] == "done"],
            what="the last event settled",
        )
        assert [step["step"] for step in shown[0]["steps"]] == [
            "received",
            "verified",
            "forwarded",
            "finished",
        ]

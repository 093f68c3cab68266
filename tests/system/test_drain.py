"""SIGTERM under traffic: who is connected is answered, who comes later is refused, and nothing is lost."""

import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.system.world import Process, Recorder, closing_all, eventually, free_port, livefeed, rest
from tools.soaking.house import HERE, MEMBER_ID, TOKEN

from livefeed.net.draining import LAST_CALL_S

pytestmark = pytest.mark.system
CALLERS = 6
STOP_S = 15.0


class Crowd:
    """Callers on connections that are kept, or on a new one for each call, until they are refused."""

    def __init__(self, port: int, make: Callable[[int, int], tuple[str, bytes, dict[str, str]]]) -> None:
        self.port = port
        self.make = make
        self.outcomes: Counter[str] = Counter()
        self.answered: list[tuple[int, int]] = []
        self.threads = [threading.Thread(target=self.call, args=(n,), daemon=True) for n in range(CALLERS)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def call(self, caller: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        number, last_s = 0, time.monotonic()
        while True:
            number += 1
            path, body, headers = self.make(caller, number)
            is_kept = connection.sock is not None
            try:
                try:
                    connection.request("POST", path, body, headers)
                finally:
                    silent_s = time.monotonic() - last_s
                answer = connection.getresponse()
                answer.read()
            except ConnectionRefusedError:
                self.outcomes["refused"] += 1
                connection.close()
                return
            except (OSError, http.client.HTTPException) as exc:
                # Who says nothing on an open connection until the last call is over has missed it.
                is_late = is_kept and silent_s >= LAST_CALL_S / 2
                self.outcomes["refused" if is_late else f"cut: {type(exc).__name__}"] += 1
                connection.close()
                return
            last_s = time.monotonic()
            self.outcomes[str(answer.status)] += 1
            if answer.status == 200:
                self.answered.append((caller, number))
            if caller % 2:
                connection.close()

    def join(self) -> None:
        for thread in self.threads:
            thread.join(STOP_S)
            assert not thread.is_alive()


def stop_under_traffic(process: Process, crowd: Crowd, *, after: int) -> None:
    crowd.start()
    eventually(lambda: len(crowd.answered) >= after, what="traffic is under way")
    process.popen.send_signal(signal.SIGTERM)
    crowd.join()

    assert 0 == process.wait_dead(), process.log.read_text()[-4000:]
    assert {"200", "refused"} == set(crowd.outcomes), "answers and refusals, and nothing else"


def test_an_application_that_is_stopped_answers_whom_it_has_and_handles_all_of_it(tmp_path: Path):
    port, received = free_port(), tmp_path / "received.jsonl"
    env = {
        "SOAK_RECEIVED": str(received),
        "LIVEFEED_MEMBER_ID": MEMBER_ID,
        "LIVEFEED_APPLICATION_TOKEN": TOKEN,
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]),
        "LIVEFEED_DB": f"sqlite:///{tmp_path / 'app.db'}",
    }
    process = Process(
        tmp_path / "log", "app", "serve", "tools.soaking.event_app:app", "--port", str(port), env=env
    )

    def event(caller: int, number: int) -> tuple[str, bytes, dict[str, str]]:
        body = (
            f"event=ONLIVEFEEDPOSTUPDATE&data[FIELDS][POST_ID]={1 + caller}&ts={number}"
            f"&auth[member_id]={MEMBER_ID}&auth[application_token]={TOKEN}"
        )
        return "/events", body.encode(), {"Content-Type": "application/x-www-form-urlencoded"}

    with closing_all(process):
        process.wait_ready(f"http://127.0.0.1:{port}")
        crowd = Crowd(port, event)
        stop_under_traffic(process, crowd, after=300)
        process.start()
        process.wait_ready(f"http://127.0.0.1:{port}")
        eventually(lambda: not livefeed("lanes", "--json", env=env).stdout.strip(), what="all is handled")
        seen = [json.loads(line) for line in received.read_text().splitlines()]
        runs = [(line["post"] - 1, line["seq"]) for line in seen]

        assert sorted(crowd.answered) == sorted(set(runs))
        assert len(runs) == len(set(runs)), (
            "what was under way was settled before the end, so nothing runs twice"
        )
        assert 0 == process.stop()


def test_a_portal_that_is_stopped_answers_whom_it_has_and_delivers_all_of_it(tmp_path: Path):
    port = free_port()
    sink = Recorder()
    env = {"LIVEFEED_DB": f"sqlite:///{tmp_path / 'portal.db'}"}
    url = f"http://127.0.0.1:{port}"
    founded = json.loads(livefeed("portal", "init", "--public-url", url, "--json", env=env).stdout)
    process = Process(tmp_path / "log", "portal", "serve", "--port", str(port), "--allow-private", env=env)
    with closing_all(process, sink):
        process.wait_ready(url)
        webhook = founded["admin_webhook_url"]
        posts = [
            rest(webhook, "log.blogpost.add", POST_MESSAGE="before", DEST=["UA"]) for _ in range(CALLERS)
        ]
        livefeed(
            *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", f"{sink.url}/events"),
            *("--event", "OnLiveFeedPostUpdate"),
            env=env,
        )

        def edit(caller: int, number: int) -> tuple[str, bytes, dict[str, str]]:
            body = {"POST_ID": posts[caller], "POST_MESSAGE": f"edit {number}"}
            path = webhook.removeprefix(url)
            return (
                f"{path}log.blogpost.update",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )

        crowd = Crowd(port, edit)
        stop_under_traffic(process, crowd, after=100)
        process.start()
        process.wait_ready(url)
        eventually(lambda: not livefeed("lanes", "--json", env=env).stdout.strip(), what="all is delivered")
        delivered = Counter(seen.headers["webhook-id"] for seen in sink.seen)

        assert len(crowd.answered) == len(delivered)
        assert {1} == set(delivered.values()), "what was under way was settled, so nothing is sent twice"
        assert 0 == process.stop()


def test_a_notifier_that_is_stopped_while_it_cannot_reach_its_portal_ends_at_once(tmp_path: Path):
    port = free_port()
    env = {
        "LIVEFEED_PORTAL_URL": f"http://127.0.0.1:{free_port()}",
        "LIVEFEED_MEMBER_ID": MEMBER_ID,
        "LIVEFEED_APPLICATION_TOKEN": TOKEN,
        "LIVEFEED_DB": f"sqlite:///{tmp_path / 'notifier.db'}",
    }
    process = Process(tmp_path / "log", "notifier", "serve", "--port", str(port), env=env)
    with closing_all(process):
        process.wait_ready(f"http://127.0.0.1:{port}")
        process.popen.send_signal(signal.SIGTERM)

        assert 0 == process.wait_dead(), process.log.read_text()[-4000:]

"""Real processes, real HTTP and an independent recorder for the system tests; none of livefeed's own code."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.ports import free_port as free_port

PATIENCE_S = 120.0


def eventually(look: Callable[[], Any], *, what: str, within_s: float = PATIENCE_S) -> Any:
    """Look until something is there; the pause is between looks, never instead of one."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}")
        pause.wait(0.02)


def is_alone() -> bool:
    """Whether the machine works for this test alone, so that a claim about seconds can be judged strictly."""
    return not (os.environ.get("CI") or os.environ.get("PYTEST_XDIST_WORKER"))


def rest(webhook_url: str, method: str, **params: Any) -> Any:
    """Call one REST method by JSON and return its result."""
    request = urllib.request.Request(
        f"{webhook_url}{method}", json.dumps(params).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)["result"]


def livefeed(
    *arguments: str, env: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "livefeed", *arguments],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def rows(*arguments: str, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in livefeed(*arguments, "--json", env=env).stdout.splitlines()]


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


class Process:
    """One installed command, started as a user would and ended as an accident would."""

    def __init__(self, log: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.arguments = arguments
        self.env = {**os.environ, **(env or {})}
        self.log = log
        self.start()

    def start(self, **env: str) -> None:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "livefeed", *self.arguments],
                env={**self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self, url: str) -> None:
        eventually(lambda: self.fail_if_dead() or is_ready(url), what=f"{self.arguments} ready")

    def fail_if_dead(self) -> None:
        if self.popen.poll() is not None:
            raise AssertionError(f"{self.arguments} ended:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        popen = self.popen  # another thread may start the next one as soon as this one is dead
        popen.kill()
        buried(popen)

    def wait_dead(self) -> int:
        return buried(self.popen)

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.wait_dead()


def buried(popen: subprocess.Popen[bytes]) -> int:
    """Wait for a process to end and close its pipe."""
    code = popen.wait(PATIENCE_S)
    assert popen.stdout is not None
    popen.stdout.close()
    return code


class History:
    """The recorder's own JSONL file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def write(
        self, kind: str, portal: str, post: int, *, seq: int | None = None, id: str | None = None
    ) -> None:
        line = {
            "kind": kind,
            "portal": portal,
            "post": post,
            "seq": seq,
            "at_ms": time.time_ns() // 1_000_000,
            "id": id,
        }
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def verdict(self) -> tuple[int, dict[str, int]]:
        done = livefeed("check-history", str(self.path), "--json", check=False)
        return done.returncode, json.loads(done.stdout)


class Seen:
    """One request as the recorder saw it."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


class Recorder:
    """A small HTTP receiver; with a target it is a relay that can see and cut what passes.

    ``on_request`` is called before anything is passed on, ``on_answer`` after the target's answer and before
    the caller gets it.
    """

    def __init__(self, target: str | None = None, port: int | None = None) -> None:
        self.target = target
        self.seen: list[Seen] = []
        self.on_request: Callable[[Seen], None] = lambda seen: None
        self.on_answer: Callable[[Seen, int], None] = lambda seen, status: None
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.relay()

            def do_POST(self) -> None:
                self.relay()

            def relay(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                recorder.seen.append(seen)
                recorder.on_request(seen)
                status, headers, answer = recorder.pass_on(self.command, seen)
                recorder.on_answer(seen, status)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port or 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def pass_on(self, command: str, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        if self.target is None:
            return 200, {"Content-Type": "text/plain"}, b"ok"
        kept = {
            name: value
            for name, value in seen.headers.items()
            if name in {"content-type", "accept"} or "webhook" in name
        }
        request = urllib.request.Request(
            self.target + seen.path, seen.body if command == "POST" else None, kept, method=command
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return (
                    answer.status,
                    {"Content-Type": answer.headers.get("Content-Type", "text/plain")},
                    answer.read(),
                )
        except urllib.error.HTTPError as refused:
            with refused:
                return (
                    refused.code,
                    {"Content-Type": refused.headers.get("Content-Type", "text/plain")},
                    refused.read(),
                )
        except OSError:
            return 502, {}, b"nobody there"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@contextlib.contextmanager
def closing_all(*things: Any) -> Iterator[None]:
    try:
        yield
    finally:
        for thing in things:
            with contextlib.suppress(Exception):
                (thing.stop if isinstance(thing, Process) else thing.close)()

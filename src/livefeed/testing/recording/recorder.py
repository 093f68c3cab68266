"""The recorder: an address that writes down what arrives, and hands it on if it is told to."""

import contextlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from livefeed.clock import Clock, SystemClock
from livefeed.errors import TransportError
from livefeed.net.http import HttpClient
from livefeed.testing.loops import Loop
from livefeed.testing.recording.tape import Request, Tape
from livefeed.testing.seen import Delivery
from livefeed.testing.serving.sites import Site


class Recorder:
    """An ASGI application that records; it can be mounted in one's own, too.

    Attributes:
        url: Where it listens; empty if it is mounted elsewhere.
        requests: What has arrived, without secrets.
    """

    def __init__(self, path: Path, *, forward_to: str = "", clock: Clock | None = None) -> None:
        """Write to ``path``; answer 200, or what ``forward_to`` answers to the unmasked request."""
        self._tape = Tape(path)
        self._forward_to = forward_to
        self._clock = clock or SystemClock()
        self._http = HttpClient(allow_private=True)
        self.url = ""
        self.requests: list[Request] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Record one request and answer it."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"].decode("latin-1")
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        path = f"{path}?{query}" if query else path
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        now_ms = self._clock.now_ms()
        self.requests.append(
            self._tape.add(at_ms=now_ms, method=scope["method"], path=path, headers=headers, body=body)
        )
        status, answer = await self._handed_on(scope["method"], headers, body)
        length = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": length})
        await send({"type": "http.response.body", "body": answer})

    async def close(self) -> None:
        """Close what was opened to hand requests on."""
        await self._http.close()

    async def _handed_on(self, method: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if not self._forward_to:
            return 200, b""
        dropped = {"host", "content-length", "connection", "transfer-encoding"}
        kept = {name: value for name, value in headers.items() if name not in dropped}
        try:
            answer = await self._http.send(method, self._forward_to, body=body, headers=kept)
        except TransportError as exc:
            return 502, f"{self._forward_to} did not answer: {exc}\n".encode()
        return answer.status, answer.body


@contextlib.contextmanager
def recorder(path: Path, *, forward_to: str = "") -> Generator[Recorder]:
    """Record what arrives at the recorder's URL, of 127.0.0.1, while the block lasts.

    Args:
        path: A JSONL file; what it holds is kept. Secrets are replaced in forms, JSON, multipart/form-data,
            addresses and texts; headers that authorize are left out.
        forward_to: Every request is sent on to this URL, as it came; status and body of the answer are given
            back.

    Example:
        >>> with recorder(Path("events.jsonl"), forward_to="http://127.0.0.1:8000/events") as tape:
        ...     print(f"let a tunnel lead to {tape.url}, and bind your handler there")
        ...     input("Enter ends it")
    """
    loop = Loop("the recorder")
    made = Recorder(path, forward_to=forward_to)
    site = Site(made)
    try:
        loop.run(site.open())
        made.url = site.url
        try:
            yield made
        finally:
            loop.run(site.close())
            loop.run(made.close())
    finally:
        loop.close()


def save_deliveries(path: Path, deliveries: Iterable[Delivery]) -> list[Request]:
    """Write deliveries of a test's portal to a tape, without secrets."""
    tape = Tape(path)
    return [
        tape.add(
            at_ms=one.at_ms,
            method="POST",
            path=urlsplit(one.url).path or "/",
            headers=one.headers,
            body=one.body,
        )
        for one in deliveries
    ]

"""A small caller of ASGI applications: one request, one answer, no network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

HOST = "127.0.0.1:8024"


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def request(
    app: ASGIApp,
    method: str,
    url: str,
    *,
    body: bytes | Sequence[bytes] = b"",
    headers: dict[str, str] | None = None,
    host: str = HOST,
    scheme: str = "http",
) -> Response:
    """Send one request; a sequence of bodies comes in as chunks without a length."""
    parts = urlsplit(url)
    chunks = [body] if isinstance(body, bytes) else list(body)
    sent = {"host": host, **(headers or {})}
    if isinstance(body, bytes) and body:
        sent.setdefault("content-length", str(len(body)))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8024),
    }
    messages = [
        {"type": "http.request", "body": chunk, "more_body": index + 1 < len(chunks)}
        for index, chunk in enumerate(chunks or [b""])
    ]
    out: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        out.append(message)

    await app(scope, receive, send)
    start = next(message for message in out if message["type"] == "http.response.start")
    answered: dict[str, str] = {}
    for raw_name, raw_value in start["headers"]:
        name, value = raw_name.decode().lower(), raw_value.decode("latin-1")
        # Cookies come in one header each; here they are lines of one.
        answered[name] = f"{answered[name]}\n{value}" if name in answered else value
    return Response(
        status=start["status"],
        headers=answered,
        body=b"".join(message.get("body", b"") for message in out if message["type"] == "http.response.body"),
    )

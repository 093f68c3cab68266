"""A bare ASGI application on uvicorn: it reads the body and answers 200. Nothing is kept."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from serving import serve

ANSWER = b'{"status":"ok","message":"event accepted"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def application(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Read the body, answer."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


@asynccontextmanager
async def made(_folder: Path) -> AsyncGenerator[Any]:
    """The application."""
    yield application


if __name__ == "__main__":
    serve(made)

"""Sending a whole answer: a few words, or a page."""

from collections.abc import Mapping
from typing import Final

from livefeed.app.exchange import Send
from livefeed.ui.pages import Page

TEXT: Final = b"text/plain; charset=utf-8"


async def send_text(send: Send, status: int, body: bytes, content_type: bytes = TEXT) -> None:
    """Answer with ``body`` as it is."""
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_page(send: Send, page: Page, more: Mapping[str, str] | None = None) -> None:
    """Answer with ``page``; headers in ``more`` come beside its own."""
    named = {**page.headers, **(more or {}), "content-length": str(len(page.body))}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": page.status, "headers": headers})
    await send({"type": "http.response.body", "body": page.body})

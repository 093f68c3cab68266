"""Answers of the ASGI application, as bytes: framed by length, in chunks, or by the end of the connection."""

from typing import Any, Final, Literal

from livefeed.app.exchange import Message
from livefeed.app.http.answers import Accepted, head_of
from livefeed.app.http.heads import Head, Header

_WITHOUT_BODY: Final = frozenset({204, 304})


class Parts:
    """One answer on its way.

    Attributes:
        has_begun: Whether anything of it is sent.
        is_done: Whether everything is.
        closes: Whether the connection ends with it; settled when it begins.
    """

    def __init__(self, head: Head, accepted: Accepted) -> None:
        self._head = head
        self._accepted = accepted
        self._start: Message | None = None
        self._framing: Literal["length", "chunks", "end", "nothing"] = "nothing"
        self._left = 0
        self.has_begun = False
        self.is_done = False
        self.closes = False

    def take(self, message: Message, *, closes: bool) -> bytes:
        """What one message of the application has to send; ``closes``: the connection ends with this answer.

        Raises:
            RuntimeError: The messages make no answer.
            ValueError: A header holds a line break.
        """
        kind = message["type"]
        if kind == "http.response.start" and self._start is None:
            self._start = message
            return b""
        if kind != "http.response.body" or self._start is None or self.is_done:
            raise RuntimeError(f"an answer cannot go on with {kind}")
        body: bytes = message.get("body", b"")
        is_last = not message.get("more_body", False)
        opening = b"" if self.has_begun else self._open(self._start, closes=closes)
        data = opening + self._framed(body, is_last=is_last)
        self.has_begun, self.is_done = True, is_last
        return data

    def _open(self, start: Message, *, closes: bool) -> bytes:
        given: Any = start.get("headers", ())
        headers: list[Header] = [(bytes(name).lower(), bytes(value)) for name, value in given]
        names = {name for name, _ in headers}
        lengths = [int(value) for name, value in headers if name == b"content-length"]
        says_close = any(name == b"connection" and value.lower() == b"close" for name, value in headers)
        self.closes = closes or says_close
        if self._head.method == "HEAD" or start["status"] in _WITHOUT_BODY:
            self._framing = "nothing"
        elif lengths:
            self._framing, self._left = "length", lengths[0]
        elif self._head.version == "1.0":
            self._framing, self.closes = "end", True
        else:
            self._framing = "chunks"
            headers.append((b"transfer-encoding", b"chunked"))
        if b"date" not in names:
            headers.insert(0, self._accepted.date)
        if self.closes and not says_close:
            headers.append((b"connection", b"close"))
        return head_of(start["status"], headers)

    def _framed(self, body: bytes, *, is_last: bool) -> bytes:
        match self._framing:
            case "nothing":
                return b""
            case "end":
                return body
            case "chunks":
                chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
                return chunk + b"0\r\n\r\n" if is_last else chunk
            case "length":
                self._left -= len(body)
                if self._left < 0 or (is_last and self._left):
                    raise RuntimeError("an answer is not as long as its content-length says")
                return body

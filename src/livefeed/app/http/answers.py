"""Answers as bytes: status line, headers, body."""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from livefeed.app.exchange import ACCEPTED, DoorAnswer

FAILED: Final = DoorAnswer(500, "internal", "something went wrong; the log of the application says what")
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
FORBIDDEN_IN_HEADERS: Final = frozenset(b"\r\n\0")

_LINES: Final = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}


def status_line(status: int) -> bytes:
    """``HTTP/1.1 200 OK``."""
    return _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def head_of(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Everything before the body.

    Raises:
        ValueError: A header holds a line break.
    """
    parts = [status_line(status)]
    for name, value in headers:
        if not FORBIDDEN_IN_HEADERS.isdisjoint(name + value):
            raise ValueError(f"the header {name!r} of an answer holds a line break")
        parts.append(b"%s: %s\r\n" % (name, value))
    parts.append(b"\r\n")
    return b"".join(parts)


def date_header(now_s: float) -> tuple[bytes, bytes]:
    """When an answer is made."""
    return b"date", formatdate(now_s, usegmt=True).encode()


def whole(answer: DoorAnswer, date: tuple[bytes, bytes], *, closes: bool, has_body: bool = True) -> bytes:
    """A door's answer; ``closes`` says that the connection ends with it."""
    body = answer.body()
    headers = [date, *answer.headers(), (b"content-length", b"%d" % len(body))]
    if closes and not answer.closes:
        headers.append((b"connection", b"close"))
    return head_of(answer.status, headers) + (body if has_body else b"")


class Accepted:
    """The answer to an accepted event, made once a second."""

    __slots__ = ("closing", "date", "lasting")

    def __init__(self, now_s: float) -> None:
        self.make(now_s)

    def make(self, now_s: float) -> None:
        """Make it anew, for another second."""
        self.date = date_header(now_s)
        self.lasting = whole(ACCEPTED, self.date, closes=False)
        self.closing = whole(ACCEPTED, self.date, closes=True)

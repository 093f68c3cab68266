"""Heads of requests: what a request line and its headers say, judged before any of the body is read."""

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

import msgspec

from livefeed.app.exchange import DoorAnswer, announced
from livefeed.app.http.limits import HttpLimits

EVENTS: Final = b"/events"
_END: Final = b"\r\n\r\n"
_HEADS_MAX: Final = 512
_HEAD_BYTES_MAX: Final = 1_024
Header = tuple[bytes, bytes]

NOT_HTTP: Final = DoorAnswer(400, "bad_request", "this is no HTTP/1.1 request", closes=True)
TARGET_TOO_LONG: Final = DoorAnswer(414, "target_too_long", "the address is too long", closes=True)
HEAD_TOO_LARGE: Final = DoorAnswer(
    431, "head_too_large", "there are too many headers, or they are too long", closes=True
)
HEAD_TOO_SLOW: Final = DoorAnswer(408, "head_too_slow", "the headers did not come in time", closes=True)
_FRAMING: Final = frozenset((b"transfer-encoding", b"upgrade", b"trailer"))
_NO_HOST: Final = DoorAnswer(400, "bad_request", "there has to be one header Host", closes=True)
_NOT_EXPECTED: Final = DoorAnswer(
    417, "expectation_failed", "nothing but 100-continue can be expected", closes=True
)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The head of one request.

    Attributes:
        method: ``POST``.
        target: Path and query as they came.
        headers: Names in small letters.
        version: ``1.1`` or ``1.0``.
        keeps_alive: Whether another request may follow on this connection.
        expects_continue: Whether the sender waits for ``100 Continue`` before it sends the body.
        is_event: Whether it is for the ingest door.
        is_json: Of an event: whether its body is said to be JSON.
    """

    method: str
    target: bytes
    headers: Sequence[Header]
    version: str
    keeps_alive: bool
    expects_continue: bool
    is_event: bool
    is_json: bool


def read_head(
    method: bytes,
    target: bytes,
    headers: Sequence[Header],
    version: str,
    keeps_alive: bool,
    limits: HttpLimits,
    events: bytes = EVENTS,
) -> Head | DoorAnswer:
    """The head, or the answer to a request that is refused for it; ``events`` is where events come in."""
    if len(target) > limits.target_bytes:
        return TARGET_TOO_LONG
    lowered: list[Header] = []
    length = hosts = 0
    expects_continue = False
    for given, value in headers:
        name = given.lower()
        lowered.append((name, value))
        length += len(name) + len(value)
        if name == b"host":
            hosts += 1
        elif name == b"expect":
            if value.lower() != b"100-continue":
                return _NOT_EXPECTED
            expects_continue = version != "1.0"
    if length > limits.head_bytes or len(lowered) > limits.headers:
        return HEAD_TOO_LARGE
    if hosts != 1 and (hosts or version != "1.0"):
        return _NO_HOST
    is_event = is_json = False
    if method == b"POST" and compare_digest(target.partition(b"?")[0], events):
        said = announced("POST", lowered)
        if isinstance(said, DoorAnswer):
            return said
        is_event, is_json = True, said
    return Head(
        method=method.decode("ascii"),
        target=target,
        headers=lowered,
        version=version,
        keeps_alive=keeps_alive and version != "1.0",
        expects_continue=expects_continue,
        is_event=is_event,
        is_json=is_json,
    )


class KnownHeads:
    """Heads of events that the parser has read before, byte by byte: what follows them needs no parser.

    A sender's requests differ in nothing but their bodies. Known is a head with a ``Content-Length``, after
    which the connection stays open, and only together with a body of that length and with nothing behind it.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Head, int]] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Head and body of ``data``, if that is one whole request whose head is known."""
        start = data.find(_END) + 4
        known = self._known.get(data[:start])
        if known is None or len(data) - start != known[1]:
            return None
        return known[0], data[start:]

    def learn(self, data: bytes, head: Head) -> None:
        """Know the head of ``data``, which the parser has just read as one whole request and nothing else."""
        start = data.find(_END) + 4
        lengths = [value for name, value in head.headers if name == b"content-length"]
        if start > _HEAD_BYTES_MAX or lengths != [b"%d" % (len(data) - start)] or not _is_plain(head):
            return
        if len(self._known) >= _HEADS_MAX:
            self._known.clear()
        self._known[data[:start]] = head, len(data) - start


def _is_plain(head: Head) -> bool:
    """Whether nothing but the body follows the head, and another request may follow that."""
    is_framed = any(name in _FRAMING for name, _ in head.headers)
    return head.is_event and head.keeps_alive and not head.expects_continue and not is_framed

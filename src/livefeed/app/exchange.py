"""One request at a door: its body, bounded in bytes and time, and its answer. Bare ASGI."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import msgspec

from livefeed import telemetry
from livefeed.errors import LivefeedError, TooLarge, WireError
from livefeed.wire.form import DOOR_LIMITS

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

BODY_TIMEOUT_S: Final = 10.0
"""How long a sender may take for its body."""

_LINGER_S: Final = 2.0
_SILENCE_S: Final = 0.25
_LINGER_BYTES: Final = 16 * 1024 * 1024


class Disconnected(LivefeedError):
    """The sender left before its body was read; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What a door answers.

    Attributes:
        status: HTTP status.
        error: None: accepted.
        description: What was wrong, in our words; never what was sent.
        retry_after_s: When to come again.
        closes: Whether the connection ends, because the rest of the body was not read.
        message: What an accepting answer says.
    """

    status: int
    error: str | None = None
    description: str = ""
    retry_after_s: int | None = None
    closes: bool = False
    message: str = "event accepted"

    def body(self) -> bytes:
        """The documented JSON.

        Source: settings/cloud-and-on-premise/security-recommendations.md
        """
        if self.error is None:
            return b'{"status":"ok","message":"%s"}' % self.message.encode()
        document = {"status": "error", "error": self.error}
        if self.description:
            document["error_description"] = self.description
        return msgspec.json.encode(document)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Beside content-length."""
        headers = [(b"content-type", b"application/json")]
        if self.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % self.retry_after_s))
        if self.status == 405:
            headers.append((b"allow", b"POST"))
        if self.closes:
            headers.append((b"connection", b"close"))
        return headers


ACCEPTED: Final = DoorAnswer(200)
INSTALLED: Final = DoorAnswer(200, message="application installed")
TO_BE_CONFIRMED: Final = DoorAnswer(202, message="to be confirmed")
"""The same for every portal, whether it has the application or not."""

NOT_GENUINE: Final = DoorAnswer(403, "invalid_application_token")
WRONG_METHOD: Final = DoorAnswer(405, "method_not_allowed", "events are sent by POST")
TOO_SLOW: Final = DoorAnswer(408, "body_too_slow", "the body did not come in time", closes=True)
BUSY: Final = DoorAnswer(503, "busy", "too much waits to be stored", retry_after_s=1)
UNAVAILABLE: Final = DoorAnswer(503, "unavailable", "the event cannot be stored now", retry_after_s=5)

_TOO_LARGE: Final = DoorAnswer(
    413, "too_large", f"a body has at most {DOOR_LIMITS.max_bytes} bytes and {DOOR_LIMITS.max_keys} keys"
)
TOO_LARGE: Final = replace(_TOO_LARGE, closes=True)
"""The body is longer than it may be, and the rest of it is not read."""

_ACCEPTED_BODY: Final = ACCEPTED.body()
_ACCEPTED_HEADERS: Final = (*ACCEPTED.headers(), (b"content-length", b"%d" % len(_ACCEPTED_BODY)))


class Patience:
    """Ends readings of bodies that take too long; one timer watches all of them."""

    def __init__(self, seconds: float = BODY_TIMEOUT_S) -> None:
        self._seconds = seconds
        self._until: dict[asyncio.Task[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def read(self, receive: Receive) -> bytes | None:
        """The whole body; None if it is longer than a door takes.

        Raises:
            TimeoutError: It did not come in time.
            Disconnected: The sender left.
        """
        # Asking which loop runs is a system call on Linux; one door has one loop.
        self._loop = self._loop or asyncio.get_running_loop()
        task = asyncio.current_task(self._loop)
        assert task is not None, "a request is always a task"
        self._until[task] = time.monotonic() + self._seconds
        if self._timer is None:
            self._arm()
        try:
            return await _read_body(receive)
        except asyncio.CancelledError:
            if task in self._until:
                raise
            task.uncancel()
            raise TimeoutError from None
        finally:
            self._until.pop(task, None)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds / 4, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = time.monotonic()
        for task in [task for task, until in self._until.items() if until <= now]:
            del self._until[task]
            task.cancel()
        if self._until:
            self._arm()


def header_of(scope: Scope, name: bytes) -> str:
    """The first header of this name, in small letters; empty if there is none."""
    found = next((value for given, value in scope["headers"] if given == name), b"")
    return found.decode("latin-1")


async def read_request(scope: Scope, receive: Receive, patience: Patience) -> tuple[bytes, bool] | DoorAnswer:
    """The body of a request and whether it is JSON, or the answer to one that has no usable body.

    Raises:
        Disconnected: The sender left.
    """
    is_json = announced(scope["method"], scope["headers"])
    if isinstance(is_json, DoorAnswer):
        return is_json
    try:
        body = await patience.read(receive)
    except TimeoutError:
        return refused(TOO_SLOW)
    if body is None:
        return refused(TOO_LARGE)
    return body, is_json or body[:1] == b"{"


def announced(method: str, headers: Iterable[tuple[bytes, bytes]]) -> bool | DoorAnswer:
    """Whether the body is said to be JSON, or the answer to what cannot be usable whatever the body is."""
    if method != "POST":
        return WRONG_METHOD
    is_json = False
    for name, value in headers:
        if name == b"content-length" and not _fits(value):
            return refused(TOO_LARGE)
        if name == b"content-type":
            is_json = b"json" in value
    return is_json


async def respond(send: Send, answer: DoorAnswer, receive: Receive | None = None) -> None:
    """Send ``answer``; before a connection with an unread body ends, ``receive`` is drained for a while."""
    if answer is ACCEPTED:
        await send({"type": "http.response.start", "status": 200, "headers": list(_ACCEPTED_HEADERS)})
        await send({"type": "http.response.body", "body": _ACCEPTED_BODY})
        return
    body = answer.body()
    headers = [*answer.headers(), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.closes and receive is not None:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await _linger(receive)
        body = b""
    await send({"type": "http.response.body", "body": body})


def refused(answer: DoorAnswer) -> DoorAnswer:
    """Count a refusal."""
    telemetry.events_refused.labels(answer.error).inc()
    return answer


def unreadable(exc: WireError) -> DoorAnswer:
    """The answer to a body that is no event."""
    return _TOO_LARGE if isinstance(exc, TooLarge) else DoorAnswer(400, "not_an_event", str(exc))


async def _linger(receive: Receive) -> None:
    """Read on and forget: a sender still busy sending would lose the answer to a reset connection."""
    left = _LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while left > 0:
                message = await asyncio.wait_for(receive(), _SILENCE_S)
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))


async def _read_body(receive: Receive) -> bytes | None:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        return body if len(body) <= DOOR_LIMITS.max_bytes else None
    collected = bytearray()
    while True:
        if message["type"] != "http.request":
            raise Disconnected
        collected += message.get("body", b"")
        if len(collected) > DOOR_LIMITS.max_bytes:
            return None
        if not message.get("more_body", False):
            return bytes(collected)
        message = await receive()


def _fits(content_length: bytes) -> bool:
    # A server has checked that it is a number; 20 digits are too many in any case.
    if len(content_length) >= 20 or not content_length.isdigit():
        return False
    return int(content_length) <= DOOR_LIMITS.max_bytes

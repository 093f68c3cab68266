"""The ingest door: an event is proved genuine and committed before it is answered.

A bare ASGI application, to be mounted anywhere.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from livefeed import telemetry
from livefeed.app.inbox import post_key, seal_entry
from livefeed.app.installs.leaving import Leaving
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.runtime import Runtime
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.errors import LivefeedError, StoreBusy, StoreError, TooLarge, WireError
from livefeed.failpoints import failpoint, is_mutated
from livefeed.wire.envelopes import Envelope, parse_envelope, parse_json_envelope
from livefeed.wire.events import AppUninstalled, Event, PostAdded, PostDeleted, PostUpdated, typed
from livefeed.wire.form import DOOR_LIMITS, decode

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

BODY_TIMEOUT_S: Final = 10.0
"""How long a sender may take for its body."""

_LINGER_S: Final = 2.0
_SILENCE_S: Final = 0.25
_LINGER_BYTES: Final = 16 * 1024 * 1024


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
NOT_GENUINE: Final = DoorAnswer(403, "invalid_application_token")
WRONG_METHOD: Final = DoorAnswer(405, "method_not_allowed", "events are sent by POST")
TOO_SLOW: Final = DoorAnswer(408, "body_too_slow", "the body did not come in time", closes=True)
BUSY: Final = DoorAnswer(503, "busy", "too many events wait to be stored", retry_after_s=1)
UNAVAILABLE: Final = DoorAnswer(503, "unavailable", "the event cannot be stored now", retry_after_s=5)


class Disconnected(LivefeedError):
    """The sender left before its body was read; there is nobody to answer."""


class Door:
    """``POST /events``: judges events by member_id and application_token alone, and stores them."""

    def __init__(self, runtime: Runtime, leaving: Leaving, *, body_timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._runtime = runtime
        self._leaving = leaving
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing but 2xx means that the event is not stored."""
        try:
            answer = await self._receive(scope, receive, send)
        except Disconnected:
            return
        if answer is not None:
            await respond(send, answer, None if answer is TOO_SLOW else receive)

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> DoorAnswer | None:
        """The answer; None if it was given already."""
        try:
            envelope = await read_envelope(scope, receive, timeout_s=self._body_timeout_s)
            if isinstance(envelope, DoorAnswer):
                return envelope
            auth = envelope.auth
            portal = self._runtime.portals.judge(auth.member_id, auth.application_token)
            if portal is None:
                return refused(NOT_GENUINE)
            event = typed(envelope)
        except WireError as exc:
            return refused(unreadable(exc))
        if isinstance(event, AppUninstalled):
            return await self._leave(portal, event)
        if not portal.is_active:
            return refused(NOT_GENUINE)
        if is_mutated("ack-before-commit"):
            await respond(send, ACCEPTED)
            await self._store(portal, event)
            return None
        return await self._store(portal, event)

    async def _store(self, portal: KnownPortal, event: Event) -> DoorAnswer:
        failpoint("app.ingest.genuine")
        envelope = event.envelope
        arrival = Arrival(
            portal.member_id,
            post_key(event.post_id)
            if isinstance(event, (PostUpdated, PostAdded, PostDeleted))
            else "app:events",
            envelope.event,
            seal_entry(self._runtime.keys, portal.member_id, envelope),
            self._runtime.clock.now_ms(),
            "door",
            portal.inbox,
        )
        try:
            await self._runtime.store.write_row(append_arrivals, arrival)
        except StoreError as exc:
            return refused(BUSY if isinstance(exc, StoreBusy) else UNAVAILABLE)
        failpoint("app.ingest.committed")
        return ACCEPTED

    async def _leave(self, portal: KnownPortal, event: AppUninstalled) -> DoorAnswer:
        try:
            await self._leaving.leave(portal, event)
        except StoreError:
            return refused(UNAVAILABLE)
        return ACCEPTED


async def read_envelope(
    scope: Scope, receive: Receive, *, timeout_s: float = BODY_TIMEOUT_S
) -> Envelope | DoorAnswer:
    """The event in a request, form or JSON (A-01), or the answer to a request that can hold none.

    Raises:
        WireError: The body is not an event.
        Disconnected: The sender left.
    """
    if scope["method"] != "POST":
        return WRONG_METHOD
    is_json = False
    for name, value in scope["headers"]:
        if name == b"content-length" and not _fits(value):
            return refused(_too_large(closes=True))
        if name == b"content-type":
            is_json = b"json" in value
    try:
        async with asyncio.timeout(timeout_s):
            body = await _read_body(receive)
    except TimeoutError:
        return refused(TOO_SLOW)
    if body is None:
        return refused(_too_large(closes=True))
    return (
        parse_json_envelope(body)
        if is_json or body[:1] == b"{"
        else parse_envelope(decode(body, strict=True))
    )


async def respond(send: Send, answer: DoorAnswer, receive: Receive | None = None) -> None:
    """Send ``answer``; before a connection with an unread body ends, ``receive`` is drained for a while."""
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
    """The whole body; None if it is longer than a door takes."""
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
    return (
        len(content_length) < 20 and content_length.isdigit() and int(content_length) <= DOOR_LIMITS.max_bytes
    )


def unreadable(exc: WireError) -> DoorAnswer:
    """The answer to a body that is no event."""
    return (
        _too_large(closes=False) if isinstance(exc, TooLarge) else DoorAnswer(400, "not_an_event", str(exc))
    )


def _too_large(*, closes: bool) -> DoorAnswer:
    description = f"a body has at most {DOOR_LIMITS.max_bytes} bytes and {DOOR_LIMITS.max_keys} keys"
    return DoorAnswer(413, "too_large", description, closes=closes)

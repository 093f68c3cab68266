"""The door before the portal: keeps what REST and the token endpoint are asked, and answers for faults."""

import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from livefeed.errors import Fault, LivefeedError, WireError
from livefeed.portal.apps.tokens import open_access
from livefeed.portal.limits.limiter import Limiter
from livefeed.portal.rest import refusal
from livefeed.secrets import KeyRing
from livefeed.testing.faults.guests import Guests
from livefeed.testing.faults.scene import Occasion, Scene
from livefeed.testing.seen import Called, Refreshed
from livefeed.wire.calls import fault_body, parse_rest_path, read_request
from livefeed.wire.faults import ExpiredToken, InvalidGrant, OperationTimeLimit, QueryLimitExceeded
from livefeed.wire.form import decode
from livefeed.wire.ids import MemberId

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time; closing is then a reset
_TOKEN_PATHS: Final = frozenset({"/oauth/token", "/oauth/token/"})
_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        method: Of REST; ``oauth.token`` for the token endpoint.
        token: The access token, or the refresh token at the token endpoint; empty: none.
        client_id: Of the token endpoint.
    """

    method: str
    token: str = ""
    client_id: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault answers in place of the portal."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON,)


class FaultyDoor:
    """An ASGI application before the portal's own.

    Attributes:
        moved: The host that answers with redirects, and the base URL it redirects to; None: there is none.
        limiter: Counts requests while a fault limits them.
    """

    def __init__(
        self,
        asgi: Asgi,
        scene: Scene,
        *,
        portal: MemberId,
        keys: KeyRing,
        guests: Guests,
    ) -> None:
        """Stand before ``asgi``.

        Args:
            asgi: The portal.
            scene: Where what is seen is kept.
            portal: Its member_id.
            keys: Open access tokens.
            guests: Know whose they are.
        """
        self._asgi = asgi
        self._scene = scene
        self._portal = portal
        self._keys = keys
        self._guests = guests
        self.moved: tuple[str, str] | None = None
        self.limiter: tuple[Limiter, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or not (path.startswith("/rest/") or path in _TOKEN_PATHS):
            await self._asgi(scope, receive, send)
            return
        messages = await _received(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        asked = _asked(scope, body)
        answer = await self._struck(scope, asked)
        if answer == "reset":
            await self._keep(asked, None, b"")
            _reset(send)
            while (await receive())["type"] != "http.disconnect":
                pass  # the server is to know that nobody waits for an answer any more
            return
        if answer is not None:
            await self._keep(asked, answer.status, answer.body)
            await _write(send, answer)
            return
        await self._passed(asked, scope, messages, receive, send)

    async def _struck(self, scope: Scope, asked: Asked) -> Any:
        """What a fault answers; None: the portal answers itself."""
        if self.moved is not None and _host(scope) == self.moved[0]:
            query = scope["query_string"]
            path = scope["path"].encode() + (b"?" + query if query else b"")
            return Answered(status=302, body=b"", headers=((b"location", self.moved[1].encode() + path),))
        occasion = self._scene.occasion(asked.method)
        if occasion.strikes("connection reset", method=asked.method) is not None:
            return "reset"
        if occasion.strikes("HTML error page", method=asked.method) is not None:
            return Answered(status=502, body=_PAGE, headers=((b"content-type", b"text/html"),))
        fault = await self._fault(occasion, asked)
        if fault is None:
            return None
        if asked.method == "oauth.token":
            return Answered(status=fault.status, body=fault_body(fault))
        reply = refusal(fault)
        return Answered(status=reply.status, body=reply.body)

    async def _fault(self, occasion: Occasion, asked: Asked) -> Fault | None:
        if asked.method == "oauth.token":
            is_revoked = asked.token and occasion.strikes("revoked refresh token") is not None
            return InvalidGrant("the refresh token was revoked") if is_revoked else None
        if self.limiter is not None:
            limiter, bucket = self.limiter
            try:
                await limiter.admit(self._portal, bucket)
            except QueryLimitExceeded as fault:
                occasion.strikes("query limit")
                return fault
        if occasion.strikes("operation time limit", method=asked.method) is not None:
            return OperationTimeLimit()
        return ExpiredToken() if self._scene.is_expired(asked.token) else None

    async def _passed(
        self, asked: Asked, scope: Scope, messages: list[Message], receive: Receive, send: Send
    ) -> None:
        """Let the portal answer; what it answers is kept before its last part is sent."""
        status, told = 500, bytearray()

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            told.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._keep(asked, status, bytes(told))
            await send(message)

        await self._asgi(scope, again, watched)

    async def _keep(self, asked: Asked, status: int | None, body: bytes) -> None:
        at_ms, document = self._scene.clock.now_ms(), _document(body)
        error = str(document.get("error", ""))
        if asked.method != "oauth.token":
            claims = open_access(self._keys, asked.token) if asked.token else None
            client_id = "" if claims is None else await self._guests.client_id(claims.bearer.app)
            self._scene.see(
                Called(method=asked.method, client_id=client_id, at_ms=at_ms, status=status, error=error)
            )
            return
        if status == 200 and "access_token" in document:
            self._scene.give(asked.client_id, str(document["access_token"]))
        if asked.token:
            self._scene.see(Refreshed(client_id=asked.client_id, at_ms=at_ms, status=status, error=error))


def _asked(scope: Scope, body: bytes) -> Asked:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    query: bytes = scope["query_string"]
    if scope["path"] in _TOKEN_PATHS:
        try:
            words: dict[str, Any] = {**decode(query, strict=False), **decode(body, strict=False)}
        except WireError:
            words = {}
        is_refresh = words.get("grant_type") == "refresh_token"
        token = str(words.get("refresh_token", "")) if is_refresh else ""
        return Asked(method="oauth.token", token=token, client_id=str(words.get("client_id", "")))
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = parse_rest_path(raw.decode("latin-1"))
    if path is None:
        return Asked(method="")
    try:
        request = read_request(path, query=query, content_type=content_type, body=body)
    except LivefeedError:  # the portal will say so itself
        return Asked(method=path.method)
    return Asked(method=path.method, token=request.auth or "")


async def _received(receive: Receive) -> list[Message]:
    """The whole request, to be handed on message by message."""
    messages: list[Message] = []
    while True:
        messages.append(await receive())
        if messages[-1]["type"] != "http.request" or not messages[-1].get("more_body", False):
            return messages


async def _write(send: Send, answer: Answered) -> None:
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _reset(send: Send) -> None:
    """Break the connection, as a peer that has crashed does; ``send`` is a method of uvicorn's exchange."""
    transport: Any = cast("Any", send).__self__.transport
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _host(scope: Scope) -> str:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(b"host", b"").decode("latin-1")


def _document(body: bytes) -> dict[str, Any]:
    try:
        document: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}

"""REST over HTTP: reads a request in each of its documented forms, bounded, and writes the reply."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.applications import Starlette
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount
from starlette.types import Message, Receive, Scope, Send

from livefeed.clock import Clock
from livefeed.errors import TooLarge, WireError
from livefeed.portal.portals import Directory
from livefeed.portal.rest import Door, Reply, check_transport, refusal
from livefeed.portal.throttle import address_of
from livefeed.wire.calls import RestPath, RestRequest, parse_rest_path, read_request, request_of
from livefeed.wire.faults import InvalidRequest, MethodNotFound
from livefeed.wire.form import REST_LIMITS, Limits, decode, nest

MAX_BODY_BYTES: Final = REST_LIMITS.max_bytes
"""32 MiB, the default of ``--max-body``."""

BODY_TIMEOUT_S: Final = 60.0
"""How long a caller may take for its body."""

_DRAIN_S: Final = 2.0
_SILENCE_S: Final = 0.25
_MOST_DRAINED_BYTES: Final = 64 * 1024 * 1024
_CHARSETS: Final = frozenset(
    {b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"windows-1251", b"windows-1252"}
)
"""Others make characters that no database takes, as UTF-7 does, or are no charsets."""

_METHODS: Final = ("GET", "POST", "HEAD")

# Pages of applications call REST from their own origin, and must be able to read refusals too. Nothing is
# given away: a caller proves himself by what stands in the call, never by a cookie.
_CORS: Final = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"retry-after")]
_PREFLIGHT: Final = [
    *_CORS,
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, accept, x-requested-with"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """The headers of a request that REST looks at."""

    host: str = ""
    content_type: str = ""
    content_length: int = 0


class _Incoming:
    """The body as it comes in; what is left of it can be read on and forgotten."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._is_over = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Let a caller who still sends finish: he would lose the answer to a connection that is reset."""
        left = _MOST_DRAINED_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while not self._is_over and left > 0:
                    message = await asyncio.wait_for(self(), _SILENCE_S)
                    left -= len(message.get("body", b""))


class RestEndpoint:
    """The ASGI application under ``/rest``."""

    def __init__(
        self,
        door: Door,
        *,
        clock: Clock,
        directory: Directory,
        max_body_bytes: int = MAX_BODY_BYTES,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._door = door
        self._body_timeout_s = body_timeout_s
        self._clock = clock
        self._directory = directory
        self._limits = msgspec.structs.replace(REST_LIMITS, max_bytes=max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await _allow(send)
            return
        started_s = self._clock.now_ms() / 1000
        incoming = _Incoming(receive)
        heading = _heading(scope)
        portal = self._directory.by_host(heading.host)
        try:
            if self._door.has_limits:
                await self._door.admit(portal, address_of(Request(scope)))
            path = _path(scope)
            check_transport(portal, path, is_secure=scope["scheme"] == "https")
            request = await self._read(path, scope, heading, incoming)
        except Exception as exc:  # noqa: BLE001 - the HTTP door: nothing but the documented form leaves
            reply = refusal(exc)
        else:
            reply = await self._door.answer(portal, request, started_s=started_s)
        await _write(send, reply, incoming)

    async def _read(self, path: RestPath, scope: Scope, heading: Heading, receive: Receive) -> RestRequest:
        limits, query = self._limits, scope["query_string"]
        body = b"" if scope["method"] == "GET" else await self._body(receive, heading)
        if heading.content_type.lower().startswith("multipart/"):
            pairs = await _parts(heading.content_type, body, limits)
            return request_of(path, decode(query, limits=limits, strict=False), nest(pairs, limits=limits))
        return read_request(path, query=query, content_type=heading.content_type, body=body, limits=limits)

    async def _body(self, receive: Receive, heading: Heading) -> bytes:
        try:
            async with asyncio.timeout(self._body_timeout_s):
                return await _body(receive, heading, self._limits)
        except TimeoutError:
            fault = InvalidRequest("The body did not come in time")
            fault.status = 408
            raise fault from None


def rest_routes(
    door: Door,
    *,
    clock: Clock,
    directory: Directory,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> list[BaseRoute]:
    """The routes of ``/rest/…``: webhooks, tokens, and every transport."""
    endpoint = RestEndpoint(
        door,
        clock=clock,
        directory=directory,
        max_body_bytes=max_body_bytes,
        body_timeout_s=body_timeout_s,
    )
    return [Mount("/rest", app=endpoint)]


class RestFirst(Starlette):
    """Starlette, which calls of REST pass by: finding their route takes as long as reading them."""

    rest: RestEndpoint | None = None

    def take(self, routes: Sequence[BaseRoute]) -> None:
        """Serve these routes from now on, of which one may be that of REST."""
        self.router.routes[:] = routes
        mounted = (route.app for route in routes if isinstance(route, Mount))
        self.rest = next((app for app in mounted if isinstance(app, RestEndpoint)), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].startswith("/rest/") and self.rest is not None:
            await self.rest(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _heading(scope: Scope) -> Heading:
    found: dict[bytes, bytes] = dict(scope["headers"])
    length = found.get(b"content-length", b"")
    return Heading(
        host=found.get(b"host", b"").decode("latin-1"),
        content_type=found.get(b"content-type", b"").decode("latin-1"),
        content_length=int(length) if length.isdigit() else 0,
    )


def _path(scope: Scope) -> RestPath:
    raw = scope.get("raw_path") or scope["path"].encode()
    path = parse_rest_path(raw.decode("latin-1"))
    if path is None or not path.method:
        raise MethodNotFound
    if path.transport == "xml":
        raise InvalidRequest("The XML transport is not offered; call the method with .json")
    if scope["method"] not in _METHODS:
        fault = InvalidRequest(f"The HTTP method {scope['method']} is not offered; use GET or POST")
        fault.status = 405
        raise fault
    return path


async def _body(receive: Receive, heading: Heading, limits: Limits) -> bytes:
    """The whole body.

    Raises:
        TooLarge: It is longer than the limit; the rest of it is not read.
        WireError: The caller went away before the end.
    """
    if heading.content_length > limits.max_bytes:
        raise TooLarge("body", f"at most {limits.max_bytes} bytes", f"{heading.content_length}")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise WireError("body", "all of it", "the end of the connection")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limits.max_bytes:
            raise TooLarge("body", f"at most {limits.max_bytes} bytes", "more")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _parts(content_type: str, body: bytes, limits: Limits) -> list[tuple[str, str]]:
    """The text parts of a multipart body; REST takes files as base64 text, so file parts are passed over.

    Raises:
        TooLarge: There are too many parts.
        WireError: It is not multipart, or its end is missing.
    """
    options = parse_options_header(content_type)[1]
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise WireError("body", "text in UTF-8", "another charset")
    boundary = options.get(b"boundary", b"")
    if not boundary or b"--" + boundary + b"--" not in body:
        raise WireError("body", "multipart/form-data with its last boundary", "something else")

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        Headers({"content-type": content_type}),
        stream(),
        max_fields=limits.max_keys,
        max_part_size=limits.max_bytes,
    )
    try:
        form = await parser.parse()
    except MultiPartException as exc:
        if "Too many" in exc.message:
            raise TooLarge("body", f"at most {limits.max_keys} parts", "more") from exc
        raise WireError("body", "multipart/form-data", "something else") from exc
    except FormParserError as exc:
        raise WireError("body", "multipart/form-data", "something else") from exc
    pairs = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    await form.close()
    return pairs


async def _allow(send: Send) -> None:
    """Answer a browser that asks whether a page of another origin may call; it may."""
    await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
    await send({"type": "http.response.body", "body": b""})


async def _write(send: Send, reply: Reply, incoming: _Incoming) -> None:
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(reply.body)).encode()),
        (b"cache-control", b"no-store"),
        *_CORS,
    ]
    if reply.status == 408:  # the rest of the body is not waited for
        headers.append((b"connection", b"close"))
    if reply.is_temporary:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.status == 413:
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
        await incoming.drain()
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": reply.body})

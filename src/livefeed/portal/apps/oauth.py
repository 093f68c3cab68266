"""The token endpoint: a code or a refresh token is exchanged for a pair of tokens.

Source: settings/oauth/index.md, settings/oauth/auto-renewal.md
"""

import asyncio
from collections.abc import Mapping
from typing import Final, assert_never

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from livefeed.durable.store import Store
from livefeed.errors import Fault, StoreError, TooLarge, WireError
from livefeed.portal.apps import codes, refresh
from livefeed.portal.apps.grants import Asker, Fresh, Granted
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.portals import Directory
from livefeed.portal.throttle import Limit, Throttle, address_of
from livefeed.secrets import KeyRing
from livefeed.wire.calls import fault_body
from livefeed.wire.faults import InternalServerError, InvalidClient, InvalidGrant, InvalidRequestOauth
from livefeed.wire.form import JsonValue, Limits, decode
from livefeed.wire.ids import MemberId
from livefeed.wire.oauth import (
    ACCESS_TOKEN_LIFE_S,
    CodeExchange,
    Refresh,
    TokenAnswer,
    TokenRequest,
    read_token_request,
)
from livefeed.wire.params import Params

_LIMITS: Final = Limits(max_bytes=16_384, max_keys=50, max_depth=2)
BODY_TIMEOUT_S: Final = 10.0
"""How long an application may take for its request."""

FAILURES: Final = 30
"""How many wrong secrets, codes and tokens one address may send at once for one application."""

_KEY_CHARS: Final = 64  # of a client_id; none of ours is as long
_FAILURES: Final = Limit(name="token", burst=FAILURES, drain_s=2.0)
_METHODS: Final = ("GET", "POST")
_HEADERS: Final = {"cache-control": "no-store", "pragma": "no-cache"}


class TokenEndpoint:
    """``/oauth/token/`` of every portal of this server."""

    def __init__(self, *, store: Store, keys: KeyRing, directory: Directory) -> None:
        self._store = store
        self._keys = keys
        self._directory = directory
        self._failures = Throttle(store=store, keys=keys)

    async def answer(self, portal: MemberId | None, request: TokenRequest) -> TokenAnswer:
        """Answer one request, which came to the address of ``portal`` or to one that is no portal's own.

        Raises:
            Fault: In the form of the authorization server.
        """
        asker, fresh = Asker.of(self._keys, portal, request), Fresh.draw(self._keys)
        match request:
            case Refresh():
                renewal = refresh.prepare(self._keys, asker, request, fresh)
                granted = await self._store.write(lambda tx: refresh.exchange(tx, renewal))
            case CodeExchange():
                first = codes.prepare(self._keys, asker, request, fresh)
                granted = await self._store.write(lambda tx: codes.exchange(tx, first))
            case _:
                assert_never(request)
        if isinstance(granted, Granted):
            return self._pair(granted, fresh)
        raise granted

    def _pair(self, granted: Granted, fresh: Fresh) -> TokenAnswer:
        app, bearer, at_ms = granted.app, granted.bearer, granted.at_ms
        portal = self._directory.by_member(app.portal)
        if portal is None:
            raise InvalidClient
        return TokenAnswer(
            access_token=codec_of(self._keys).mint("access", bearer, at_ms, nonce=fresh.nonce),
            refresh_token=fresh.refresh_token,
            expires_in=ACCESS_TOKEN_LIFE_S,
            member_id=app.portal,
            client_endpoint=portal.client_endpoint,
            server_endpoint=portal.server_endpoint,
            domain=portal.domain,
            scope=app.scope,
            status=app.status,
            expires=at_ms // 1000 + ACCESS_TOKEN_LIFE_S,
            user_id=bearer.person,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of any HTTP method."""
        response = await self.serve(Request(scope, receive))
        await response(scope, receive, send)

    async def serve(self, request: Request) -> Response:
        """Read a request from query string and body, GET or POST; every error becomes the documented form."""
        if request.method not in _METHODS:
            fault = InvalidRequestOauth(f"the HTTP method {request.method} is not offered; use GET or POST")
            return _json(fault_body(fault), 405, {"allow": ", ".join(_METHODS)})
        try:
            return await self._throttled(request, read_token_request(await _params(request)))
        except TimeoutError:
            fault = InvalidRequestOauth("the body did not come in time")
            return _json(fault_body(fault), 408, {"connection": "close"})
        except Fault as fault:
            return _json(fault_body(fault), fault.status)
        except WireError as exc:
            fault = InvalidRequestOauth(str(exc))
            return _json(fault_body(fault), 413 if isinstance(exc, TooLarge) else fault.status)
        except StoreError:
            return _json(fault_body(InternalServerError()), 503, {"retry-after": "1"})

    async def _throttled(self, http: Request, request: TokenRequest) -> Response:
        """Answer, unless this address has failed too often lately for this application."""
        one = (_FAILURES, f"{address_of(http)} {request.client_id[:_KEY_CHARS]}")
        wait_s = await self._failures.enter(one)
        if wait_s:
            fault = InvalidRequestOauth(f"too many wrong secrets or tokens; try again in {wait_s} s")
            return _json(fault_body(fault), 429, {"retry-after": str(wait_s)})
        try:
            answer = await self.answer(self._asked_at(http), request)
        except (InvalidClient, InvalidGrant):
            raise
        except (Fault, StoreError):
            await self._failures.give_back(one)
            raise
        await self._failures.give_back(one)
        return _json(msgspec.json.encode(answer.to_wire()), 200)

    def _asked_at(self, http: Request) -> MemberId | None:
        host = http.headers.get("host", "").lower()
        portal = self._directory.by_host(host)
        return portal.member_id if portal.host == host else None


def oauth_routes(endpoint: TokenEndpoint) -> list[BaseRoute]:
    """The routes of the token endpoint; it refuses other HTTP methods itself, in its own form."""
    return [Route(path, endpoint) for path in ("/oauth/token/", "/oauth/token")]


async def _params(request: Request) -> Params:
    query = decode(request.scope["query_string"], limits=_LIMITS, strict=False)
    body = await _body(request)
    values: dict[str, JsonValue] = {**query, **decode(body, limits=_LIMITS, strict=False)}
    return Params(values)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async with asyncio.timeout(BODY_TIMEOUT_S):
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LIMITS.max_bytes:
                break
    return bytes(body)


def _json(body: bytes, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {**_HEADERS, **(headers or {})}, "application/json; charset=utf-8")

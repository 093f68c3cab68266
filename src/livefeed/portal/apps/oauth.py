"""The token endpoint: a refresh token is exchanged for the next pair.

Source: settings/oauth/auto-renewal.md
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.clock import Clock
from livefeed.durable.store import Store
from livefeed.errors import Fault, StoreError, TooLarge, WireError
from livefeed.portal.apps import refresh
from livefeed.portal.apps.refresh import Granted
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.portals import Directory
from livefeed.secrets import KeyRing
from livefeed.wire.calls import fault_body
from livefeed.wire.faults import InternalServerError, InvalidClient, InvalidGrant, InvalidRequestOauth
from livefeed.wire.form import JsonValue, Limits, decode
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S, CodeExchange, Refresh, TokenAnswer, read_token_request
from livefeed.wire.params import Params

_LIMITS: Final = Limits(max_bytes=16_384, max_keys=50, max_depth=2)
BODY_TIMEOUT_S: Final = 10.0
"""How long an application may take for its request."""

_HEADERS: Final = {"cache-control": "no-store", "pragma": "no-cache"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """``/oauth/token/`` of every portal of this server."""

    store: Store
    keys: KeyRing
    clock: Clock
    directory: Directory

    async def answer(self, params: Params) -> TokenAnswer:
        """Answer one request.

        Raises:
            Fault: In the form of the authorization server.
        """
        request = read_token_request(params)
        match request:
            case Refresh():
                return await self._refresh(request)
            case CodeExchange():
                raise InvalidGrant("the code is unknown or over")
            case _:
                assert_never(request)

    async def _refresh(self, request: Refresh) -> TokenAnswer:
        wanted, following = refresh.prepare(self.keys, request)
        granted = await self.store.write(lambda tx: refresh.exchange(tx, wanted))
        if not isinstance(granted, Granted):
            raise granted
        return self.pair(granted, following)

    def pair(self, granted: Granted, refresh_token: str) -> TokenAnswer:
        """The answer that gives out a new access token beside ``refresh_token``."""
        app, bearer, now_ms = granted.app, granted.bearer, self.clock.now_ms()
        portal = self.directory.by_member(app.portal)
        if portal is None:
            raise InvalidClient
        return TokenAnswer(
            access_token=codec_of(self.keys).mint_fresh("access", bearer, now_ms),
            refresh_token=refresh_token,
            expires_in=ACCESS_TOKEN_LIFE_S,
            member_id=app.portal,
            client_endpoint=portal.client_endpoint,
            server_endpoint=portal.server_endpoint,
            domain=portal.domain,
            scope=app.scope,
            status=app.status,
            expires=now_ms // 1000 + ACCESS_TOKEN_LIFE_S,
            user_id=bearer.person,
        )

    async def serve(self, request: Request) -> Response:
        """Read a request from query string and body, GET or POST; every error becomes the documented form."""
        try:
            answer = await self.answer(await _params(request))
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
        return _json(msgspec.json.encode(answer.to_wire()), 200)


def oauth_routes(endpoint: TokenEndpoint) -> list[BaseRoute]:
    """The routes under ``/oauth``."""
    return [
        Route(path, endpoint.serve, methods=["GET", "POST"]) for path in ("/oauth/token/", "/oauth/token")
    ]


async def _params(request: Request) -> Params:
    query = decode(request.url.query.encode(), limits=_LIMITS, strict=False)
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

"""``/admin/api/<operation>`` over HTTP: JSON both ways, for whoever has the token of this run."""

import hmac
from typing import Final, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.errors import LivefeedError, StoreError
from livefeed.portal.admin import Admin

_MOST_BYTES: Final = 1_000_000


class AdminApi:
    """Lets the bearer of a token run operations; with an empty token nobody can."""

    def __init__(self, admin: Admin, token: str) -> None:
        self._admin = admin
        self._token = token

    async def serve(self, request: Request) -> Response:
        """Answer one request."""
        if not self._may(request):
            return _refusal(401, "unauthorized", "send the administrator token of this run as a bearer token")
        try:
            arguments = cast("object", msgspec.json.decode(await _body(request) or b"{}"))
        except (msgspec.DecodeError, UnicodeDecodeError):
            arguments = None
        if not isinstance(arguments, dict):
            return _refusal(400, "bad_request", "the body is a JSON object of arguments")
        named = cast("dict[str, object]", arguments)
        try:
            document = await self._admin.run(request.path_params["operation"], named)
        except StoreError as exc:
            return _refusal(503, "unavailable", str(exc))
        except LivefeedError as exc:
            return _refusal(400, "refused", str(exc))
        return _json(200, document)

    def _may(self, request: Request) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        is_same = hmac.compare_digest(token.strip().encode(), self._token.encode())
        return is_same and bool(self._token) and kind.lower() == "bearer"


def admin_routes(api: AdminApi) -> list[BaseRoute]:
    """The route of every operation."""
    return [Route("/admin/api/{operation}", api.serve, methods=["POST"])]


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return b"null"
    return bytes(body)


def _refusal(status: int, error: str, description: str) -> Response:
    return _json(status, {"error": error, "error_description": description})


def _json(status: int, document: object) -> Response:
    return Response(
        msgspec.json.encode(document),
        status,
        {"cache-control": "no-store"},
        "application/json; charset=utf-8",
    )

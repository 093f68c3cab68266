"""``POST /admin/api/<operation>``: the administrator's operations over HTTP."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Final, cast

import msgspec

from livefeed.app.admin import Admin, OperationRefused
from livefeed.app.doors.sending import send_text
from livefeed.app.exchange import Receive, Scope, Send
from livefeed.errors import AppError, StoreError, WireError

PREFIX: Final = "/admin/api/"
_BODY_BYTES: Final = 65_536


class OperationsDoor:
    """Takes operations from whoever has the administrator token of this run; without one nobody may."""

    def __init__(self, admin: Admin, admin_token: str) -> None:
        self._admin = admin
        self._admin_token = admin_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status, document = await self._operated(scope["path"].removeprefix(PREFIX), scope, receive)
        await send_text(send, status, msgspec.json.encode(document), b"application/json")

    async def _operated(
        self, operation: str, scope: Scope, receive: Receive
    ) -> tuple[int, Mapping[str, object]]:
        if scope["method"] != "POST":
            return 405, _error("method_not_allowed", "operations are asked for by POST")
        if not self._is_administrator(scope):
            return 401, _error("unauthorized", "the administrator token of this run is in the run file")
        try:
            return 200, await self._admin.run(operation, await _arguments(receive))
        except (OperationRefused, AppError, WireError) as exc:
            return 400, _error("refused", str(exc))
        except StoreError as exc:
            return 503, _error("unavailable", str(exc))

    def _is_administrator(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return bool(self._admin_token) and compare_digest(given, b"Bearer " + self._admin_token.encode())


async def _arguments(receive: Receive) -> dict[str, object]:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _BODY_BYTES:
            raise OperationRefused("the arguments are too long")
        if not message.get("more_body", False):
            break
    try:
        return cast("dict[str, object]", msgspec.json.decode(bytes(body) or b"{}", type=dict))
    except msgspec.DecodeError as exc:
        raise OperationRefused("the arguments are not a JSON object") from exc


def _error(code: str, description: str) -> dict[str, object]:
    return {"error": code, "error_description": description}

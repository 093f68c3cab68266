"""What no page expects: an error that it let through gets a page that says so, odd bytes are made plain."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote_from_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.errors import StoreError, WireError
from livefeed.portal.web.desk.reception import Desk
from livefeed.portal.web.desk.results import BUSY, UNREADABLE, Sorry

_ASCII: Final = bytes(range(128))
Handler = Callable[[Request, Exception], Awaitable[Response]]


class PlainQueries:
    """Writes bytes of a query string that are no ASCII as browsers do, ``%FF``: Starlette breaks on them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        query: bytes = scope.get("query_string", b"")
        if not query.isascii():
            scope["query_string"] = quote_from_bytes(query, safe=_ASCII).encode()
        await self._app(scope, receive, send)


class Apologies:
    """Answers for Starlette, which is told of them before there is a desk.

    Attributes:
        desk: Set before anything is served.
    """

    def __init__(self) -> None:
        self.desk: Desk | None = None

    def handlers(self) -> dict[type[Exception], Handler]:
        """Which error is answered how."""
        return {StoreError: self._with(BUSY), WireError: self._with(UNREADABLE)}

    def _with(self, sorry: Sorry) -> Handler:
        async def answer(request: Request, _exc: Exception) -> Response:
            assert self.desk is not None, "nothing is served before there is a desk"
            return self.desk.sorry(request, sorry)

        return answer

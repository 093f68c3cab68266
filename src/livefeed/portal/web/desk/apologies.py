"""What is answered when a page let an error through: a page that says so, never a bare 500."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from livefeed.errors import StoreError, WireError
from livefeed.portal.web.desk.reception import Desk
from livefeed.portal.web.desk.results import BUSY, UNREADABLE, Sorry

Handler = Callable[[Request, Exception], Awaitable[Response]]


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

"""Addresses that lead nowhere: a page that says so and leads back."""

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from livefeed.portal.web.desk.reception import Desk
from livefeed.portal.web.desk.results import Sorry
from livefeed.ui.languages import noted

_NOWHERE: Final = Sorry(
    status=404,
    heading=noted("There is nothing here"),
    text=noted("The address may be mistyped, or what was here is gone."),
)


def elsewhere(desk: Desk) -> ASGIApp:
    """What is served at every address that no route has: a page to browsers, a line to everybody else."""

    async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        is_browser = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        answer = desk.sorry(request, _NOWHERE) if is_browser else PlainTextResponse("Not Found\n", 404)
        await answer(scope, receive, send)

    return nowhere

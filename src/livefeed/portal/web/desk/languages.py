"""A browser chooses the language of its pages, and is led nowhere but to an address of our own."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.portal.web.desk.reception import Desk
from livefeed.portal.web.desk.results import Sorry
from livefeed.portal.web.desk.session import LANGUAGE_COOKIE
from livefeed.ui.languages import LANGUAGES

_YEAR_S: Final = 31_536_000


def language_routes(desk: Desk) -> list[BaseRoute]:
    """The route ``POST /language``: fields ``language`` and ``here``, the page to come back to."""

    async def choose(request: Request) -> Response:
        form = await desk.received(request)
        if isinstance(form, Sorry):
            return desk.sorry(request, form)
        wanted = form.text("language")
        response = RedirectResponse(local_path(form.text("here", "/")), 303)
        if wanted in LANGUAGES:
            is_secure = request.url.scheme == "https"
            response.set_cookie(
                LANGUAGE_COOKIE, wanted, max_age=_YEAR_S, httponly=True, samesite="lax", secure=is_secure
            )
        return response

    return [Route("/language", choose, methods=["POST"])]


def local_path(address: str) -> str:
    """``address`` if it is a path of our own, else ``/``: nobody is led to another host."""
    is_local = address.startswith("/") and not address.startswith("//")
    is_plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if is_local and is_plain else "/"

"""Pages and files of the look as HTTP answers."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.ui.pages import Page, asset


def respond(page: Page) -> Response:
    """A rendered page as an answer."""
    return Response(page.body, page.status, dict(page.headers))


def ui_routes() -> list[BaseRoute]:
    """The routes of the stylesheet and the modules, ``/ui/livefeed.css``."""
    return [Route("/ui/{name}", _asset)]


async def _asset(request: Request) -> Response:
    found = asset(request.path_params["name"])
    return PlainTextResponse("there is nothing here\n", 404) if found is None else respond(found)

"""Routes of pages and of forms: each is one view that is shown over the desk, or one unit that writes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livefeed.portal.web.desk.reception import Desk, View


def page_route(desk: Desk, path: str, view: View, *, section: str = "feed", admin: bool = False) -> Route:
    """``GET path``: a page; see `Desk.show`."""

    async def serve(request: Request) -> Response:
        return await desk.show(request, view, section=section, admin=admin)

    return Route(path, serve, methods=["GET"])


def form_route(desk: Desk, path: str, unit: View, *, section: str = "feed", admin: bool = False) -> Route:
    """``POST path``: a form; see `Desk.act`."""

    async def serve(request: Request) -> Response:
        return await desk.act(request, unit, section=section, admin=admin)

    return Route(path, serve, methods=["POST"])

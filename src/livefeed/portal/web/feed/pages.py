"""The routes of the feed: each page is one view, each form one unit."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.portal.web.desk import Desk, View
from livefeed.portal.web.feed import views, writing
from livefeed.portal.web.feed.downloads import download
from livefeed.portal.web.feed.history import history


def feed_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of the feed's pages."""
    return [
        Route("/", _page(desk, views.feed)),
        Route("/write", _page(desk, views.write)),
        Route("/bell", _page(desk, views.bell, section="bell")),
        Route("/bell/read", _form(desk, writing.read_bell), methods=["POST"]),
        Route("/posts", _form(desk, writing.publish), methods=["POST"]),
        Route("/posts/{post}", _page(desk, views.post), methods=["GET"]),
        Route("/posts/{post}", _form(desk, writing.edit), methods=["POST"]),
        Route("/posts/{post}/edit", _page(desk, views.edit)),
        Route("/posts/{post}/history", _page(desk, history)),
        Route("/posts/{post}/files/{file}", download(desk)),
        Route("/posts/{post}/comments", _form(desk, writing.comment), methods=["POST"]),
        Route("/posts/{post}/delete", _form(desk, writing.delete), methods=["POST"]),
    ]


def _page(desk: Desk, view: View, *, section: str = "feed") -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await desk.show(request, view, section=section)

    return serve


def _form(desk: Desk, unit: View) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await desk.act(request, unit)

    return serve

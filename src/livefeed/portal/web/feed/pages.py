"""The routes of the feed: each page is one view, each form one unit."""

from functools import partial

from starlette.routing import BaseRoute, Route

from livefeed.portal.web.desk import Desk
from livefeed.portal.web.desk.routes import form_route, page_route
from livefeed.portal.web.feed import views, writing
from livefeed.portal.web.feed.downloads import download
from livefeed.portal.web.feed.history import history


def feed_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of the feed's pages."""
    page, form = partial(page_route, desk), partial(form_route, desk)
    return [
        page("/", views.feed),
        page("/write", views.write),
        page("/bell", views.bell, section="bell"),
        form("/bell/read", writing.read_bell),
        form("/posts", writing.publish),
        page("/posts/{post}", views.post),
        form("/posts/{post}", writing.edit),
        page("/posts/{post}/edit", views.edit),
        page("/posts/{post}/history", history),
        Route("/posts/{post}/files/{file}", download(desk)),
        form("/posts/{post}/comments", writing.comment),
        form("/posts/{post}/delete", writing.delete),
    ]

"""The routes of ``/developer/webhooks/``; secrets are made here, before the units that store them."""

from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.durable.store import Tx
from livefeed.portal.apps import outgoing, webhooks
from livefeed.portal.apps.outgoing import Token
from livefeed.portal.apps.webhooks import Code
from livefeed.portal.web.desk import Desk, Guest, Result
from livefeed.portal.web.desk.routes import form_route, page_route
from livefeed.portal.web.webhooks import views
from livefeed.portal.web.webhooks.views import HOME

_SECTION: Final = "webhooks"


def webhook_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of the pages of webhooks."""
    page, form = partial(page_route, desk, section=_SECTION), partial(form_route, desk, section=_SECTION)
    with_code, with_token = partial(_with_code, desk), partial(_with_token, desk)
    incoming, out = f"{HOME}incoming", f"{HOME}outgoing"
    return [
        page(HOME, views.overview),
        page(HOME.rstrip("/"), views.overview),
        page(f"{incoming}/new", views.new_incoming),
        with_code(f"{incoming}/new", views.make_incoming),
        page(f"{incoming}/{{webhook}}", views.incoming),
        with_code(f"{incoming}/{{webhook}}", views.change_incoming),
        with_code(f"{incoming}/{{webhook}}/regenerate", views.regenerate_incoming),
        form(f"{incoming}/{{webhook}}/remove", views.remove_incoming),
        page(f"{out}/new", views.new_outgoing),
        with_token(f"{out}/new", views.make_outgoing),
        page(f"{out}/{{webhook}}", partial(views.outgoing, keys=desk.keys)),
        with_token(f"{out}/{{webhook}}", partial(views.change_outgoing, keys=desk.keys)),
        with_token(f"{out}/{{webhook}}/regenerate", views.regenerate_outgoing),
        form(f"{out}/{{webhook}}/remove", views.remove_outgoing),
    ]


def _with_code(desk: Desk, path: str, unit: Callable[[Tx, Guest, Code], Result]) -> Route:
    """A form after which an incoming webhook may have another code."""

    async def serve(request: Request) -> Response:
        code = webhooks.new_code(desk.keys)
        return await desk.act(request, lambda tx, guest: unit(tx, guest, code), section=_SECTION)

    return Route(path, serve, methods=["POST"])


def _with_token(desk: Desk, path: str, unit: Callable[[Tx, Guest, Token], Result]) -> Route:
    """A form after which an outgoing webhook may have another token."""

    async def serve(request: Request) -> Response:
        token = outgoing.new_token(desk.keys, desk.portal(request).member_id)
        return await desk.act(request, lambda tx, guest: unit(tx, guest, token), section=_SECTION)

    return Route(path, serve, methods=["POST"])

"""The routes of ``/developer/webhooks/``; secrets are made here, before the units that store them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.durable.store import Tx
from livefeed.portal.apps import outgoing, webhooks
from livefeed.portal.apps.outgoing import Token
from livefeed.portal.apps.webhooks import Code
from livefeed.portal.web.desk import Desk, Guest, Result, View
from livefeed.portal.web.webhooks import views
from livefeed.portal.web.webhooks.views import HOME

_SECTION: Final = "webhooks"

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def webhook_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of the pages of webhooks."""
    change_outgoing = partial(views.change_outgoing, keys=desk.keys)
    incoming, out = f"{HOME}incoming", f"{HOME}outgoing"
    return [
        Route(HOME, _page(desk, views.overview)),
        Route(HOME.rstrip("/"), _page(desk, views.overview)),
        Route(f"{incoming}/new", _page(desk, views.new_incoming)),
        Route(f"{incoming}/new", _with_code(desk, views.make_incoming), methods=["POST"]),
        Route(f"{incoming}/{{webhook}}", _page(desk, views.incoming)),
        Route(f"{incoming}/{{webhook}}", _with_code(desk, views.change_incoming), methods=["POST"]),
        Route(
            f"{incoming}/{{webhook}}/regenerate",
            _with_code(desk, views.regenerate_incoming),
            methods=["POST"],
        ),
        Route(f"{incoming}/{{webhook}}/remove", _form(desk, views.remove_incoming), methods=["POST"]),
        Route(f"{out}/new", _page(desk, views.new_outgoing)),
        Route(f"{out}/new", _with_token(desk, views.make_outgoing), methods=["POST"]),
        Route(f"{out}/{{webhook}}", _page(desk, partial(views.outgoing, keys=desk.keys))),
        Route(f"{out}/{{webhook}}", _with_token(desk, change_outgoing), methods=["POST"]),
        Route(
            f"{out}/{{webhook}}/regenerate", _with_token(desk, views.regenerate_outgoing), methods=["POST"]
        ),
        Route(f"{out}/{{webhook}}/remove", _form(desk, views.remove_outgoing), methods=["POST"]),
    ]


def _page(desk: Desk, view: View) -> _Endpoint:
    async def serve(request: Request) -> Response:
        return await desk.show(request, view, section=_SECTION)

    return serve


def _form(desk: Desk, unit: View) -> _Endpoint:
    async def serve(request: Request) -> Response:
        return await desk.act(request, unit, section=_SECTION)

    return serve


def _with_code(desk: Desk, unit: Callable[[Tx, Guest, Code], Result]) -> _Endpoint:
    """A form after which an incoming webhook may have another code."""

    async def serve(request: Request) -> Response:
        code = webhooks.new_code(desk.keys)
        return await desk.act(request, lambda tx, guest: unit(tx, guest, code), section=_SECTION)

    return serve


def _with_token(desk: Desk, unit: Callable[[Tx, Guest, Token], Result]) -> _Endpoint:
    """A form after which an outgoing webhook may have another token."""

    async def serve(request: Request) -> Response:
        token = outgoing.new_token(desk.keys, desk.portal(request).member_id)
        return await desk.act(request, lambda tx, guest: unit(tx, guest, token), section=_SECTION)

    return serve

"""The addresses of the developer area; only administrators come in."""

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.clock import Clock
from livefeed.errors import StoreError
from livefeed.portal.apps.registry import fresh_credentials
from livefeed.portal.events.log.resending import NotSent
from livefeed.portal.operations import deliveries as operations
from livefeed.portal.operations.deliveries import Resend
from livefeed.portal.operations.office import Office
from livefeed.portal.web.desk import Desk, Sorry
from livefeed.portal.web.desk.results import BUSY, ONLY_ADMINISTRATORS
from livefeed.portal.web.desk.routes import form_route, page_route
from livefeed.portal.web.developer import apps, delivery, handling, listing
from livefeed.portal.web.developer.words import read_moment
from livefeed.ui.languages import noted
from livefeed.wire.ids import decimal

_SECTION: Final = "developer"


class _Counter:
    """Answers what needs something made before its unit, or more than one unit."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._office = Office(store=desk.store, keys=desk.keys, clock=clock, directory=desk.directory)

    async def deliveries(self, request: Request) -> Response:
        """``GET /developer/deliveries/?post=205&handler=7``."""
        view = listing.shown_list(self._clock.now_ms())
        return await self._desk.show(request, view, section=_SECTION, admin=True)

    async def new_app(self, request: Request) -> Response:
        """``POST /developer/apps``: secrets are made before the unit that stores them."""
        unit = apps.made(self._desk.keys, fresh_credentials(self._desk.keys))
        return await self._desk.act(request, unit, section=_SECTION, admin=True)

    async def change_app(self, request: Request) -> Response:
        """``POST /developer/apps/3/rotate``."""
        unit = apps.changed(fresh_credentials(self._desk.keys))
        return await self._desk.act(request, unit, section=_SECTION, admin=True)

    async def resend_since(self, request: Request) -> Response:
        """``POST /developer/handlers/7/resend``: many units, because it may be many events."""
        form = await self._desk.received(request)
        if isinstance(form, Sorry):
            return self._desk.sorry(request, form)
        me, handler = await self._desk.whose(request), decimal(request.path_params["handler"])
        if me is None or not me.is_admin:
            return self._desk.sorry(request, ONLY_ADMINISTRATORS)
        page = f"/developer/handlers/{handler}"
        since_ms = read_moment(form.text("since"), me.time_zone)
        if handler is None or since_ms is None:
            return RedirectResponse(f"{page}?said=unreadable", 303)
        asked = Resend(handler=handler, since_ms=since_ms, only_missing=form.flag("only_missing"))
        try:
            document = await operations.resend(self._office, self._desk.portal(request), asked)
        except NotSent as exc:
            refusal = Sorry(status=409, heading=noted("Nothing was sent"), text=exc.words, back=page)
            return self._desk.sorry(request, refusal)
        except StoreError:
            return self._desk.sorry(request, BUSY)
        return RedirectResponse(f"{page}?count={document['resent']}", 303)


def developer_routes(desk: Desk, clock: Clock) -> list[BaseRoute]:
    """The routes of the developer area."""
    counter = _Counter(desk, clock)
    page = partial(page_route, desk, section=_SECTION, admin=True)
    form = partial(form_route, desk, section=_SECTION, admin=True)
    return [
        page("/developer", apps.shown_list),
        page("/developer/", apps.shown_list),
        page("/developer/apps/new", apps.shown_new),
        Route("/developer/apps", counter.new_app, methods=["POST"]),
        page("/developer/apps/{app}", apps.shown_app),
        page("/developer/apps/{app}/{change}", apps.shown_change),
        Route("/developer/apps/{app}/{change}", counter.change_app, methods=["POST"]),
        page("/developer/handlers/", handling.shown_list),
        page("/developer/handlers/{handler}", handling.shown_handler),
        form("/developer/handlers/{handler}/pause", handling.paused),
        form("/developer/handlers/{handler}/resume", handling.resumed),
        form("/developer/handlers/{handler}/test", handling.tried),
        Route("/developer/handlers/{handler}/resend", counter.resend_since, methods=["POST"]),
        Route("/developer/deliveries/", counter.deliveries, methods=["GET"]),
        page("/developer/deliveries/{seq}/{consumer}", delivery.shown_delivery(desk.keys)),
        form("/developer/deliveries/{seq}/{consumer}/resend", delivery.resent),
        form("/developer/deliveries/{seq}/{consumer}/hurry", delivery.hurried),
    ]

"""``/oauth/authorize/``: a person allows an application to act in his name, and it gets a code.

Source: settings/oauth/index.md
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.durable.store import Tx
from livefeed.errors import StoreError
from livefeed.portal.apps import codes, consents, registry
from livefeed.portal.apps.codes import FreshCode
from livefeed.portal.apps.redirects import origin_of, with_code
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.portals import PortalRow
from livefeed.portal.web.account.scopes import in_words
from livefeed.portal.web.desk import Desk, Guest, Result, Shown, Sorry
from livefeed.portal.web.desk.results import BUSY
from livefeed.ui.languages import noted
from livefeed.wire.ids import UserId

_STATE_CHARS: Final = 4_000

_UNREADABLE: Final = Sorry(
    status=400,
    heading=noted("This address is not complete"),
    text=noted("The application that sent you here has to name itself; tell those who make it."),
)
_UNKNOWN: Final = Sorry(
    status=404,
    heading=noted("There is no such application"),
    text=noted("It was never installed on this portal, or it was removed."),
)
_WITHHELD: Final = Sorry(
    status=403,
    heading=noted("The installation is not finished"),
    text=noted("An administrator has to finish the installation of this application first."),
)
_UNPAID: Final = Sorry(
    status=402,
    heading=noted("The paid period is over"),
    text=noted("The application can act for nobody until it is paid for again."),
)
_DENIED: Final = Sorry(
    status=200,
    heading=noted("You did not allow it"),
    text=noted("The application was told nothing and can do nothing in your name. You can close this page."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What the address says: which application asks, and what is to come back to it unchanged."""

    client_id: str
    state: str | None

    @property
    def address(self) -> str:
        """The address itself, for the form on the page."""
        given = {"client_id": self.client_id, "state": self.state}
        return f"/oauth/authorize/?{urlencode({k: v for k, v in given.items() if v is not None})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A code for an application, to be sent to its address or shown."""

    app: App
    code: str


class ConsentPages:
    """Asks once for each application and person; after that the way is a redirect."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, request: Request) -> Response:
        """``GET``: sign-in if need be, the question the first time, then the redirect."""
        asking = _asking(request)
        if isinstance(asking, Sorry):
            return self._desk.sorry(request, asking)
        try:
            given = None if request.method == "HEAD" else await self._given_before(request, asking)
        except StoreError:
            return self._desk.sorry(request, BUSY)
        if given is not None:
            return self._handed_over(request, asking, given, status=302)
        return await self._desk.show(request, _question(asking), section="consent")

    async def decide(self, request: Request) -> Response:
        """``POST``: field ``answer``, ``allow`` or ``deny``; the application stands in the address."""
        asking = _asking(request)
        if isinstance(asking, Sorry):
            return self._desk.sorry(request, asking)
        form = await self._desk.received(request)
        if isinstance(form, Sorry):
            return self._desk.sorry(request, form)
        if form.text("answer") != "allow":
            return self._desk.sorry(request, _DENIED)
        try:
            given = await self._given(request, asking, _allowed)
        except StoreError:
            return self._desk.sorry(request, BUSY)
        if given is None:
            return RedirectResponse(asking.address, 303)
        return self._handed_over(request, asking, given, status=303)

    async def _given_before(self, request: Request, asking: Asking) -> Given | None:
        """A code, if whoever is signed in allowed it before; nothing is written for anybody else."""
        me, portal = await self._desk.whose(request), self._desk.portal(request)
        if me is None or not await self._desk.store.read(
            lambda tx: _is_allowed(tx, _find(tx, portal, asking), me.id)
        ):
            return None
        return await self._given(request, asking, _is_allowed)

    async def _given(
        self, request: Request, asking: Asking, may: Callable[[Tx, App | Sorry, UserId], bool]
    ) -> Given | None:
        """A code, if somebody is signed in, the application stands, and ``may`` says so."""
        me, portal = await self._desk.whose(request), self._desk.portal(request)
        if me is None:
            return None
        fresh = codes.draw(self._desk.keys)

        def unit(tx: Tx) -> Given | None:
            tx.serialize(portal.member_id)
            app = _find(tx, portal, asking)
            return _give(tx, app, me.id, fresh) if isinstance(app, App) and may(tx, app, me.id) else None

        return await self._desk.store.write(unit)

    def _handed_over(self, request: Request, asking: Asking, given: Given, *, status: int) -> Response:
        """Send the browser to the application, or show the code where it has no address."""
        app, portal = given.app, self._desk.portal(request)
        if not app.redirect_uri:
            values = {"app": app.name, "code": given.code}
            return self._desk.open_page(request, Shown(template="code.html", values=values))
        response = Response(status_code=status)
        response.headers["location"] = with_code(app, portal, code=given.code, state=asking.state)
        response.headers["cache-control"] = "no-store"
        response.headers["referrer-policy"] = "no-referrer"
        return response


def consent_routes(desk: Desk) -> list[BaseRoute]:
    """The routes of ``/oauth/authorize/``."""
    pages = ConsentPages(desk)
    return [
        Route(path, page, methods=[method])
        for path in ("/oauth/authorize/", "/oauth/authorize")
        for method, page in (("GET", pages.ask), ("POST", pages.decide))
    ]


def _asking(request: Request) -> Asking | Sorry:
    """Read the address; names that come several times count with their last value."""
    client_id, state = request.query_params.get("client_id", ""), request.query_params.get("state")
    if not client_id or "\x00" in client_id + (state or "") or len(state or "") > _STATE_CHARS:
        return _UNREADABLE
    return Asking(client_id=client_id, state=state)


def _question(asking: Asking) -> Callable[[Tx, Guest], Result]:
    def view(tx: Tx, guest: Guest) -> Result:
        app = _find(tx, guest.portal, asking)
        if isinstance(app, Sorry):
            return app
        values = {
            "app": app.name,
            "host": urlsplit(app.redirect_uri).netloc,
            "scopes": in_words(app.scopes),
            "action": asking.address,
            "is_asked_again": consents.was_asked(tx, app, guest.me.id),
        }
        # Browsers apply this directive to the redirect that follows a form, too.
        targets = f"'self' {origin_of(app.redirect_uri)}" if app.redirect_uri else "'self'"
        return Shown(template="consent.html", values=values, policy={"form-action": targets})

    return view


def _find(tx: Tx, portal: PortalRow, asking: Asking) -> App | Sorry:
    app = registry.find_by_client_id(tx, asking.client_id)
    if app is None or app.portal != portal.member_id or app.state == "removed":
        return _UNKNOWN
    if app.state == "withheld":
        return _WITHHELD
    return app if app.is_paid(tx.now_ms) else _UNPAID


def _is_allowed(tx: Tx, app: App | Sorry, person: UserId) -> bool:
    return isinstance(app, App) and consents.is_allowed(tx, app, person)


def _allowed(tx: Tx, app: App | Sorry, person: UserId) -> bool:
    """Remember that the person has just allowed it."""
    if isinstance(app, App):
        consents.allow(tx, app, person)
    return isinstance(app, App)


def _give(tx: Tx, app: App, person: UserId, fresh: FreshCode) -> Given | None:
    epoch = handlers.person_epoch(tx, app.portal, person)
    if epoch is None:
        return None
    codes.give(tx, app.bearer(person, epoch), fresh)
    return Given(app=app, code=fresh.code)

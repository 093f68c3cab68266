"""Signing in and out: a login and a password, or in the demo one click; each sign-in is a new session."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.durable.store import Tx
from livefeed.errors import StoreError
from livefeed.portal.people import passwords
from livefeed.portal.people.passwords import LONGEST, TooMany
from livefeed.portal.portals import PortalRow
from livefeed.portal.throttle import Limit, Throttle, address_of
from livefeed.portal.web.desk import Desk, Shown, Sorry
from livefeed.portal.web.desk.languages import local_path
from livefeed.portal.web.desk.results import BUSY
from livefeed.portal.web.desk.showing import everyone
from livefeed.secrets import Secret
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import UserId
from livefeed.wire.params import Params

LOGIN_TRIES: Final = 10
"""How many wrong passwords one login may be tried with at once; one more every half minute after that."""

ADDRESS_TRIES: Final = 30
"""How many wrong passwords one address may send at once; one more every five seconds after that."""

_LOGINS: Final = Limit(name="login", burst=LOGIN_TRIES, drain_s=30.0)
_ADDRESSES: Final = Limit(name="address", burst=ADDRESS_TRIES, drain_s=5.0)
_LOGIN_CHARS: Final = 64
_LOGGED_OUT: Final = ("/login", "/logout", "/person")

_WRONG: Final = noted("Login or password is wrong.")
_ONLY_IN_THE_DEMO: Final = Sorry(
    status=403,
    heading=noted("Not permitted"),
    text=noted("Only in the demo can one be somebody else without a password."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody one can be with one click in the demo."""

    id: int
    name: str
    position: str
    initials: str
    hue: int
    is_admin: bool


class SignIn:
    """The pages ``/login``, ``/logout`` and, in the demo, ``/person``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._failures = Throttle(store=desk.store, keys=desk.keys)

    async def ask(self, request: Request) -> Response:
        """``GET /login?next=/posts/205``: the form; whoever is signed in goes on at once."""
        following = _following(request.query_params.get("next", ""))
        try:
            if await self._desk.whose(request) is not None:
                return RedirectResponse(following, 303)
            return await self._form(request, following)
        except StoreError:
            return self._desk.sorry(request, BUSY)

    async def enter(self, request: Request) -> Response:
        """``POST /login``: fields ``login``, ``password`` and ``next``."""
        form = await self._desk.received(request)
        if isinstance(form, Sorry):
            return self._desk.sorry(request, form)
        following = _following(form.text("next"))
        portal, login = self._desk.portal(request), form.text("login").strip().lower()[:_LOGIN_CHARS]
        tries = ((_LOGINS, f"{portal.member_id} {login}"), (_ADDRESSES, address_of(request)))
        if passwords.is_crowded():  # before anything is written
            return self._desk.sorry(request, BUSY)
        try:
            wait_s = await self._failures.enter(*tries)
            if wait_s:
                return await self._later(request, following, login, wait_s)
            try:
                person = await self._proved(portal, login, form)
            except TooMany:
                await self._failures.give_back(*tries)
                return self._desk.sorry(request, BUSY)
            if person is None:
                return await self._form(request, following, login=login, problem=_WRONG, status=403)
            await self._failures.give_back(*tries)
            return await self._desk.sign_in(request, person, following)
        except StoreError:
            return self._desk.sorry(request, BUSY)

    async def choose(self, request: Request) -> Response:
        """``POST /person``: fields ``person`` and ``here``; in the demo, be somebody else from now on."""
        form = await self._desk.received(request)
        if isinstance(form, Sorry):
            return self._desk.sorry(request, form)
        if not self._desk.is_open_to_all(request):
            return self._desk.sorry(request, _ONLY_IN_THE_DEMO)
        person, following = UserId(form.integer("person")), _following(form.text("here"))
        try:
            return await self._desk.sign_in(request, person, following)
        except StoreError:
            return self._desk.sorry(request, BUSY)

    async def leave(self, request: Request) -> Response:
        """``POST /logout``."""
        form = await self._desk.received(request)
        if isinstance(form, Sorry):
            return self._desk.sorry(request, form)
        try:
            return await self._desk.sign_out(request)
        except StoreError:
            return self._desk.sorry(request, BUSY)

    async def _proved(self, portal: PortalRow, login: str, form: Params) -> UserId | None:
        """Who proved that he has this login; the comparison takes its time for anybody."""
        given = form.text("password")
        password = Secret(given if len(given) <= LONGEST else "")
        found = await self._desk.store.read(lambda tx: passwords.find(tx, portal.member_id, login))
        return found.person if await passwords.is_right(found, password) else None

    async def _later(self, request: Request, following: str, login: str, wait_s: int) -> Response:
        problem = noted("Too many wrong passwords. Try again in %(seconds)s seconds.", seconds=wait_s)
        response = await self._form(request, following, login=login, problem=problem, status=429)
        response.headers["retry-after"] = str(wait_s)
        return response

    async def _form(
        self,
        request: Request,
        following: str,
        *,
        login: str = "",
        problem: Words | None = None,
        status: int = 200,
    ) -> Response:
        values = {
            "following": following,
            "login": login,
            "problem": problem,
            "candidates": await self._candidates(request),
        }
        return self._desk.open_page(request, Shown(template="login.html", values=values, status=status))

    async def _candidates(self, request: Request) -> list[Candidate]:
        """Everybody, in the demo; nobody elsewhere: a login is nothing to be shown to strangers."""
        if not self._desk.is_open_to_all(request):
            return []
        portal = self._desk.portal(request)
        return await self._desk.store.read(lambda tx: _candidates(tx, portal))


def signin_routes(desk: Desk) -> list[BaseRoute]:
    """The routes ``/login``, ``/logout`` and ``/person``."""
    pages = SignIn(desk)
    return [
        Route("/login", pages.ask, methods=["GET"]),
        Route("/login", pages.enter, methods=["POST"]),
        Route("/logout", pages.leave, methods=["POST"]),
        Route("/person", pages.choose, methods=["POST"]),
    ]


def _following(wanted: str) -> str:
    """Where to go after signing in: a page of our own that is not about signing in."""
    path = local_path(wanted or "/")
    return "/" if path.partition("?")[0] in _LOGGED_OUT else path


def _candidates(tx: Tx, portal: PortalRow) -> list[Candidate]:
    return [
        Candidate(
            id=person.id,
            name=person.display_name,
            position=person.position,
            initials="".join(part[0] for part in person.display_name.split()[:2]).upper(),
            hue=person.id % 8,
            is_admin=person.is_admin,
        )
        for person in everyone(tx, portal.member_id)
    ]

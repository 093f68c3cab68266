"""The desk every page goes over: who looks, in which language, may he, is the form ours; then one unit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError, WireError
from livefeed.portal.people import people, sessions
from livefeed.portal.people.people import Person
from livefeed.portal.portals import Directory, PortalRow
from livefeed.portal.web.desk import session
from livefeed.portal.web.desk.answers import respond
from livefeed.portal.web.desk.heading import Head, head_of
from livefeed.portal.web.desk.results import (
    BUSY,
    NOT_OUR_FORM,
    ONLY_ADMINISTRATORS,
    UNREADABLE,
    Go,
    Result,
    Shown,
    Sorry,
)
from livefeed.portal.web.desk.session import LANGUAGE_COOKIE, Visit, is_own, read_form, remember, visit_of
from livefeed.portal.web.desk.showing import Look, everyone
from livefeed.secrets import KeyRing
from livefeed.ui.languages import chosen
from livefeed.ui.pages import page
from livefeed.wire.ids import PostId, UserId, decimal
from livefeed.wire.params import Params


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Who asks for a page or sends a form, and what about.

    Attributes:
        portal: Where.
        me: The person who is signed in.
        look: The portal as this person sees it; lives as long as the unit.
        visit: The browser.
        path: The parts of the address: ``{"post": "205"}``.
        query: The query string.
        form: The fields of the form; empty for a page that is only looked at.
        language: One of `LANGUAGES`.
    """

    portal: PortalRow
    me: Person
    look: Look
    visit: Visit
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Params
    language: str

    def number(self, part: str) -> int:
        """A number in the address; 0, which nothing has, for an address without one."""
        return decimal(self.path.get(part, "")) or 0

    @property
    def post_id(self) -> PostId:
        """The post in the address."""
        return PostId(self.number("post"))


View: TypeAlias = Callable[[Tx, Guest], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Serves pages and forms to people who are signed in."""

    store: Store
    keys: KeyRing
    directory: Directory
    is_demo: bool

    def portal(self, request: Request) -> PortalRow:
        """The portal whose host was asked."""
        return self.directory.by_host(request.headers.get("host", ""))

    def is_open_to_all(self, request: Request) -> bool:
        """Whether anybody may be anybody: in the demo, under its own address.

        Another name that leads to this machine belongs to somebody else: his page could act here.
        """
        return self.is_demo and request.headers.get("host", "").lower() == self.portal(request).host

    async def show(
        self,
        request: Request,
        view: View,
        *,
        section: str = "feed",
        admin: bool = False,
        writes: bool = False,
    ) -> Response:
        """A page, for whoever is signed in; everybody else is asked to sign in first.

        Args:
            request: What the browser asks.
            view: The unit that answers.
            section: Which entry of the menu it belongs to.
            admin: Whether it is for administrators only.
            writes: Whether showing it leaves a trace in the database.
        """
        return await self._run(request, view, Params({}), section=section, admin=admin, writes=writes)

    async def act(
        self, request: Request, unit: View, *, section: str = "feed", admin: bool = False
    ) -> Response:
        """A form: one unit that writes."""
        form = await self.received(request)
        if isinstance(form, Sorry):
            return self.sorry(request, form)
        return await self._run(request, unit, form, section=section, admin=admin, writes=True)

    async def received(self, request: Request) -> Params | Sorry:
        """The fields of a form that this server showed to this browser."""
        try:
            form = await read_form(request)
        except WireError:
            return UNREADABLE
        return form if is_own(request, form, visit_of(request), self.keys) else NOT_OUR_FORM

    async def whose(self, request: Request) -> Person | None:
        """Who is signed in; for what needs more than one unit."""
        portal, visit = self.portal(request), visit_of(request)
        session_hash = visit.hash(self.keys)
        return await self.store.read(lambda tx: _person(tx, portal, visit, session_hash))

    async def sign_in(self, request: Request, person: UserId, location: str) -> Response:
        """Give the browser a new session in the name of ``person`` and show ``location``, a path of ours."""
        portal, visit = self.portal(request), session.fresh_session()
        old, new = visit_of(request).hash(self.keys), visit.hash(self.keys)

        def unit(tx: Tx) -> bool:
            tx.serialize(portal.member_id)
            sessions.end(tx, portal.member_id, old)
            return sessions.begin(tx, portal.member_id, person, new)

        if not await self.store.write(unit):
            return RedirectResponse("/login", 303)
        response = RedirectResponse(location, 303)
        remember(response, request, visit)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session of this browser."""
        portal, old = self.portal(request).member_id, visit_of(request).hash(self.keys)
        await self.store.write(lambda tx: sessions.end(tx, portal, old))
        response = RedirectResponse("/login", 303)
        name = session.cookie_name(request, session.SESSION_COOKIE)
        response.delete_cookie(name, httponly=True, samesite="lax", path="/")
        return response

    def open_page(self, request: Request, shown: Shown, *, section: str = "") -> Response:
        """A page for everybody, signed in or not."""
        portal, visit = self.portal(request), visit_of(request)
        language = _language(request, portal, None)
        head = Head(me=None, people=[], token=visit.token(self.keys), here=_here(request))
        return self._rendered(request, portal, visit, head, shown, language=language, section=section)

    def sorry(self, request: Request, sorry: Sorry) -> Response:
        """A page that says why not."""
        return self.open_page(request, _told(sorry))

    async def _run(
        self, request: Request, view: View, form: Params, *, section: str, admin: bool, writes: bool
    ) -> Response:
        portal, visit = self.portal(request), visit_of(request)
        session_hash, is_reading = visit.hash(self.keys), request.method in ("GET", "HEAD")

        def unit(tx: Tx) -> tuple[Result, Head | None, str]:
            if writes:
                tx.serialize(portal.member_id)
            me = _person(tx, portal, visit, session_hash)
            language = _language(request, portal, me)
            if me is None:
                return (_to_sign_in(request) if is_reading else NOT_OUR_FORM), None, language
            coworkers = everyone(tx, portal.member_id)
            look = Look(tx, portal.member_id, me, coworkers, language)
            head = head_of(
                tx,
                portal.member_id,
                look,
                people=coworkers if self.is_demo else [],
                token=visit.token(self.keys),
                here=_here(request, without="said"),
                query=request.query_params,
            )
            if admin and not me.is_admin:
                return ONLY_ADMINISTRATORS, head, language
            guest = Guest(
                portal=portal,
                me=me,
                look=look,
                visit=visit,
                path=request.path_params,
                query=request.query_params,
                form=form,
                language=language,
            )
            return view(tx, guest), head, language

        try:
            result, head, language = await (self.store.write(unit) if writes else self.store.read(unit))
        except WireError:
            return self.sorry(request, UNREADABLE)
        except StoreError:
            return self.sorry(request, BUSY)
        match result:
            case Go(location=location):
                return RedirectResponse(location, 303)
            case Sorry():
                shown = _told(result)
            case Shown():
                shown = result
            case _:
                assert_never(result)
        if head is None:
            return self.open_page(request, shown, section=section)
        return self._rendered(request, portal, visit, head, shown, language=language, section=section)

    def _rendered(
        self,
        request: Request,
        portal: PortalRow,
        visit: Visit,
        head: Head,
        shown: Shown,
        *,
        language: str,
        section: str,
    ) -> Response:
        made = page(
            shown.template,
            status=shown.status,
            language=language,
            policy=shown.policy,
            page=head,
            company=portal.name,
            section=section,
            is_demo=self.is_demo,
            **shown.values,
        )
        response = respond(made)
        if visit.is_session is False:
            remember(response, request, visit)
        return response


def _person(tx: Tx, portal: PortalRow, visit: Visit, session_hash: bytes) -> Person | None:
    if not visit.is_session:
        return None
    person_id = sessions.person_of(tx, portal.member_id, session_hash)
    return None if person_id is None else people.find(tx, portal.member_id, person_id)


def _language(request: Request, portal: PortalRow, me: Person | None) -> str:
    wanted = request.cookies.get(LANGUAGE_COOKIE, "")
    if me is not None:
        return chosen(wanted, me.language, portal.language)
    return chosen(wanted, accepted=request.headers.get("accept-language", "") or portal.language)


def _here(request: Request, *, without: str = "") -> str:
    query = "&".join(part for part in request.url.query.split("&") if part.partition("=")[0] != without)
    return f"{request.url.path}?{query}" if query else request.url.path


def _to_sign_in(request: Request) -> Go:
    return Go(location=f"/login?next={quote(_here(request), safe='/')}")


def _told(sorry: Sorry) -> Shown:
    values = {"heading": sorry.heading, "text": sorry.text, "back": sorry.back}
    return Shown(template="plain.html", values=values, status=sorry.status)

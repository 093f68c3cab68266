"""The pages at ``/``: the feed and the bell of the person chosen in the demo, and the forms on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError, WireError
from livefeed.portal.people.people import Person
from livefeed.portal.portals import Directory, PortalRow
from livefeed.portal.web import views, writing
from livefeed.portal.web.session import Visit, is_own, read_form, remember, visit_of
from livefeed.portal.web.showing import Face, Look, everyone
from livefeed.portal.web.views import Shown
from livefeed.portal.web.writing import Act, Again, Go, Result, Sorry
from livefeed.secrets import KeyRing
from livefeed.ui.pages import page
from livefeed.wire.ids import PostId, UserId, decimal

_SAID: Final[Mapping[str, str]] = {
    "saved": "Saved. Everybody who takes part will be told what changed.",
    "published": "Published.",
    "deleted": "Deleted.",
}
_CLOSED: Final = Sorry(
    status=200,
    heading="This portal works over REST",
    text=(
        "Signing in is not built yet, so nobody can act as a person here. "
        "Call the REST methods under /rest/, or try the pages with: livefeed demo."
    ),
)
_NOT_OUR_FORM: Final = Sorry(
    status=403,
    heading="This form is not valid any more",
    text="Go back, reload the page, and send it again.",
)
_BUSY: Final = Sorry(status=503, heading="Too busy", text="Nothing was saved. Try again in a moment.")

View = Callable[[Tx, Look, PortalRow], "Shown | Sorry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every page needs besides its own content."""

    me: Face
    people: list[Face]
    token: str
    message: str


class FeedPages:
    """Serves the pages; outside the demo they only say that nobody can sign in yet."""

    def __init__(self, *, store: Store, keys: KeyRing, directory: Directory, is_demo: bool) -> None:
        self._store = store
        self._keys = keys
        self._directory = directory
        self._is_demo = is_demo

    async def feed(self, request: Request) -> Response:
        """``GET /``."""
        before = decimal(request.query_params.get("before", ""))
        return await self._show(request, lambda tx, look, portal: views.feed(tx, look, portal, before=before))

    async def post(self, request: Request) -> Response:
        """``GET /posts/205``."""
        post_id = _post_id(request)
        return await self._show(request, lambda tx, look, portal: views.post(tx, look, portal, post_id))

    async def edit_form(self, request: Request) -> Response:
        """``GET /posts/205/edit``."""
        post_id = _post_id(request)
        return await self._show(request, lambda tx, look, portal: views.edit(tx, look, portal, post_id))

    async def bell(self, request: Request) -> Response:
        """``GET /bell``."""
        return await self._show(request, views.bell)

    async def choose(self, request: Request) -> Response:
        """``POST /person``: be somebody else from now on."""
        portal, visit = self._portal(request), visit_of(request)
        if not self._is_demo:
            return _sorry(portal, replace(_CLOSED, status=403))
        try:
            form = await read_form(request)
        except WireError:
            return _sorry(portal, _NOT_OUR_FORM)
        if not is_own(form, visit, self._keys):
            return _sorry(portal, _NOT_OUR_FORM)
        response = RedirectResponse("/", status_code=303)
        remember(response, request, replace(visit, person=UserId(form.integer("person"))))
        return response

    async def publish(self, request: Request) -> Response:
        """``POST /posts``."""
        return await self._act(request, writing.publish)

    async def save(self, request: Request) -> Response:
        """``POST /posts/205``."""
        return await self._act(request, writing.edit)

    async def delete(self, request: Request) -> Response:
        """``POST /posts/205/delete``."""
        return await self._act(request, writing.delete)

    async def comment(self, request: Request) -> Response:
        """``POST /posts/205/comments``."""
        return await self._act(request, writing.comment)

    async def read_bell(self, request: Request) -> Response:
        """``POST /bell/read``."""
        return await self._act(request, writing.read_bell)

    async def _show(self, request: Request, view: View, *, status: int = 200) -> Response:
        portal, visit = self._portal(request), visit_of(request)
        if not self._is_demo:
            return _sorry(portal, _CLOSED)

        def query(tx: Tx) -> tuple[Shown | Sorry, Head, Person]:
            people = everyone(tx, portal.member_id)
            me = _chosen(people, visit)
            look = Look(tx, portal.member_id, me, people)
            return view(tx, look, portal), self._head(request, look, people, visit), me

        try:
            shown, head, me = await self._store.read(query)
        except StoreError:
            return _sorry(portal, _BUSY)
        if isinstance(shown, Sorry):
            return _sorry(portal, shown)
        response = page(
            shown.template,
            status=status,
            page=head,
            company=portal.name,
            section="feed",
            language=portal.language,
            **shown.values,
        )
        remember(response, request, replace(visit, person=me.id))
        return response

    async def _act(self, request: Request, unit: Callable[[Tx, Act], Result]) -> Response:
        portal, visit = self._portal(request), visit_of(request)
        if not self._is_demo:
            return _sorry(portal, replace(_CLOSED, status=403))
        try:
            form = await read_form(request)
            if not is_own(form, visit, self._keys):
                return _sorry(portal, _NOT_OUR_FORM)
            post_id = _post_id(request)

            def write(tx: Tx) -> Result:
                me = _chosen(everyone(tx, portal.member_id), visit)
                return unit(tx, Act(portal=portal, me=me, post_id=post_id, form=form))

            return await self._answer(request, portal, await self._store.write(write))
        except WireError as exc:
            return _sorry(portal, Sorry(status=400, heading="The form cannot be read", text=str(exc)))
        except StoreError:
            return _sorry(portal, _BUSY)

    async def _answer(self, request: Request, portal: PortalRow, result: Result) -> Response:
        match result:
            case Go(location=location):
                return RedirectResponse(location, status_code=303)
            case Sorry():
                return _sorry(portal, result)
            case Again():
                again = result
                return await self._show(
                    request, lambda _tx, look, _portal: views.edit_again(look, again), status=again.status
                )
            case _:
                assert_never(result)

    def _portal(self, request: Request) -> PortalRow:
        return self._directory.by_host(request.headers.get("host", ""))

    def _head(self, request: Request, look: Look, people: list[Person], visit: Visit) -> Head:
        return Head(
            me=look.face(look.me.id),
            people=[look.face(person.id) for person in people],
            token=visit.token(self._keys),
            message=_SAID.get(request.query_params.get("said", ""), ""),
        )


def feed_routes(pages: FeedPages) -> list[BaseRoute]:
    """The routes of the feed's pages."""
    return [
        Route("/", pages.feed),
        Route("/bell", pages.bell),
        Route("/bell/read", pages.read_bell, methods=["POST"]),
        Route("/person", pages.choose, methods=["POST"]),
        Route("/posts", pages.publish, methods=["POST"]),
        Route("/posts/{post}", pages.post, methods=["GET"]),
        Route("/posts/{post}", pages.save, methods=["POST"]),
        Route("/posts/{post}/edit", pages.edit_form),
        Route("/posts/{post}/comments", pages.comment, methods=["POST"]),
        Route("/posts/{post}/delete", pages.delete, methods=["POST"]),
    ]


def _post_id(request: Request) -> PostId:
    """The post in the address; 0, which no post has, for an address without one."""
    return PostId(decimal(request.path_params.get("post", "")) or 0)


def _chosen(people: list[Person], visit: Visit) -> Person:
    return next((person for person in people if person.id == visit.person), people[0])


def _sorry(portal: PortalRow, sorry: Sorry) -> Response:
    back = "/" if sorry is not _CLOSED and sorry.status != 200 else ""
    return page(
        "plain.html",
        status=sorry.status,
        company=portal.name,
        language=portal.language,
        heading=sorry.heading,
        text=sorry.text,
        back=back,
    )

"""``/apps/<number>/``: an application, or one of its widgets, in a frame on a page of the portal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.clock import Clock
from livefeed.durable.store import Tx
from livefeed.net.urls import origin_of
from livefeed.portal.events.handlers import person_epoch
from livefeed.portal.frames import openings, targets
from livefeed.portal.frames.handing import Handing
from livefeed.portal.frames.openings import Opening, fresh_sid
from livefeed.portal.frames.paths import link_params
from livefeed.portal.frames.targets import Target, Wanted, WhyNot
from livefeed.portal.web.desk import Desk, Guest, Result, Shown, Sorry
from livefeed.portal.web.desk.results import NO_POST
from livefeed.portal.web.desk.session import visit_of
from livefeed.portal.web.frames.around import address_of, uri_of
from livefeed.portal.web.frames.door import FrameDoor
from livefeed.ui.languages import noted
from livefeed.wire.ids import AppId, PlacementId, PostId, decimal

_NEVER: Final = ""  # a page fetched again would be another opening
_NO_APP: Final = Sorry(
    status=404,
    heading=noted("No such application"),
    text=noted("It does not exist, was removed, or has no page here."),
)
_WITHHELD: Final = Sorry(
    status=403,
    heading=noted("This application is not fully installed"),
    text=noted("An administrator has to open it and finish its installation first."),
)

_UNPAID: Final = Sorry(
    status=402,
    heading=noted("This application has to be paid for"),
    text=noted("Its paid or trial period is over; it opens again once it is paid."),
)

_Find: TypeAlias = Callable[[Tx, Guest], Target | WhyNot]


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePages:
    """Serves the page around a frame."""

    desk: Desk
    clock: Clock

    async def show(self, request: Request) -> Response:
        """An application's own page, or one of its widgets."""
        query = request.query_params
        placement = PlacementId(decimal(query["placement"]) or 0) if "placement" in query else None
        post = decimal(query.get("post", ""))
        wanted = Wanted(
            app=AppId(decimal(request.path_params["app"]) or 0),
            placement=placement,
            post=None if post is None else PostId(post),
            uri=uri_of(request),
        )
        return await self._show(
            request,
            lambda tx, guest: targets.find(
                tx, guest.portal.member_id, guest.me, wanted, language=guest.language
            ),
        )

    async def link(self, request: Request) -> Response:
        """What opens behind a link to an application."""
        client_id, uri = request.path_params["code"], uri_of(request)
        given = link_params(request.url.query)
        return await self._show(
            request,
            lambda tx, guest: targets.find_link(
                tx, guest.portal.member_id, guest.me, client_id, given, uri=uri, language=guest.language
            ),
        )

    async def _show(self, request: Request, find: _Find) -> Response:
        visit_hash, sid = visit_of(request).hash(self.desk.keys), fresh_sid(self.desk.keys)

        def view(tx: Tx, guest: Guest) -> Result:
            target = find(tx, guest)
            match target:
                case "missing":
                    return _NO_APP
                case "unpaid":
                    return _UNPAID
                case "withheld":
                    return _WITHHELD
                case "no post":
                    return NO_POST
                case Target():
                    pass
                case _:
                    assert_never(target)
            epoch = person_epoch(tx, guest.portal.member_id, guest.me.id)
            if epoch is None:
                return _NO_APP
            openings.begin(tx, _opening(target, guest), sid, visit_hash=visit_hash)
            return _framed(target, self._handing(request, guest, target, epoch, sid.text))

        return await self.desk.show(request, view, section="apps", writes=True)

    def _handing(self, request: Request, guest: Guest, target: Target, epoch: int, sid: str) -> Handing:
        return Handing(
            keys=self.desk.keys,
            portal=guest.portal,
            app=target.app,
            url=target.url,
            bearer=target.app.bearer(guest.me.id, epoch),
            address=address_of(request, guest.portal),
            language=guest.language,
            sid=sid,
            place=target.place,
            options=target.options,
            now_ms=self.clock.now_ms(),
        )


def frame_routes(desk: Desk, clock: Clock) -> list[BaseRoute]:
    """The routes of frames, of links to applications, and of what frames ask for."""
    pages, door = FramePages(desk=desk, clock=clock), FrameDoor(desk=desk, clock=clock)
    return [
        Route("/apps/{app}/", pages.show),
        Route("/marketplace/view/{code}/", pages.link),
        Route("/apps/{app}/frame/{sid}/{command}", door.serve, methods=["POST"]),
    ]


def _opening(target: Target, guest: Guest) -> Opening:
    return Opening(
        app=target.app.id,
        person=guest.me.id,
        place=target.place,
        options=target.options,
        is_installer=target.is_installer,
    )


def _framed(target: Target, handing: Handing) -> Shown:
    """The page: of all other hosts it shows, sends the form to and asks for this application alone."""
    origins = " ".join(sorted({origin_of(url) for url in target.urls()}))
    return Shown(
        template="frame.html",
        values={"handing": handing, "target": target, "live_from": _NEVER},
        policy={
            "frame-src": origins,
            "form-action": f"'self' {origins}",
            "connect-src": f"'self' {handing.origin}",
        },
    )

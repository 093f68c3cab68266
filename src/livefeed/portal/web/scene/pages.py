"""The routes of the scene: its page, its form, two buttons, and the stream that says when to look again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.durable import consumers
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.people.people import Person
from livefeed.portal.portals import PortalRow
from livefeed.portal.web.desk import Desk, Guest, Result, Sorry
from livefeed.portal.web.desk.results import NOT_OUR_FORM
from livefeed.portal.web.desk.showing import everyone
from livefeed.portal.web.scene import views
from livefeed.portal.web.scene.choosing import choose
from livefeed.portal.web.scene.live import Watch
from livefeed.portal.web.scene.stage import Stage
from livefeed.portal.web.scene.views import Backdrop
from livefeed.ui.languages import noted
from livefeed.ui.streams import Streams
from livefeed.wire.ids import PostId, decimal

_LOOK_S: Final = 0.15
_STARTING_S: Final = 30.0
_ARRIVED: Final = "arrived"
_NO_COOKIES: Final = Sorry(
    status=400,
    heading=noted("Your browser keeps no cookies"),
    text=noted("The scene signs you in as one of the seeded people; for this it needs one cookie."),
)


def scene_routes(desk: Desk, stage: Stage, streams: Streams) -> list[BaseRoute]:
    """The routes of the scene; only a demo has them."""
    scene = _Scene(desk, stage)
    return [
        Route("/scene", scene.show),
        Route("/scene/live", Watch(desk, stage, streams), methods=["GET"]),
        Route("/scene/kill", scene.kill, methods=["POST"]),
        Route("/scene/start", scene.start, methods=["POST"]),
        Route("/scene/{post}", scene.save, methods=["POST"]),
    ]


class _Scene:
    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk, self._stage = desk, stage
        self._hurrying: set[asyncio.Task[None]] = set()

    async def show(self, request: Request) -> Response:
        """The page; who has no session is signed in as the first of the seeded people."""
        if not self._desk.is_open_to_all(request):
            home = self._desk.portal(request).public_url
            return Response(status_code=303, headers={"location": f"{home}/scene"})
        me = await self._desk.whose(request)
        if me is None:
            return await self._arrive(request)
        backdrop = await self._backdrop(request, me, decimal(request.query_params.get("post", "")))
        return await self._desk.show(request, partial(_scene, backdrop), section="scene")

    async def save(self, request: Request) -> Response:
        """Save the post."""
        me = await self._desk.whose(request)
        if me is None:
            return self._desk.sorry(request, NOT_OUR_FORM)
        backdrop = await self._backdrop(request, me, decimal(request.path_params["post"]))
        return await self._desk.act(request, partial(_save, backdrop), section="scene")

    async def kill(self, request: Request) -> Response:
        """End the application's process with SIGKILL."""
        return await self._press(request, self._stage.kill)

    async def start(self, request: Request) -> Response:
        """Start it again; once it is ready the portal does not wait for its next try."""

        async def begin() -> None:
            await self._stage.start()
            task = asyncio.create_task(self._hurry(self._desk.portal(request)))
            self._hurrying.add(task)
            task.add_done_callback(self._hurrying.discard)

        return await self._press(request, begin)

    async def _arrive(self, request: Request) -> Response:
        if _ARRIVED in request.query_params:
            return self._desk.sorry(request, _NO_COOKIES)
        portal = self._desk.portal(request)
        first = await self._desk.store.read(lambda tx: everyone(tx, portal.member_id)[0].id)
        return await self._desk.sign_in(request, first, f"/scene?{_ARRIVED}=1")

    async def _backdrop(self, request: Request, me: Person, wanted: int | None) -> Backdrop:
        portal = self._desk.portal(request)
        post = await self._desk.store.read(lambda tx: choose(tx, portal, me, wanted))
        return Backdrop(
            account=await self._stage.account(portal.member_id, PostId(0) if post is None else post.id),
            process=await self._stage.process(),
            app_url=self._stage.app_url,
            keys=self._desk.keys,
        )

    async def _press(self, request: Request, do: Callable[[], Awaitable[None]]) -> Response:
        form = await self._desk.received(request)
        if isinstance(form, Sorry) or await self._desk.whose(request) is None:
            return self._desk.sorry(request, form if isinstance(form, Sorry) else NOT_OUR_FORM)
        await do()
        post = decimal(form.text("post"))
        return Response(status_code=303, headers={"location": f"/scene?post={post}" if post else "/scene"})

    async def _hurry(self, portal: PortalRow) -> None:
        """Deliver at once what waits for a process that was just started."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STARTING_S):
                while (await self._stage.process()).state == "starting":
                    await asyncio.sleep(_LOOK_S)
        await self._desk.store.write(lambda tx: _hurry(tx, portal, self._stage.app_url))


def _scene(backdrop: Backdrop, tx: Tx, guest: Guest) -> Result:
    return views.scene(tx, guest, backdrop)


def _save(backdrop: Backdrop, tx: Tx, guest: Guest) -> Result:
    return views.save(tx, guest, backdrop)


def _hurry(tx: Tx, portal: PortalRow, app_url: str) -> None:
    for handler in handlers.every(tx, portal.member_id):
        if handler.unbound_at is None and handler.url.startswith(f"{app_url}/"):
            consumers.hurry(tx, handler.consumer)

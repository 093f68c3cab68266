"""The portal as one ASGI application: what it is put together from, and how it starts and stops."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from livefeed.clock import Clock, SystemClock
from livefeed.durable.schedule import Schedule
from livefeed.durable.store import Store
from livefeed.durable.watch import metrics, why_not_ready
from livefeed.net.http import HttpClient
from livefeed.portal import portals
from livefeed.portal.admin import Admin
from livefeed.portal.adminapi import AdminApi, admin_routes
from livefeed.portal.apps import methods as app_methods
from livefeed.portal.apps.oauth import TokenEndpoint, oauth_routes
from livefeed.portal.apps.resealing import PLACES
from livefeed.portal.events import methods as event_methods
from livefeed.portal.events.dispatcher import Dispatcher
from livefeed.portal.events.sender import USER_AGENT, Postman
from livefeed.portal.events.verdicts import Policy
from livefeed.portal.feed import methods as feed_methods
from livefeed.portal.frames import methods as frame_methods
from livefeed.portal.http import MAX_BODY_BYTES, RestFirst, rest_routes
from livefeed.portal.im import methods as im_methods
from livefeed.portal.limits.limiter import Limiter
from livefeed.portal.limits.plans import Plan
from livefeed.portal.methods import MethodTable
from livefeed.portal.offline import methods as offline_methods
from livefeed.portal.people import methods as people_methods
from livefeed.portal.portals import ROOMS as ROOMS
from livefeed.portal.portals import Directory
from livefeed.portal.rest import Door
from livefeed.portal.upkeep import keep_up
from livefeed.portal.web.account.consent import consent_routes
from livefeed.portal.web.account.signin import signin_routes
from livefeed.portal.web.desk import Desk
from livefeed.portal.web.desk.answers import ui_routes
from livefeed.portal.web.desk.apologies import Apologies, PlainQueries
from livefeed.portal.web.desk.elsewhere import elsewhere
from livefeed.portal.web.desk.languages import language_routes
from livefeed.portal.web.developer.pages import developer_routes
from livefeed.portal.web.feed.live import live_routes
from livefeed.portal.web.feed.pages import feed_routes
from livefeed.portal.web.frames.pages import frame_routes
from livefeed.portal.web.scene.pages import scene_routes
from livefeed.portal.web.scene.stage import Stage
from livefeed.portal.web.webhooks.pages import webhook_routes
from livefeed.sealing.following import follow_key_file
from livefeed.secrets import KeyRing
from livefeed.settings import PortalRole
from livefeed.ui.streams import Streams

HANDLER_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalOptions:
    """How a portal runs.

    Attributes:
        policy: ``durable`` repeats deliveries for days, ``bitrix24`` tries once.
        allow_private: Whether handlers may live at addresses that are not public.
        admin_token: Bearer token of the administrator API; empty: it is closed.
        is_demo: Whether anybody may sign in as anybody with one click.
        max_body_bytes: Largest REST body.
        concurrency: Deliveries at a time.
        schedule: When failed deliveries are repeated.
        is_dispatching: Whether events are sent; tests send them by hand.
        role: ``web`` answers requests and sends nothing, ``dispatcher`` sends and answers operators only.
        without: Names of REST methods that it does not have.
        limits: How often and how long each caller may call; None: as much as he likes.
    """

    policy: Policy = "durable"
    allow_private: bool = False
    admin_token: str = ""
    is_demo: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    concurrency: int = 128
    schedule: Schedule | None = None
    is_dispatching: bool = True
    role: PortalRole = "all"
    without: frozenset[str] = frozenset()
    limits: Plan | None = None


def method_table(without: Collection[str] = ()) -> MethodTable:
    """Every REST method of a portal, but for those that ``without`` names."""
    rooms = (
        feed_methods,
        people_methods,
        im_methods,
        app_methods,
        event_methods,
        offline_methods,
        frame_methods,
    )
    return MethodTable((method for room in rooms for method in room.METHODS), without=without)


class Portal:
    """All portals of one database, served by one process."""

    def __init__(
        self,
        *,
        store: Store,
        keys: KeyRing,
        clock: Clock,
        options: PortalOptions,
        stage: Stage | None = None,
        postman: Postman | None = None,
    ) -> None:
        """Put the parts together: with a ``stage`` there is a scene, a ``postman`` sends for `http`."""
        self._store = store
        self._keys = keys
        self._clock = clock
        self._options = options
        self._stage = stage
        self.http: Final = HttpClient(
            allow_private=options.allow_private, timeout_s=HANDLER_TIMEOUT_S, user_agent=USER_AGENT
        )
        self.dispatcher: Final = Dispatcher(
            store=store,
            keys=keys,
            clock=clock,
            postman=postman or self.http,
            policy=options.policy,
            schedule=options.schedule,
            concurrency=options.concurrency,
        )
        self.streams: Final = Streams()
        self._apologies: Final = Apologies()
        self.asgi: Final = RestFirst(
            lifespan=self._lifespan,
            middleware=[Middleware(PlainQueries)],
            exception_handlers=self._apologies.handlers(),  # pyright: ignore[reportArgumentType] - narrower keys
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Serve while the block runs: routes are open, events are sent, old rows are dropped."""
        directory = await Directory.load(self._store)
        self.asgi.take(self._routes(directory))
        end = _follow(self._store, directory)
        delivers = self._options.role != "web"
        kept = [keep_up(self._store, self._clock)] if delivers else []
        upkeep = [
            asyncio.create_task(one) for one in (*kept, follow_key_file(self._store, self._keys, PLACES))
        ]
        await self.dispatcher.start(with_worker=delivers and self._options.is_dispatching)
        try:
            yield
        finally:
            end()
            self.streams.close()
            for chore in upkeep:
                chore.cancel()
            await self.dispatcher.stop()
            await self.http.close()

    @asynccontextmanager
    async def _lifespan(self, _asgi: Starlette) -> AsyncGenerator[dict[str, Callable[[], None]]]:
        async with self.running():
            yield {"before_stop": self.streams.close}

    def _routes(self, directory: Directory) -> list[BaseRoute]:
        store, keys, clock, options = self._store, self._keys, self._clock, self._options
        methods = method_table(options.without)
        limiter = None if options.limits is None else Limiter(store, options.limits)
        door = Door(store=store, clock=clock, keys=keys, methods=methods, limiter=limiter)
        admin = Admin(store=store, keys=keys, clock=clock, directory=directory)
        desk = Desk(store=store, keys=keys, directory=directory, is_demo=options.is_demo)
        self._apologies.desk = desk
        for_operators = [
            *admin_routes(AdminApi(admin, options.admin_token)),
            Route("/healthz", _alive),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]
        if options.role == "dispatcher":
            return for_operators
        self.asgi.router.default = elsewhere(desk)
        return [
            *for_operators,
            *rest_routes(door, clock=clock, directory=directory, max_body_bytes=options.max_body_bytes),
            *oauth_routes(TokenEndpoint(store=store, keys=keys, directory=directory)),
            *webhook_routes(desk),
            *developer_routes(desk, clock),
            *language_routes(desk),
            *signin_routes(desk),
            *consent_routes(desk),
            *frame_routes(desk, clock),
            *live_routes(desk, clock, self.streams),
            *ui_routes(),
            *self._scene(desk),
            *feed_routes(desk),
        ]

    def _scene(self, desk: Desk) -> list[BaseRoute]:
        """The scene, which only a demo has."""
        if self._stage is None or not self._options.is_demo:
            return []
        return scene_routes(desk, self._stage, self.streams)

    async def _ready(self, _request: Request) -> Response:
        """Whether a commit succeeded in the last five seconds; if none was asked for, one is made."""
        reason = await why_not_ready(self._store, self._clock)
        if reason is not None:
            return PlainTextResponse(f"not ready: {reason}\n", 503, {"retry-after": "1"})
        return PlainTextResponse("ready\n")

    async def _metrics(self, _request: Request) -> Response:
        page = await metrics(self._store, self._clock)
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")


def build_portal(
    *,
    store: Store,
    keys: KeyRing,
    clock: Clock | None = None,
    policy: Policy = "durable",
    allow_private: bool = False,
    admin_token: str = "",
    is_demo: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Portal:
    """A portal on an open store; `PortalOptions` says what the words mean. The store outlives it."""
    options = PortalOptions(
        policy=policy,
        allow_private=allow_private,
        admin_token=admin_token,
        is_demo=is_demo,
        max_body_bytes=max_body_bytes,
    )
    return Portal(store=store, keys=keys, clock=clock or SystemClock(), options=options)


def _follow(store: Store, directory: Directory) -> Callable[[], None]:
    """Keep ``directory`` as the database is; the result ends it."""
    reads: set[asyncio.Task[None]] = set()

    def refresh() -> None:
        task = asyncio.create_task(directory.refresh(store))
        reads.add(task)
        task.add_done_callback(reads.discard)

    return store.listen(portals.TOPIC, refresh)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("alive\n")

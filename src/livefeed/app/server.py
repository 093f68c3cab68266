"""The application as an ASGI server sees it: its doors, health, metrics, the files of its pages."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from livefeed.app.admin import Admin
from livefeed.app.application import Application
from livefeed.app.console.door import ConsoleDoor
from livefeed.app.doors import operations
from livefeed.app.doors.install import InstallDoor
from livefeed.app.doors.operations import OperationsDoor
from livefeed.app.doors.sending import send_page, send_text
from livefeed.app.exchange import TOO_SLOW, Disconnected, DoorAnswer, Receive, Scope, Send, respond
from livefeed.app.frames.door import FrameDoor
from livefeed.app.ingest import Door
from livefeed.app.installs.openings import Openings
from livefeed.app.mounting import Lifetime, below
from livefeed.app.running import Running, opened
from livefeed.app.signin import door as signin
from livefeed.app.signin.door import SignInDoor
from livefeed.app.signin.states import States
from livefeed.clock import Clock
from livefeed.durable.store import Store
from livefeed.durable.watch import metrics, why_not_ready
from livefeed.durable.watch.processes import present
from livefeed.errors import LivefeedError
from livefeed.secrets import KeyRing
from livefeed.settings import AppRole, AppSettings
from livefeed.telemetry import logger
from livefeed.ui.pages import Page, asset

_LOG: Final = logger("app")
_ASSETS: Final = "/ui/"
_CONSOLE: Final = "/console/"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """What is open while it serves."""

    running: Running
    events: Door
    install: InstallDoor
    operations: OperationsDoor
    frames: FrameDoor
    sign_in: SignInDoor
    console: ConsoleDoor


class AppServer:
    """One running application; it is opened by the server's lifespan, or before by `prepared`.

    Attributes:
        running: None while it is not open.
    """

    def __init__(
        self,
        app: Application,
        *,
        settings: AppSettings | None = None,
        clock: Clock | None = None,
        keys: KeyRing | None = None,
        admin_token: str = "",
        works: bool = True,
        role: AppRole = "all",
        store: Store | None = None,
    ) -> None:
        """Prepare to serve ``app``; see `build_asgi`.

        ``works`` False leaves its worker still; an open ``store`` takes the place of the settings' database.
        """
        self._app = app
        self._works = works
        self._role: AppRole = role
        self._store = store
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._admin_token = admin_token
        self._doors: _Doors | None = None
        self._lifetime = Lifetime(self.open)

    @property
    def running(self) -> Running:
        """What is open while it serves."""
        assert self._doors is not None, "the application is not open"
        return self._doors.running

    @property
    def console(self) -> ConsoleDoor:
        """The console's door, while it serves."""
        assert self._doors is not None, "the application is not open"
        return self._doors.console

    @property
    def events(self) -> Door | None:
        """The ingest door, while it serves; None where this process takes no events."""
        assert self._doors is not None, "the application is not open"
        return None if self._role == "worker" else self._doors.events

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[Running]:
        """Open the application while the block lasts.

        Raises:
            SettingsError: A setting or the key file cannot be used.
            StoreError: The database cannot be used.
        """
        async with opened(
            self._app,
            settings=self._settings,
            clock=self._clock,
            keys=self._keys,
            works=self._works,
            role=self._role,
            store=self._store,
        ) as running:
            admin = Admin(running)
            runtime = running.runtime
            openings = Openings(ladder=running.ladder, clock=runtime.clock)
            frames = FrameDoor(runtime=runtime, pages=running.app.pages, openings=openings)
            self._doors = _Doors(
                running=running,
                events=Door(running.runtime, running.leaving),
                install=InstallDoor(running.ladder),
                operations=OperationsDoor(admin, self._admin_token),
                console=ConsoleDoor(running, admin, running.runtime.settings.console_token.reveal()),
                frames=frames,
                sign_in=SignInDoor(
                    runtime=runtime,
                    openings=openings,
                    frames=frames,
                    states=States(keys=runtime.keys, clock=runtime.clock, store=runtime.store),
                ),
            )
            try:
                yield running
            finally:
                self._doors.console.close()
                self._doors = None

    async def close(self) -> None:
        """Close what its first request has opened, where nobody runs a lifespan; else nothing."""
        await self._lifetime.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        if self._doors is None and not await self._has_begun(scope, send):
            return
        doors = self._doors
        assert doors is not None, "it was open, or was opened just above"
        await self._serve(doors, *below(scope, send), receive)

    async def _has_begun(self, scope: Scope, send: Send) -> bool:
        """Open it with this request, where no lifespan did; if that fails the request is answered."""
        assert not self._lifetime.is_ruled, "the server asks before its lifespan has begun, or after"
        try:
            await self._lifetime.begin()
        except LivefeedError as exc:
            _LOG.error("not_opened", error=str(exc), path=scope["path"])
            await send_text(send, 503, b"the application cannot be opened now\n")
            return False
        return True

    async def _serve(self, doors: _Doors, scope: Scope, send: Send, receive: Receive) -> None:
        match scope["path"]:
            case path if self._role == "worker" and not _is_for_operators(path):
                await send_text(send, 404, b"this process runs handlers; events and pages have their doors\n")
            case path if compare_digest(path.encode("utf-8", "surrogatepass"), doors.events.path):
                await doors.events(scope, receive, send)
            case "/install":
                await doors.install(scope, receive, send)
            case "/frame":
                await _framed(doors.frames, scope, receive, send)
            case path if path.startswith("/frame/"):
                await _framed(doors.frames, scope, receive, send)
            case path if path.startswith(signin.PREFIX):
                await _answered(send, await doors.sign_in.answer(scope))
            case "/healthz":
                await send_text(send, 200, b"alive\n")
            case "/readyz":
                await _ready(doors.running, send)
            case "/metrics":
                await _measured(doors.running, send)
            case path if path.startswith(operations.PREFIX):
                await doors.operations(scope, receive, send)
            case path if f"{path}/".startswith(_CONSOLE):
                await doors.console(scope, receive, send)
            case path if path.startswith(_ASSETS):
                await _asset(send, path.removeprefix(_ASSETS))
            case _:
                await send_text(send, 404, b"there is nothing here\n")

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self._lifetime.is_ruled = True
        async with contextlib.AsyncExitStack() as stack:
            if self._doors is None:
                await stack.enter_async_context(self.open())
            assert self._doors is not None, "it was opened just above"
            # Streams of open pages have no end; a server that knows of this ends them before it waits.
            scope.get("state", {})["before_stop"] = self._doors.console.close
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def build_asgi(
    app: Application,
    *,
    settings: AppSettings | None = None,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    admin_token: str = "",
    role: AppRole = "all",
) -> AppServer:
    """``app`` as an ASGI application that opens its database when its server starts.

    Args:
        app: The application.
        settings: In place of its own.
        clock: Tells the time.
        keys: In place of those of the key file.
        admin_token: Bearer token of ``/admin/api/``; empty: nobody may.
        role: What this process does of it.
    """
    return AppServer(app, settings=settings, clock=clock, keys=keys, admin_token=admin_token, role=role)


@contextlib.asynccontextmanager
async def prepared(
    app: Application,
    *,
    settings: AppSettings | None = None,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    admin_token: str = "",
    role: AppRole = "all",
    url: str = "",
) -> AsyncGenerator[AppServer]:
    """Like `build_asgi`, but open already, so that what is wrong is raised here; ``url`` is where it listens.

    Raises:
        SettingsError: A setting or the key file cannot be used.
        StoreError: The database cannot be used.
    """
    server = build_asgi(app, settings=settings, clock=clock, keys=keys, admin_token=admin_token, role=role)
    async with server.open() as running, present(running.runtime.store, role=role, url=url):
        yield server


def _is_for_operators(path: str) -> bool:
    return path in {"/healthz", "/readyz", "/metrics"} or path.startswith(operations.PREFIX)


async def _ready(running: Running, send: Send) -> None:
    reason = await why_not_ready(running.runtime.store, running.runtime.clock)
    if reason is not None:
        await send_text(send, 503, f"not ready: {reason}\n".encode())
        return
    await send_text(send, 200, b"ready\n")


async def _measured(running: Running, send: Send) -> None:
    page = await metrics(running.runtime.store, running.runtime.clock)
    await send_text(send, 200, page, b"text/plain; version=0.0.4; charset=utf-8")


async def _framed(door: FrameDoor, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        answer = await door.answer(scope, receive)
    except Disconnected:
        return
    await _answered(send, answer, None if answer is TOO_SLOW else receive)


async def _answered(send: Send, answer: Page | DoorAnswer, receive: Receive | None = None) -> None:
    if isinstance(answer, DoorAnswer):
        await respond(send, answer, receive)
    else:
        await send_page(send, answer)


async def _asset(send: Send, name: str) -> None:
    found = asset(name)
    if found is None:
        await send_text(send, 404, b"there is nothing here\n")
    else:
        await send_page(send, found)

"""The application as an ASGI server sees it: two doors, health, metrics, the administrator's operations."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from hmac import compare_digest
from typing import Final, cast

import msgspec

from livefeed.app.admin import Admin, OperationRefused
from livefeed.app.application import App
from livefeed.app.exchange import (
    BUSY,
    INSTALLED,
    TOO_SLOW,
    Disconnected,
    DoorAnswer,
    Patience,
    Receive,
    Scope,
    Send,
    read_request,
    refused,
    respond,
    unreadable,
)
from livefeed.app.inbox import read_event
from livefeed.app.ingest import Door
from livefeed.app.installs.ladder import Installed, Quarantined, Refused
from livefeed.app.running import Running, opened
from livefeed.clock import Clock
from livefeed.errors import AppError, Fault, StoreError, TransportError, WireError
from livefeed.secrets import KeyRing
from livefeed.settings import AppSettings
from livefeed.telemetry import logger, metrics_page

_LOG: Final = logger("app")
_ADMIN: Final = "/admin/api/"
_READY_MS: Final = 5_000
_INSTALLS_AT_ONCE: Final = 4
_ADMIN_BODY_BYTES: Final = 65_536


class AppServer:
    """One running application; it is opened by the server's lifespan, or before by `prepared`.

    Attributes:
        running: None while it is not open.
    """

    def __init__(
        self,
        app: App,
        *,
        settings: AppSettings | None = None,
        clock: Clock | None = None,
        keys: KeyRing | None = None,
        admin_token: str = "",
        works: bool = True,
    ) -> None:
        """Prepare to serve ``app``; see `build_asgi`. ``works`` False leaves its worker still."""
        self._app = app
        self._works = works
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._admin_token = admin_token
        self._patience = Patience()
        self._installing = 0
        self._doors: tuple[Running, Door, Admin] | None = None

    @property
    def running(self) -> Running:
        """What is open while it serves."""
        assert self._doors is not None, "the application is not open"
        return self._doors[0]

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[Running]:
        """Open the application while the block lasts.

        Raises:
            SettingsError: A setting or the key file cannot be used.
            StoreError: The database cannot be used.
        """
        async with opened(
            self._app, settings=self._settings, clock=self._clock, keys=self._keys, works=self._works
        ) as running:
            self._doors = running, Door(running.runtime, running.leaving), Admin(running)
            try:
                yield running
            finally:
                self._doors = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        assert scope["type"] == "http", "there are no websockets here"
        assert self._doors is not None, "the application is not open"
        running, door, admin = self._doors
        match scope["path"]:
            case "/events":
                await door(scope, receive, send)
            case "/install":
                await self._install(running, scope, receive, send)
            case "/healthz":
                await _text(send, 200, b"alive\n")
            case "/readyz":
                await self._ready(running, send)
            case "/metrics":
                await _text(send, 200, metrics_page(), b"text/plain; version=0.0.4; charset=utf-8")
            case path if path.startswith(_ADMIN):
                await self._operate(admin, path.removeprefix(_ADMIN), scope, receive, send)
            case _:
                await _text(send, 404, b"there is nothing here\n")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            if self._doors is None:
                await stack.enter_async_context(self.open())
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _install(self, running: Running, scope: Scope, receive: Receive, send: Send) -> None:
        # The ladder asks the authorization server: strangers must not make us ask it at any rate.
        if self._installing >= _INSTALLS_AT_ONCE:
            await respond(send, BUSY)
            return
        self._installing += 1
        try:
            answer = await _climb(running, self._patience, scope, receive)
        except Disconnected:
            return
        finally:
            self._installing -= 1
        await respond(send, answer, None if answer is TOO_SLOW else receive)

    async def _ready(self, running: Running, send: Send) -> None:
        store, clock = running.runtime.store, running.runtime.clock
        try:
            if clock.now_ms() - store.committed_at_ms > _READY_MS:
                await store.probe()
        except StoreError:
            await _text(send, 503, b"no commit succeeded in the last 5 s\n")
            return
        await _text(send, 200, b"ready\n")

    async def _operate(
        self, admin: Admin, operation: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        status, document = await self._operated(admin, operation, scope, receive)
        await _text(send, status, msgspec.json.encode(document), b"application/json")

    async def _operated(
        self, admin: Admin, operation: str, scope: Scope, receive: Receive
    ) -> tuple[int, Mapping[str, object]]:
        if scope["method"] != "POST":
            return 405, _error("method_not_allowed", "operations are asked for by POST")
        if not self._is_administrator(scope):
            return 401, _error("unauthorized", "the administrator token of this run is in the run file")
        try:
            return 200, await admin.run(operation, await _arguments(receive))
        except (OperationRefused, AppError, WireError) as exc:
            return 400, _error("refused", str(exc))
        except StoreError as exc:
            return 503, _error("unavailable", str(exc))

    def _is_administrator(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        # Without a token nobody is one.
        return bool(self._admin_token) and compare_digest(given, b"Bearer " + self._admin_token.encode())


def build_asgi(
    app: App,
    *,
    settings: AppSettings | None = None,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    admin_token: str = "",
) -> AppServer:
    """``app`` as an ASGI application that opens its database when its server starts.

    Args:
        app: The application.
        settings: In place of its own.
        clock: Tells the time.
        keys: In place of those of the key file.
        admin_token: Bearer token of ``/admin/api/``; empty: nobody may.
    """
    return AppServer(app, settings=settings, clock=clock, keys=keys, admin_token=admin_token)


@contextlib.asynccontextmanager
async def prepared(
    app: App,
    *,
    settings: AppSettings | None = None,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    admin_token: str = "",
) -> AsyncGenerator[AppServer]:
    """Like `build_asgi`, but open already, so that what is wrong is raised here.

    Raises:
        SettingsError: A setting or the key file cannot be used.
        StoreError: The database cannot be used.
    """
    server = build_asgi(app, settings=settings, clock=clock, keys=keys, admin_token=admin_token)
    async with server.open():
        yield server


async def _climb(running: Running, patience: Patience, scope: Scope, receive: Receive) -> DoorAnswer:
    try:
        request = await read_request(scope, receive, patience)
        if isinstance(request, DoorAnswer):
            return request
        verdict = await running.ladder.install(read_event(*request).envelope())
    except WireError as exc:
        return unreadable(exc)
    except (TransportError, Fault, StoreError) as exc:
        _LOG.warning("install_postponed", error=str(exc))
        return DoorAnswer(
            503, "unavailable", "the installation cannot be proved or stored now", retry_after_s=5
        )
    match verdict:
        case Installed():
            return INSTALLED
        case Quarantined():
            return DoorAnswer(409, "quarantined", "an administrator of the application has to confirm it")
        case Refused():
            return refused(DoorAnswer(403, "installation_not_proved"))


async def _arguments(receive: Receive) -> dict[str, object]:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _ADMIN_BODY_BYTES:
            raise OperationRefused("the arguments are too long")
        if not message.get("more_body", False):
            break
    try:
        return cast("dict[str, object]", msgspec.json.decode(bytes(body) or b"{}", type=dict))
    except msgspec.DecodeError as exc:
        raise OperationRefused("the arguments are not a JSON object") from exc


def _error(code: str, description: str) -> dict[str, object]:
    return {"error": code, "error_description": description}


async def _text(
    send: Send, status: int, body: bytes, content_type: bytes = b"text/plain; charset=utf-8"
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

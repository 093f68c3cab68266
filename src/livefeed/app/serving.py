"""Serving: the application that a developer makes, and the ways to run it."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from livefeed.app.application import Application
from livefeed.app.contexts.writes import Brake
from livefeed.app.http import HttpServer
from livefeed.app.mounting import Asgi, Beside
from livefeed.app.running import Running, opened
from livefeed.app.server import AppServer
from livefeed.errors import SettingsError
from livefeed.net.listening import listening
from livefeed.settings import APP_PORT, AppSettings, DatabaseUrl


class App(Application):
    """An application for any number of portals: a router that is served.

    It opens nothing until it is served: by ``livefeed app serve MODULE:APP``, by `serve`, inside another
    application by `asgi`, or without any server by `running`.

    Example:
        >>> app = App.from_settings()
        >>> @app.on(PostUpdated)
        ... async def tell(event: PostUpdated, ctx: Context) -> None: ...
    """

    def __init__(self, settings: AppSettings, *, brake: Brake | None = None) -> None:
        """Make an application.

        Args:
            settings: Serving may override them.
            brake: How often it may write to one post; default: 20 times a minute.
        """
        super().__init__(settings, brake=brake)
        self._server: AppServer | None = None

    @classmethod
    def from_settings(cls, environ: Mapping[str, str] | None = None, **flags: object) -> "App":
        """An application set up by ``LIVEFEED_*`` variables; opens neither file nor connection.

        Raises:
            SettingsError: A value cannot be used.
        """
        return cls(AppSettings.from_environment(environ, **flags))

    def running(self) -> AbstractAsyncContextManager[Running]:
        """Run it without a server while the block lasts.

        Raises:
            SettingsError: Entered, a setting or the key file cannot be used.
            StoreError: Entered, the database cannot be used.
        """
        return opened(self)

    @property
    def asgi(self) -> AppServer:
        """It as an ASGI application, to be served or mounted under any path; always the same one.

        Where the host runs no lifespan for what it mounts, hand `lifespan` to the host. Where nobody runs one
        at all, it starts with its first request and ends with the event loop.

        ``LIVEFEED_PUBLIC_URL`` then ends in that path: ``https://app.example/bitrix``.
        """
        if self._server is None:
            self._server = AppServer(self)
        return self._server

    @contextlib.asynccontextmanager
    async def lifespan(self, host: object = None) -> AsyncGenerator[None]:
        """Run what `asgi` serves for as long as a host runs: ``FastAPI(lifespan=app.lifespan)``.

        Args:
            host: The host, which Starlette and FastAPI hand over; not used.
        """
        del host
        async with self.asgi.open():
            yield

    def beside(self, other: Asgi, *, at: str = "/livefeed") -> Beside:
        """An ASGI application: this one under the path ``at``, ``other`` everywhere else, as with Django.

        It answers the server's lifespan itself and hands none on: for hosts that have none.

        Raises:
            SettingsError: ``at`` is no path.
        """
        return Beside(self.asgi, other, at)


async def serve(*apps: App, host: str = "127.0.0.1", port: int = APP_PORT) -> None:
    """Serve applications in this event loop until SIGINT or SIGTERM, or until cancelled.

    The first listens on ``port``, the next on the port after it, and so on. Each has its own settings,
    database, keys, handlers and state; only logs, and what ``/metrics`` counts, are of the whole process.

    Raises:
        SettingsError: Two of them name one database, or a setting cannot be used.
        StoreError: A database cannot be used.
        OSError: A port is taken.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Elsewhere a loop cannot be told of signals; cancelling it ends it there.
    is_told = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if is_told else ()
    async with serving(*apps, host=host, port=port):
        for number in numbers:
            loop.add_signal_handler(number, stopping.set)
        try:
            await stopping.wait()
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def serving(*apps: App, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[tuple[str, ...]]:
    """Like `serve`, while the block lasts; yields the URL of each. Port 0: each gets a free one.

    Raises:
        SettingsError: Two of them name one database, or a setting cannot be used.
        StoreError: A database cannot be used.
        OSError: A port is taken.
    """
    databases = [DatabaseUrl.parse(app.settings.db).url for app in apps]
    if not apps or len(set(databases)) < len(databases):
        raise SettingsError("serve one application or several, each with a database of its own")
    async with AsyncExitStack() as stack:
        urls: list[str] = []
        for number, app in enumerate(apps):
            listener = stack.enter_context(listening(host, port + number if port else 0))
            server = app.asgi
            await stack.enter_async_context(server.open())
            http = HttpServer(server, server.events)
            await stack.enter_async_context(http.serving(listener, before_stop=server.console.close))
            urls.append(f"http://{host}:{listener.getsockname()[1]}")
        yield tuple(urls)

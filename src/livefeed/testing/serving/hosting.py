"""Hosting: the application of a test, in a thread of its own beside the portal."""

import contextlib
from collections.abc import Awaitable, Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from livefeed.durable.consumers import list_consumers
from livefeed.durable.lanes import list_lanes
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.secrets import Secret
from livefeed.testing.loops import Loop
from livefeed.testing.serving.sites import Site
from livefeed.testing.stand import Stand, Worked

if TYPE_CHECKING:
    from livefeed.app.application import Application
    from livefeed.testing.company import InstalledApp
    from livefeed.testing.desk import Desk


@contextlib.contextmanager
def serving_asgi(app: Any) -> Generator[tuple[str, Callable[[], Awaitable[int]]]]:
    """Serve an ASGI application with its lifespan; yields its URL, and what waits until it is idle."""
    with _looped("the application of the test") as loop:
        site = Site(app, lifespan="auto")
        loop.run(site.open())

        async def finish() -> int:
            await loop.wait(site.idle())
            return 0

        try:
            yield site.url, finish
        finally:
            loop.run(site.close())


@contextlib.contextmanager
def hosted_asgi(app: Any, stand: Stand) -> Generator[str]:
    """Serve an ASGI application with its lifespan; yields its URL.

    What it does after an answer, in background tasks, counts as work that ``deliver`` waits for.
    """
    with serving_asgi(app) as (url, finish):
        worker = Worked(run=finish, next_due=_never)
        stand.workers.append(worker)
        try:
            yield url
        finally:
            stand.workers.remove(worker)


@contextlib.contextmanager
def hosted_app(
    app: "Application", desk: "Desk", folder: Path, scope: str, given: Mapping[str, object]
) -> Generator["InstalledApp"]:
    """Serve and register an application of this framework; its database is in ``folder``."""
    # Applications in other frameworks do without.
    from livefeed.app.rounds.lanes import is_round
    from livefeed.app.server import AppServer

    unknown = sorted(given.keys() - set(app.settings.__struct_fields__))
    if unknown:
        raise SettingsError(f"an application has no setting {unknown[0]!r}")
    stand = desk.stand
    folder.mkdir()
    with _looped("the application of the test") as loop:
        site = Site()
        installed = desk.install(
            install_url=f"{site.url}/install",
            handler_url=f"{site.url}/frame",
            redirect_uri=f"{site.url}/oauth/callback",
            scope=scope,
        )
        own: dict[str, object] = {
            "db": f"sqlite:///{folder / 'app.db'}",
            "key_file": str(folder / "app.key"),
            "portal_url": desk.url,
            "public_url": site.url,
            "client_id": installed.client_id,
            "client_secret": Secret(installed.client_secret),
            "rate_limit": False,  # the bucket drains by a clock that stands still
            "ca_file": "" if stand.options.tls is None else str(stand.options.tls.authority),
        }
        settings = msgspec.structs.replace(app.settings, **{**own, **given})
        server = AppServer(app, settings=settings, clock=stand.clock, works=False)
        opening = server.open()
        running = loop.run(opening.__aenter__())
        site.asgi = server
        loop.run(site.open())

        async def work() -> int:
            return await loop.wait(running.worker.run_due())

        async def due() -> int | None:
            return await loop.wait(running.runtime.store.read(lambda tx: _next_work(tx, is_round)))

        worker = Worked(run=work, next_due=due)
        stand.workers.append(worker)
        try:
            yield installed
        finally:
            stand.workers.remove(worker)
            loop.run(site.close())
            loop.run(opening.__aexit__(None, None, None))


@contextlib.contextmanager
def _looped(name: str) -> Generator[Loop]:
    loop = Loop(name)
    try:
        yield loop
    finally:
        loop.close()


def _next_work(tx: Tx, is_round: Callable[[str], bool]) -> int | None:
    """When there is work again, apart from rounds: there is always a next one."""
    busy = {lane.consumer for lane in list_lanes(tx) if not is_round(lane.key)}
    moments = [one.ready_at_ms for one in list_consumers(tx) if one.id in busy]
    return min((moment for moment in moments if moment is not None), default=None)


async def _never() -> int | None:
    return None

"""A seeded portal on a real database, with a clock that is turned by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from starlette.applications import Starlette
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.portal import portals
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import NewApp
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.feed import methods as feed_methods
from livefeed.portal.http import rest_routes
from livefeed.portal.im import methods as im_methods
from livefeed.portal.methods import MethodTable
from livefeed.portal.people import methods as people_methods
from livefeed.portal.portals import Directory, PortalRow
from livefeed.portal.rest import Door
from livefeed.portal.seed import Seeded, seed_demo
from livefeed.portal.web.desk import Desk
from livefeed.portal.web.desk.answers import ui_routes
from livefeed.portal.web.desk.languages import language_routes
from livefeed.portal.web.feed.pages import feed_routes
from livefeed.secrets import KeyRing
from livefeed.wire.ids import UserId

from .asgi import Response, request

ROOMS = ["livefeed.portal"]
NOW_MS = 1_773_750_554_000
METHODS = (*feed_methods.METHODS, *people_methods.METHODS, *im_methods.METHODS)


@dataclass
class House:
    """Everything a test of the portal needs."""

    store: Store
    clock: ManualClock
    keys: KeyRing
    directory: Directory
    portal: PortalRow
    seeded: Seeded
    app: Starlette

    def webhook(self, user: int, method: str) -> str:
        return f"/rest/{user}/{self.seeded.people[user - 1].webhook_code}/{method}"

    async def token(self, user: int, *, scope: str = "log,user,im", portal: PortalRow | None = None) -> str:
        """An access token of a fresh application in the name of a person."""
        member_id = (portal or self.portal).member_id
        new, credentials = (
            NewApp(name="Test", scope=tuple(scope.split(","))),
            registry.fresh_credentials(self.keys),
        )
        app = await self.store.write(
            lambda tx: registry.add(tx, member_id, new, credentials, installer=UserId(1))
        )
        return codec_of(self.keys).mint("access", app.bearer(UserId(user), 1), self.clock.now_ms())

    async def post(self, url: str, body: bytes = b"", content_type: str = "", **rest: Any) -> Response:
        """Any POST; content types are given in full."""
        headers = {"content-type": content_type} if content_type else {}
        return await request(self.app, "POST", url, body=body, headers=headers, **rest)

    async def get(self, url: str, **rest: Any) -> Response:
        return await request(self.app, "GET", url, **rest)

    async def send(self, user: int, method: str, **params: object) -> Response:
        """Call a method over a person's webhook, with a form."""
        body = "&".join(f"{quote_plus(key)}={quote_plus(str(value))}" for key, value in params.items())
        return await request(
            self.app,
            "POST",
            self.webhook(user, method),
            body=body.encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    async def call(self, user: int, method: str, **params: object) -> Any:
        """The result of a call that works."""
        response = await self.send(user, method, **params)
        assert response.status == 200, response.text
        return response.json()["result"]

    async def fault(self, user: int, method: str, **params: object) -> tuple[int, str, str]:
        """Status, code and description of a call that is refused."""
        response = await self.send(user, method, **params)
        answer = response.json()
        assert set(answer) == {"error", "error_description"}, response.text
        return response.status, answer["error"], answer["error_description"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """On the engine that was chosen; a test may ask for another."""
    engine: str | None = getattr(request, "param", None)
    opened = open_store(engines.database(tmp_path, "portal", ROOMS, engine=engine), ROOMS, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def house(store: Store, clock: ManualClock) -> House:
    return await founded(store, clock)


async def founded(store: Store, clock: ManualClock) -> House:
    """A company in an empty database."""
    keys = KeyRing([bytes(range(32))])
    portal = await store.write(
        lambda tx: portals.create(tx, public_url="http://127.0.0.1:8024", name="Meridian")
    )
    seeded = await store.write(lambda tx: seed_demo(tx, portal=portal, keys=keys))
    directory = await Directory.load(store)
    door = Door(store=store, clock=clock, keys=keys, methods=MethodTable(METHODS))
    desk = Desk(store=store, keys=keys, directory=directory, is_demo=True)
    pages = [*feed_routes(desk), *language_routes(desk), *ui_routes()]
    routes = [*rest_routes(door, clock=clock, directory=directory), *pages]
    return House(
        store=store,
        clock=clock,
        keys=keys,
        directory=directory,
        portal=portal,
        seeded=seeded,
        app=Starlette(routes=routes),
    )

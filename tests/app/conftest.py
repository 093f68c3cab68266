"""An application behind real HTTP on a real database, a small portal, and a clock that is turned by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests import engines
from tests.client.fake_portal import CLIENT_ID, CLIENT_SECRET, FakePortal
from tests.client.serving import serving

from livefeed.app import App
from livefeed.app.inbox import InboxRow, list_inbox
from livefeed.app.running import Running
from livefeed.app.runtime import ROOMS
from livefeed.app.server import AppServer
from livefeed.clock import ManualClock
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.secrets import Secret
from livefeed.settings import AppSettings

from .bodies import event_body, install_body, uninstall_body

ADMIN = "administrator-of-this-run"
CONSOLE = "opens-the-console-of-this-run"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def portal() -> AsyncIterator[FakePortal]:
    fake = FakePortal()
    async with serving(fake) as fake.url:
        yield fake


@pytest.fixture
def settings(tmp_path: Path, portal: FakePortal) -> AppSettings:
    return AppSettings(
        db=engines.database(tmp_path, "app", ROOMS),
        key_file=engines.key_file(tmp_path, "app"),
        portal_url=portal.url,
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_SECRET),
        public_url="https://app.example",
        rate_limit=False,
        console_token=Secret(CONSOLE),
    )


@dataclass
class House:
    """A served application and what a test does with it."""

    url: str
    server: AppServer
    http: HttpClient
    portal: FakePortal
    clock: ManualClock

    @property
    def running(self) -> Running:
        return self.server.running

    async def post(self, path: str, body: bytes, **headers: str) -> HttpAnswer:
        given = {"content-type": "application/x-www-form-urlencoded"}
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await self.http.send("POST", f"{self.url}{path}", body=body, headers=given)

    async def event(self, **values: Any) -> HttpAnswer:
        return await self.post("/events", event_body(**values))

    async def install(self, **values: Any) -> HttpAnswer:
        """A genuine install callback, with a pair the portal has just issued."""
        access, refresh = self.portal.issue(1)
        given = {"access_token": access, "refresh_token": refresh, **values}
        return await self.post("/install", install_body(**given))

    async def uninstall(self, **values: Any) -> HttpAnswer:
        return await self.post("/events", uninstall_body(**values))

    async def work(self) -> int:
        return await self.running.worker.run_due()

    async def inbox(self, **filters: Any) -> list[InboxRow]:
        """Oldest first."""
        return (await self.running.runtime.store.read(lambda tx: list_inbox(tx, **filters)))[::-1]

    async def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        return await self.running.runtime.store.read(
            lambda tx: [dict(row) for row in tx.execute(sql, params)]
        )

    async def operate(self, operation: str, **arguments: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.http.send(
            "POST",
            f"{self.url}/admin/api/{operation}",
            body=msgspec.json.encode(arguments),
            headers={"authorization": f"Bearer {ADMIN}"},
        )
        return answer.status, msgspec.json.decode(answer.body)


Opening = Callable[..., Awaitable[House]]


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(allow_private=True) as client:
        yield client


@pytest.fixture
async def serve(
    settings: AppSettings, clock: ManualClock, portal: FakePortal, http: HttpClient
) -> AsyncIterator[Opening]:
    """Serves an application; called again with the same settings after `close`, it starts again."""
    async with AsyncExitStack() as stack:

        async def start(app: App | None = None, *, works: bool = False, **changed: Any) -> House:
            given = msgspec.structs.replace(settings, **changed)
            server = AppServer(app or App(given), settings=given, clock=clock, admin_token=ADMIN, works=works)
            url = await stack.enter_async_context(serving(server, lifespan="on"))
            return House(url, server, http, portal, clock)

        yield start


@pytest.fixture
async def house(serve: Opening) -> House:
    """An application without handlers, installed on the portal."""
    opened = await serve()
    assert (await opened.install()).status == 200
    return opened

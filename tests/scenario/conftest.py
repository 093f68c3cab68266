from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests import engines
from tests.client.serving import serving

from livefeed.app.runtime import ROOMS as APP_ROOMS
from livefeed.app.server import AppServer, prepared
from livefeed.clock import Clock, ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.net.http import HttpClient
from livefeed.notifier.application import build
from livefeed.portal import portals
from livefeed.portal.admin import Admin
from livefeed.portal.events.verdicts import Policy
from livefeed.portal.limits.plans import Plan
from livefeed.portal.portals import Directory
from livefeed.portal.seed import Seeded, seed_demo
from livefeed.portal.server import ROOMS, Portal, PortalOptions
from livefeed.secrets import KeyRing, Secret
from livefeed.settings import AppSettings
from livefeed.wire.form import encode
from livefeed.wire.ids import MemberId

QUIET_S = 60.0
NOTIFIER = [*APP_ROOMS, "livefeed.notifier"]
CONSOLE = "opens-the-console-of-this-run"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Later:
    """An ASGI application at an address that is known before the application is."""

    app: Any = None

    def clock_of(self, clock: ManualClock) -> Clock:
        """The clock by which the application tells how long it took."""
        return clock

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@dataclass
class Town:
    """A seeded portal and the notifier, each behind real HTTP, on one clock."""

    url: str
    portal: Portal
    store: Store
    admin: Admin
    seeded: Seeded
    notifier: AppServer
    clock: ManualClock
    http: HttpClient
    keys: KeyRing
    door_url: str
    client_id: str
    door: Later
    member: MemberId

    async def call(self, user: int, method: str, **params: Any) -> Any:
        """Call ``method`` over the webhook of a person."""
        code = self.seeded.people[user - 1].webhook_code
        headers = {"content-type": "application/x-www-form-urlencoded"}
        url = f"{self.url}/rest/{user}/{code}/{method}"
        answer = await self.http.send("POST", url, body=encode(params), headers=headers)
        wire = msgspec.json.decode(answer.body)
        assert "error" not in wire, wire
        return wire["result"]

    async def deliver(self) -> None:
        """Send what the portal has to send."""
        await self.portal.dispatcher.run_due()

    async def settle(self, seconds: float = QUIET_S) -> None:
        """Deliver, let the quiet time pass, and let the notifier work."""
        await self.deliver()
        await self.notifier.running.worker.run_due()
        self.clock.advance(seconds)
        await self.notifier.running.worker.run_due()

    async def bell(self, user: int) -> list[str]:
        """What ``user``'s bell shows."""
        return [row["text"] for row in (await self.call(user, "im.notify.get"))["notifications"]]


@pytest.fixture
async def town(tmp_path: Path, engine: str) -> AsyncIterator[Town]:
    async with open_town(tmp_path, engine) as town:
        yield town


@asynccontextmanager
async def open_town(
    tmp_path: Path,
    engine: str,
    *,
    policy: Policy = "durable",
    limits: Plan | None = None,
    counter: "Later | None" = None,
    door: "Later | None" = None,
    **more: Any,
) -> AsyncIterator[Town]:
    """A portal of this policy behind ``counter``, the notifier behind ``door``, with ``more`` settings."""
    clock, keys = ManualClock(1_773_750_554_000), KeyRing([b"k" * 32])
    async with AsyncExitStack() as stack:
        store = open_store(engines.database(tmp_path, "portal", ROOMS, engine=engine), ROOMS, clock)
        stack.push_async_callback(store.close)
        options = PortalOptions(allow_private=True, policy=policy, limits=limits)
        counter = counter or Later()
        portal = Portal(store=store, keys=keys, clock=counter.clock_of(clock), options=options)
        counter.app = portal.asgi
        url = await stack.enter_async_context(serving(counter))
        row = await store.write(lambda tx: portals.create(tx, public_url=url, name="Town", is_default=True))
        seeded = await store.write(lambda tx: seed_demo(tx, portal=row, keys=keys))
        await stack.enter_async_context(portal.running())
        await portal.dispatcher.worker.stop()  # what is sent, and when, is up to the test
        admin = Admin(store=store, keys=keys, clock=clock, directory=await Directory.load(store))
        door = door or Later()
        door_url = await stack.enter_async_context(serving(door))
        added = await admin.run(
            "app_add",
            {
                "name": "Notifier",
                "install_url": f"{door_url}/install",
                "handler_url": f"{door_url}/frame",
                "redirect_uri": f"{door_url}/oauth/callback",
                "scope": "log,user,im,placement",
            },
        )
        settings = AppSettings(
            db=engines.database(tmp_path, "notifier", NOTIFIER, engine=engine),
            key_file=engines.key_file(tmp_path, "notifier"),
            portal_url=url,
            public_url=door_url,
            client_id=str(added["client_id"]),
            client_secret=Secret(str(added["client_secret"])),
            quiet_s=QUIET_S,
            rate_limit=limits is not None,
            console_token=Secret(CONSOLE),
            **more,
        )
        door.app = await stack.enter_async_context(prepared(build(settings), settings=settings, clock=clock))
        await door.app.running.worker.stop()
        http = HttpClient(allow_private=True, max_answer_bytes=1 << 22)
        stack.push_async_callback(http.close)
        town = Town(
            url=url,
            portal=portal,
            store=store,
            admin=admin,
            seeded=seeded,
            notifier=door.app,
            clock=clock,
            http=http,
            keys=keys,
            door_url=door_url,
            client_id=str(added["client_id"]),
            door=door,
            member=row.member_id,
        )
        if limits is None:
            await town.settle()
        yield town

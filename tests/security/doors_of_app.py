"""An application that two portals have installed, in one process; both ask the same authorization server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests import engines
from tests.app.bodies import event_body, install_body
from tests.client.fake_portal import CLIENT_ID, CLIENT_SECRET, FakePortal
from tests.client.serving import serving
from tests.portal.asgi import Response, request

from livefeed.app import App, PageContext
from livefeed.app.runtime import ROOMS
from livefeed.app.server import AppServer, prepared
from livefeed.clock import ManualClock
from livefeed.secrets import Secret
from livefeed.settings import AppSettings
from livefeed.wire.frames import FrameRequest, frame_fields

CONSOLE = "opens-the-console-of-this-run"
ADMIN = "administrator-of-this-run"
FORM = "application/x-www-form-urlencoded"
HOST = "app.example"
QUERY = urlencode({"DOMAIN": "x.bitrix24.com", "PROTOCOL": "1", "LANG": "en", "APP_SID": "s" * 32})


@dataclass
class TwoPortals(FakePortal):
    """Each token belongs to the portal it was issued for."""

    whose: dict[str, str] = field(default_factory=dict)

    def issue_at(self, member: str, user: int = 1) -> tuple[str, str]:
        access, refresh = self.issue(user)
        self.whose |= {access: member, refresh: member}
        return access, refresh

    def code_at(self, member: str, user: int = 1) -> str:
        code = f"code{len(self.whose):028d}"
        self.codes[code] = user
        self.whose[code] = member
        return code

    async def token(self, params: dict[str, str]) -> dict[str, Any]:
        self.member_id = self.whose.get(params.get("code", "") or params.get("refresh_token", ""), "f" * 32)
        answer = await super().token(params)
        self.whose |= dict.fromkeys((answer["access_token"], answer["refresh_token"]), self.member_id)
        return answer

    def answer(self, name: str, params: dict[str, str]) -> dict[str, Any]:
        self.member_id = self.whose.get(params.get("auth", ""), "f" * 32)
        return super().answer(name, params)


@dataclass
class Tenant:
    """One portal that has the application."""

    member: str
    application_token: str

    def event(self, **given: Any) -> bytes:
        return event_body(**{"member_id": self.member, "application_token": self.application_token, **given})


@dataclass
class AppStand:
    server: AppServer
    portal: TwoPortals
    clock: ManualClock
    first: Tenant
    second: Tenant
    cookie: str = ""

    async def ask(self, method: str, url: str, **rest: Any) -> Response:
        headers = {"cookie": self.cookie} if self.cookie else {}
        rest["headers"] = {**headers, **(rest.get("headers") or {})}
        return await request(self.server, method, url, host=HOST, **rest)

    async def send(self, url: str, body: bytes = b"", **headers: str) -> Response:
        return await self.ask("POST", url, body=body, headers={"content-type": FORM, **headers})

    async def install(self, tenant: Tenant, **given: Any) -> Response:
        access, refresh = self.portal.issue_at(tenant.member)
        values = {
            "member_id": tenant.member,
            "application_token": tenant.application_token,
            "access_token": access,
            "refresh_token": refresh,
            **given,
        }
        return await self.send("/install", install_body(**values))

    async def open_frame(self, tenant: Tenant, *, user: int = 7, **fields: str) -> Response:
        access, refresh = self.portal.issue_at(tenant.member, user)
        frame = FrameRequest(
            access_token=access,
            refresh_token=refresh,
            member_id=tenant.member,
            application_token=tenant.application_token,
        )
        return await self.send(f"/frame?{QUERY}", urlencode({**frame_fields(frame), **fields}).encode())

    async def enter_console(self) -> None:
        answer = await self.ask("GET", f"/console/?token={CONSOLE}")
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        store = self.server.running.runtime.store
        return await store.read(lambda tx: [tuple(row) for row in tx.execute(sql)])

    async def dump(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        chosen = tables or ("install", "quarantine", "token", "entry", "consumer")
        return {table: await self.rows(f"SELECT * FROM {table}") for table in chosen}


def paged() -> App:
    app = App.from_settings({})

    @app.page()
    async def own(page: PageContext) -> str:
        me = (await page.client.call("user.current")).result
        link = page.url("more")
        return f"<p>user {page.user_id} is {me['ID']} of {page.portal}</p><a href='{link}'>more</a>"

    @app.page(path="more")
    async def more(page: PageContext) -> str:
        return f"<p>{page.user_id} of {page.portal} again</p>"

    return app


@asynccontextmanager
async def open_application(folder: Path) -> AsyncIterator[AppStand]:
    """Serve it, installed on both."""
    clock, portal = ManualClock(), TwoPortals()
    async with serving(portal) as portal.url:
        settings = AppSettings(
            db=engines.database(folder, "app", ROOMS),
            key_file=engines.key_file(folder, "app"),
            portal_url=portal.url,
            client_id=CLIENT_ID,
            client_secret=Secret(CLIENT_SECRET),
            public_url=f"https://{HOST}",
            rate_limit=False,
            console_token=Secret(CONSOLE),
            many_portals=True,
        )
        async with prepared(paged(), settings=settings, clock=clock, admin_token=ADMIN) as server:
            await server.running.worker.stop()
            tenants = (
                Tenant("a" * 32, "first-application-token"),
                Tenant("b" * 32, "second-application-token"),
            )
            stand = AppStand(server, portal, clock, *tenants)
            for tenant in tenants:
                answer = await stand.install(tenant)
                assert answer.status == 200, answer.text
            yield stand

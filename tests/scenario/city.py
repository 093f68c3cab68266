"""Two companies in one server, each with its own address, behind real HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests import engines
from tests.client.serving import serving

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.portal import portals
from livefeed.portal.portals import PortalRow
from livefeed.portal.seed import Seeded, seed_demo
from livefeed.portal.server import ROOMS, Portal, build_portal
from livefeed.secrets import KeyRing

ADMIN = "administrator-of-this-run"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass
class Company:
    """One portal of the server, called at its own address."""

    city: "City"
    row: PortalRow
    seeded: Seeded

    @property
    def member(self) -> str:
        return self.row.member_id

    def webhook(self, user: int = 1) -> str:
        return f"/rest/{user}/{self.seeded.people[user - 1].webhook_code}/"

    async def send(self, path: str, body: bytes = b"", kind: str = FORM, method: str = "POST") -> HttpAnswer:
        """Any request to this company's address."""
        headers = {"content-type": kind, "host": self.row.host}
        return await self.city.http.send(method, self.city.url + path, body=body, headers=headers)

    async def call(self, method: str, user: int = 1, **params: Any) -> Any:
        """The result of a call over a person's webhook."""
        return result_in(await self.send(self.webhook(user) + method, json.dumps(params).encode(), JSON))

    async def token_call(self, token: str, method: str, **params: Any) -> HttpAnswer:
        """A call with an access token."""
        return await self.send(f"/rest/{method}", json.dumps({**params, "auth": token}).encode(), JSON)

    async def exchange(self, client_id: str, client_secret: str, refresh_token: str) -> HttpAnswer:
        """Ask the token endpoint for the next pair."""
        asked = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        }
        return await self.send("/oauth/token/", urlencode(asked).encode())

    async def operate(self, operation: str, **arguments: Any) -> tuple[int, dict[str, Any]]:
        """An administrator's operation on this company, as ``--portal`` names it."""
        return await self.city.operate(operation, portal=self.member, **arguments)


@dataclass
class City:
    """The server; ``first`` is its default company."""

    url: str
    portal: Portal
    store: Store
    clock: ManualClock
    http: HttpClient
    companies: list[Company]

    @property
    def first(self) -> Company:
        return self.companies[0]

    @property
    def second(self) -> Company:
        return self.companies[1]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    async def operate(self, operation: str, **arguments: Any) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {ADMIN}", "content-type": JSON}
        url = f"{self.url}/admin/api/{operation}"
        answer = await self.http.send("POST", url, body=json.dumps(arguments).encode(), headers=headers)
        return answer.status, json.loads(answer.body)


def result_in(answer: HttpAnswer) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["result"]


def fault_in(answer: HttpAnswer) -> tuple[int, str]:
    """Status and code of a refusal, which has the documented form and nothing else."""
    wire = json.loads(answer.body)
    assert set(wire) == {"error", "error_description"}, answer.body
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.status, wire["error"]


@asynccontextmanager
async def open_city(folder: Path, engine: str) -> AsyncIterator[City]:
    """Found two seeded companies and serve them until the block ends."""
    clock, keys = ManualClock(1_773_750_554_000), KeyRing([b"k" * 32])
    async with AsyncExitStack() as stack:
        store = open_store(engines.database(folder, "portal", ROOMS, engine=engine), ROOMS, clock)
        stack.push_async_callback(store.close)
        portal = build_portal(store=store, keys=keys, clock=clock, allow_private=True, admin_token=ADMIN)
        url = await stack.enter_async_context(serving(portal.asgi))
        http = HttpClient(allow_private=True, max_answer_bytes=1 << 22)
        stack.push_async_callback(http.close)
        city = City(url=url, portal=portal, store=store, clock=clock, http=http, companies=[])
        for public_url, name in ((url, "First"), ("http://second.example", "Second")):
            row = await store.write(
                lambda tx, url=public_url, name=name: portals.create(tx, public_url=url, name=name)
            )
            seeded = await store.write(lambda tx, row=row: seed_demo(tx, portal=row, keys=keys))
            city.companies.append(Company(city, row, seeded))
        await stack.enter_async_context(portal.running())
        await portal.dispatcher.worker.stop()
        yield city

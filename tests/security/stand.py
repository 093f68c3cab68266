"""Companies that have one of everything: an application in a frame, handlers, webhooks, posts, deliveries."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests import engines
from tests.portal.asgi import Response, request
from tests.portal.browser import Browser
from tests.portal.site import Site
from tests.portal.web.scene.conftest import PlayedStage

from livefeed.durable.store import Store, Tx
from livefeed.portal.people import sessions
from livefeed.portal.portals import PortalRow
from livefeed.portal.seed import Seeded
from livefeed.portal.web.desk import session
from livefeed.wire.ids import UserId

ADMIN_TOKEN = "token-of-this-run"
CALLBACK = "https://app.example/cb"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass
class Company:
    """One portal of the server, asked at its own address.

    ``things`` are numbers and names in addresses; ``secrets`` what proves somebody, by what it is called.
    """

    site: Site
    row: PortalRow
    seeded: Seeded
    mark: str
    things: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def asgi(self) -> Any:
        return self.site.server.asgi

    def cookie(self, value: str, kind: str = session.SESSION_COOKIE) -> str:
        """The heading of a request with one cookie, which is called after the port of the company."""
        _, colon, port = self.row.host.rpartition(":")
        return f"{kind}_{port}={value}" if colon else f"{kind}={value}"

    def browser(self, **options: Any) -> Browser:
        return Browser(self.asgi, host=self.row.host, **options)

    async def entered(self, person: int = 1, **options: Any) -> Browser:
        """A browser in which ``person`` is signed in."""
        browser, visit, house = self.browser(**options), session.fresh_session(), self.site.house
        code = visit.hash(house.keys)
        assert await house.store.write(
            lambda tx: sessions.begin(tx, self.row.member_id, UserId(person), code)
        )
        browser.cookies[session.SESSION_COOKIE] = visit.code
        return browser

    async def ask(self, method: str, url: str, **rest: Any) -> Response:
        return await request(self.asgi, method, url, host=self.row.host, **rest)

    async def call(self, token: str, method: str, **params: Any) -> Response:
        body = json.dumps({**params, "auth": token}).encode()
        return await self.ask("POST", f"/rest/{method}", body=body, headers={"content-type": JSON})

    async def result(self, token: str, method: str, **params: Any) -> Any:
        answer = await self.call(token, method, **params)
        assert answer.status == 200, answer.text
        return answer.json()["result"]

    async def operate(self, operation: str, **arguments: Any) -> Response:
        """An administrator's operation on this company."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}", "content-type": JSON}
        body = json.dumps({"portal": self.row.member_id, **arguments}).encode()
        return await self.ask("POST", f"/admin/api/{operation}", body=body, headers=headers)

    async def operated(self, operation: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.operate(operation, **arguments)
        assert answer.status == 200, answer.text
        return answer.json()

    async def exchange(self, **fields: str) -> Response:
        return await self.ask(
            "POST", "/oauth/token/", body=urlencode(fields).encode(), headers={"content-type": FORM}
        )


@dataclass
class Stand:
    site: Site
    stage: PlayedStage
    first: Company
    second: Company

    @property
    def store(self) -> Store:
        return self.site.house.store

    async def dump(self, *without: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the database, by table; that somebody has failed to sign in is always counted."""
        without = (*without, "throttle")

        def unit(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
            tables = engines.tables(tx)
            return {
                table: sorted((tuple(row) for row in tx.execute(f'SELECT * FROM "{table}"')), key=repr)
                for table in tables
                if table not in without
            }

        return await self.store.read(unit)


async def furnish(company: Company) -> None:
    """Give the company one of everything, with its mark in every text."""
    site, mark = company.site, company.mark
    await _application(company)
    token = company.secrets["access_token"]
    for number in range(_more(company)):
        post = await company.result(
            token,
            "log.blogpost.add",
            POST_TITLE=f"{mark} {number}",
            POST_MESSAGE=f"{mark} text",
            DEST=["UA"],
            FILES=[[f"{mark}.txt", base64.b64encode(mark.encode()).decode()]],
        )
    company.things["post"] = str(post)
    company.things["comment"] = str(
        await company.result(token, "log.blogcomment.add", POST_ID=post, TEXT=f"{mark} comment")
    )
    (row,) = await company.result(token, "log.blogpost.get", POST_ID=post)
    company.things["file"] = str(row["FILES"][0])
    await company.result(token, "im.notify.personal.add", USER_ID=2, MESSAGE=f"{mark} notice")
    await _webhooks(company)
    await company.operated("edit_post", post=post, text=f"{mark} edited")
    await site.server.dispatcher.run_due()
    await site.house.store.write(lambda tx: None)  # attempts are written beside the settle
    await _opened(company)


async def _application(company: Company) -> None:
    receiver, mark = company.site.receiver.url, company.mark
    app = await company.operated(
        "app_add",
        name=f"{mark} app",
        handler_url=f"{receiver}/frame",
        redirect_uri=CALLBACK,
        scope="log,user,im,placement,department,sonet_group",
        interface=True,
    )
    await company.operated("app_finish", client_id=app["client_id"])
    frame = await company.operated("app_open", client_id=app["client_id"], user=1)
    company.things["client_id"] = company.things["code"] = app["client_id"]
    company.secrets |= {name: app[name] for name in ("client_secret", "application_token", "signing_secret")}
    company.secrets |= {"access_token": frame["AUTH_ID"], "refresh_token": frame["REFRESH_ID"]}
    token = frame["AUTH_ID"]
    await company.result(token, "event.bind", event="OnLiveFeedPostUpdate", handler=f"{receiver}/h/{mark}")
    await company.result(
        token, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=f"{receiver}/menu", TITLE=f"{mark} menu"
    )
    for table, name in (("app", "app"), ("handler", "handler"), ("placement", "placement")):
        company.things[name] = str(await _newest(company, f"SELECT max(id) FROM {table}"))
    company.things["consumer"] = str(
        await _newest(company, f"SELECT consumer FROM handler WHERE id = {company.things['handler']}")
    )


async def _webhooks(company: Company) -> None:
    for _ in range(_more(company)):
        made = await company.operated("webhook_add", user=1, scope="log,user,im", name=f"{company.mark} in")
    out = await company.operated(
        "outgoing_add",
        user=1,
        url=f"{company.site.receiver.url}/out/{company.mark}",
        events=["ONLIVEFEEDPOSTUPDATE"],
        name=f"{company.mark} out",
    )
    company.things |= {"webhook": str(made["id"]), "outgoing": str(out["id"])}
    company.secrets |= {
        "webhook_code": made["url"].rstrip("/").rpartition("/")[2],
        "outgoing_token": out["application_token"],
        "outgoing_signing_secret": out["signing_secret"],
    }


async def _opened(company: Company) -> None:
    """A delivery, an open frame, a code, and a session with its form token."""
    things = company.things
    things["seq"] = str(
        await _newest(company, f"SELECT max(seq) FROM attempt WHERE consumer = {things['consumer']}")
    )
    browser = await company.entered()
    page = (await browser.get(f"/apps/{things['app']}/")).text
    things["sid"] = re.findall(r'data-sid="(\w+)"', page)[0]
    company.secrets["sid"] = things["sid"]
    company.secrets["session"] = browser.cookies[session.SESSION_COOKIE]
    company.secrets["form_token"] = await browser.token()
    address = f"/oauth/authorize/?{urlencode({'client_id': things['client_id'], 'state': 's'})}"
    answer = await browser.submit(address, seen_at=address, answer="allow")
    company.secrets["code"] = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]


def _more(company: Company) -> int:
    """What is numbered in each company by itself has other numbers in the second one."""
    return 1 if company.mark.startswith("A") else 4


async def _newest(company: Company, sql: str) -> int:
    return await company.site.house.store.read(lambda tx: tx.execute(sql).fetchone()[0])


def filled(path: str, things: Mapping[str, str]) -> str:
    """An address for a route: each of its parameters replaced by a thing that is there."""
    chosen = {**things, "webhook": things["outgoing"]} if "outgoing" in path else things
    given = {"change": "rotate", "command": "getInitData", "operation": "app_add", "name": "livefeed.css"}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: {**chosen, **given}[found[1]], path)

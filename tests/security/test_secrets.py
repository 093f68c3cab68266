"""A full run of both halves; then every secret of it is looked for: logs, pages, metrics, database files."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import structlog
from structlog.testing import capture_logs
from tests.engines import on_a_file
from tests.portal.asgi import request
from tests.portal.browser import Browser
from tests.portal.site import Receiver, receiving
from tests.scenario.conftest import CONSOLE, Town, anyio_backend, town

from livefeed.app.inbox import list_inbox, open_entry
from livefeed.durable.store import Tx
from livefeed.telemetry import configure_logs

from .doors import pages
from .spelling import spellings
from .stand import filled

__all__ = ["anyio_backend", "town"]

PASSWORD, WRONG = "a-password-for-zoe-9Q", "a-mistyped-password-7X"
MARK = "Zanzibar"
CALLBACK = "https://other.example/cb"


class Run:
    """One run; ``secrets`` grows as they are given out."""

    def __init__(self, town: Town, receiver: Receiver) -> None:
        self.town = town
        self.receiver = receiver
        self.secrets: dict[str, str] = {
            "password": PASSWORD,
            "mistyped password": WRONG,
            "console token": CONSOLE,
        }
        self.things: dict[str, str] = {}
        self.host = urlsplit(town.url).netloc
        self.browser = Browser(town.portal.asgi, host=self.host)

    async def people(self) -> None:
        await self.town.admin.run("user_add", {"login": "zoe", "password": PASSWORD, "admin": True})
        made = await self.town.admin.run("user_password", {"user": "james"})
        self.secrets["another password"] = str(made["password"])
        for password in (WRONG, PASSWORD):
            await self.browser.submit("/login", seen_at="/login", login="zoe", password=password)
        self.secrets["session"] = self.browser.cookies["livefeed_session"]

    async def webhooks(self) -> None:
        made = await self.town.admin.run("webhook_add", {"user": 1, "scope": "log,user"})
        self.secrets["code of a webhook"] = str(made["url"]).rstrip("/").rpartition("/")[2]
        for answer, path in ((200, "good"), (500, "bad")):
            self.receiver.will(f"/{path}", answer)
            out = await self.town.admin.run(
                "outgoing_add",
                {"user": 1, "url": f"{self.receiver.url}/{path}", "events": ["ONLIVEFEEDPOSTUPDATE"]},
            )
            self.secrets |= {
                f"{path} {name}": str(out[name]) for name in ("application_token", "signing_secret")
            }
            self.things |= {"webhook": str(made["id"]), "outgoing": str(out["id"])}

    async def application(self) -> None:
        given = {"name": "Other", "redirect_uri": CALLBACK, "handler_url": f"{self.receiver.url}/frame"}
        app = await self.town.admin.run("app_add", {**given, "scope": "log,user", "interface": True})
        await self.town.admin.run("app_finish", {"client_id": app["client_id"]})
        names = ("client_secret", "application_token", "signing_secret")
        self.secrets |= {f"other's {name}": str(app[name]) for name in names}
        rotated = await self.town.admin.run("app_rotate", {"client_id": app["client_id"]})
        self.secrets["rotated client_secret"] = str(rotated["client_secret"])
        self.things |= {"client_id": str(app["client_id"]), "code": str(app["client_id"])}
        await self._consent(str(rotated["client_secret"]))
        settings = self.town.notifier.running.app.settings
        self.secrets["notifier's client_secret"] = settings.client_secret.reveal()

    async def _consent(self, client_secret: str) -> None:
        url = f"/oauth/authorize/?{urlencode({'client_id': self.things['client_id'], 'state': 's'})}"
        answer = await self.browser.submit(url, seen_at=url, answer="allow")
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        given = {"grant_type": "authorization_code", "client_id": self.things["client_id"], "code": code}
        pair = (await self.browser.send("/oauth/token/", **{**given, "client_secret": client_secret})).json()
        self.secrets |= {"code": code, "access": pair["access_token"], "refresh": pair["refresh_token"]}
        given = {**given, "grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
        pair = (await self.browser.send("/oauth/token/", **{**given, "client_secret": client_secret})).json()
        self.secrets |= {"next access": pair["access_token"], "next refresh": pair["refresh_token"]}
        headers = {"authorization": f"Bearer {pair['access_token']}"}
        await request(self.town.portal.asgi, "GET", "/rest/log.blogpost.get", headers=headers, host=self.host)
        await self.browser.get(f"/rest/user.current?auth={pair['access_token']}")
        exchange = {"grant_type": "authorization_code", "code": code, "client_secret": client_secret}
        spent = await self.browser.send("/oauth/token/", **{**given, **exchange})
        assert spent.status == 400
        await self.browser.get(f"/rest/1/{self.secrets['code of a webhook']}/log.vanish")

    async def edits(self) -> None:
        """Deliveries that are taken and that fail, notices, and an archive."""
        post = await self.town.call(2, "log.blogpost.add", POST_TITLE=MARK, POST_MESSAGE="1", DEST=["UA"])
        await self.town.settle()
        for number in range(2, 4):
            await self.town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE=f"{MARK} {number}")
            await self.town.settle()
        self.things["post"] = str(post)
        for got in self.receiver.got:
            kept = {name: one for name, one in got.auth.items() if "token" in name}
            self.secrets |= {f"{name} of an event at {got.path}": one for name, one in kept.items()}
            self.secrets[f"signature at {got.path}"] = got.headers["webhook-signature"]
        assert {"/good", "/bad"} <= {got.path for got in self.receiver.got}

    async def frames(self) -> None:
        """Each application's page in its frame, and what the frame asks for."""
        for number in await self._column("SELECT id FROM app"):
            page = (await self.browser.get(f"/apps/{number}/")).text
            if "<iframe" not in page:
                continue
            sid = re.findall(r'data-sid="(\w+)"', page)[0]
            self.things |= {"app": str(number), "sid": sid}
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
            self.secrets |= {f"{name} in a frame": fields[name] for name in ("AUTH_ID", "REFRESH_ID")}
            self.secrets[f"sid of {number}"] = sid
            headers = {"x-livefeed-token": await self.browser.token()}
            for command in ("getInitData", "refreshAuth"):
                url = f"/apps/{number}/frame/{sid}/{command}"
                said = (await self.browser.send_body(url, b"{}", headers=headers)).json()["answer"]
                self.secrets |= {f"{command} {name}": said[name] for name in ("AUTH_ID", "REFRESH_ID")}
            if "/frame?" in page and str(self.town.door_url) in page:
                form = {"content-type": "application/x-www-form-urlencoded"}
                body = urlencode({**fields, "PLACEMENT_OPTIONS": ""}).encode()
                url = "/frame?DOMAIN=x&PROTOCOL=0&LANG=en&APP_SID=x"
                await request(self.town.notifier, "POST", url, body=body, headers=form)

    async def _column(self, sql: str) -> list[object]:
        return await self.town.store.read(lambda tx: [row[0] for row in tx.execute(sql)])

    async def seen(self) -> dict[str, str]:
        """Every page of both halves, by its address."""
        shown: dict[str, str] = {}
        for table, name in (("handler", "handler"), ("placement", "placement"), ("attachment", "file")):
            self.things[name] = str((await self._column(f"SELECT max(id) FROM {table}"))[0])
        self.things["name"] = "livefeed.css"
        deliveries = await self.town.store.read(
            lambda tx: [tuple(row) for row in tx.execute("SELECT DISTINCT seq, consumer FROM attempt")]
        )
        self.things |= {"seq": str(deliveries[0][0]), "consumer": str(deliveries[0][1])}
        urls = [filled(door.path, self.things) for door in pages(self.town.portal)]
        urls += [f"/developer/deliveries/{seq}/{consumer}" for seq, consumer in deliveries]
        urls += [f"/developer/handlers/{number}" for number in await self._column("SELECT id FROM handler")]
        urls += [f"/developer/apps/{number}" for number in await self._column("SELECT id FROM app")]
        urls += ["/developer/deliveries/?state=failed", f"/developer/deliveries/?post={self.things['post']}"]
        for url in urls:
            shown[url] = (await self.browser.get(url)).text
        return shown | await self._console()

    async def _console(self) -> dict[str, str]:
        app, shown = self.town.notifier, dict[str, str]()
        entered = await request(app, "GET", f"/console/?token={quote(CONSOLE)}")
        headers = {"cookie": entered.headers["set-cookie"].partition(";")[0]}
        self.secrets["console cookie"] = headers["cookie"].partition("=")[2]
        for url in (
            "/console/",
            "/console/inbox",
            "/console/dead",
            "/console/notices",
            "/metrics",
            "/readyz",
        ):
            shown[f"app {url}"] = (await request(app, "GET", url, headers=headers)).text
        for number in re.findall(r'href="/console/inbox/(\d+)"', shown["app /console/inbox"]):
            url = f"/console/inbox/{number}"
            shown[f"app {url}"] = (await request(app, "GET", url, headers=headers)).text
        return shown


def may_show(place: str, name: str) -> bool:
    """Pages whose very purpose it is: a frame hands its own tokens over, a webhook's owner reads its token.

    Source: settings/oauth/simple-way.md, local-integrations/local-webhooks.md
    """
    if place.startswith("/apps/") or place.startswith("/marketplace/"):
        return name.endswith("application_token")
    return False


@pytest.fixture
def logs() -> Iterator[list[object]]:
    with capture_logs() as found:
        yield found


def rows(tx: Tx) -> dict[str, bytes]:
    """Every row of every table of a database on a server, as text; bytes are hex in it."""
    tables = tx.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
    return {
        name: "\n".join(row[0] for row in tx.execute(f"SELECT CAST({name} AS text) FROM {name}")).encode()
        for (name,) in map(tuple, tables)
    }


async def stored_in(town: Town, folder: Path) -> dict[str, bytes]:
    """What both databases hold: whole files with their logs, or all rows."""
    if town.store.engine == "sqlite":
        return {path.name: path.read_bytes() for path in folder.glob("*.db*") if path.suffix != ".key"}
    stores = {"portal": town.store, "notifier": town.notifier.running.runtime.store}
    found = {name: await store.read(rows) for name, store in stores.items()}
    return {f"{name}.db {table}": one for name, tables in found.items() for table, one in tables.items()}


async def test_no_secret_of_a_full_run_is_found_anywhere_again(
    logs: list[object], town: Town, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    async with receiving() as receiver:
        run = Run(town, receiver)
        await run.people()
        await run.webhooks()
        await run.application()
        await run.edits()
        await run.frames()
        shown = await run.seen()
    places = {**shown, "logs": repr(logs), "output": "".join(capfd.readouterr())}
    files = await stored_in(town, tmp_path)

    assert len(run.secrets) > 30
    assert all(len(secret) > 11 for secret in run.secrets.values()), (
        "none is so short that it is found anywhere"
    )
    assert MARK in shown["/"]
    assert MARK.encode() in b"".join(one for name, one in files.items() if name.startswith("portal"))
    assert "ONLIVEFEEDPOSTUPDATE" in shown["app /console/inbox"]
    assert {"portal.db", "notifier.db"} <= {name.partition(" ")[0] for name in files}
    assert "event" in places["logs"]
    found = [
        (place, name)
        for name, secret in run.secrets.items()
        for place, text in places.items()
        if any(form in text for form in spellings(secret)) and not may_show(place, name)
    ]
    assert [] == found
    stored = [
        (file, name)
        for name, secret in run.secrets.items()
        for file, content in files.items()
        if any(form.encode() in content for form in (*spellings(secret), "\0".join(secret)))
    ]
    assert [] == stored


@on_a_file
async def test_a_crash_shows_no_secret_that_it_had_at_hand(town: Town, capfd: pytest.CaptureFixture[str]):
    """What lies in both databases cannot be read any more, where tokens and codes are in the variables."""
    runtime, code = town.notifier.running.runtime, town.seeded.people[0].webhook_code
    post = await town.call(2, "log.blogpost.add", POST_TITLE=MARK, POST_MESSAGE="1", DEST=["UA"])
    await town.settle()
    await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE="2")
    await town.deliver()
    (portal,) = runtime.portals.every()
    entries = await runtime.store.read(
        lambda tx: [row[0] for row in tx.execute("SELECT body FROM entry WHERE source = 'door'")]
    )
    auths = [open_entry(runtime.portal_keys, portal.member_id, body).auth for body in entries]
    secrets = {code, *(one.access_token for one in auths), *(one.application_token for one in auths)}
    configure_logs(is_for_good=False)
    try:
        await runtime.store.write(lambda tx: tx.execute("UPDATE archived_version SET content = X'78'"))
        await town.settle()
        await town.store.write(lambda tx: tx.execute("UPDATE post SET files = 'x'"))
        url, host = f"/rest/1/{code}/log.blogpost.get?POST_ID={post}", urlsplit(town.url).netloc
        answer = await request(town.portal.asgi, "GET", url, host=host)
    finally:
        structlog.reset_defaults()
    logs = "".join(capfd.readouterr())
    inbox = repr(await runtime.store.read(list_inbox))

    assert 500 == answer.status
    assert '"name": "get_posts"' in logs, "the traceback is there"
    assert '"handler_failed"' in logs
    assert "DecodeError" in inbox
    assert len(secrets) == 1 + len(auths) + 1
    assert [] == [one for one in secrets if one in logs + inbox + answer.text]


async def test_an_error_message_never_repeats_a_secret_it_was_sent(logs: list[object], town: Town):
    secret = "s3cr3t-that-somebody-sent-by-mistake"
    code = town.seeded.people[0].webhook_code
    asked = [
        ("GET", f"/rest/1/{secret}/user.current", b""),
        ("GET", f"/rest/user.current?auth={secret}", b""),
        ("POST", "/oauth/token/", f"grant_type={secret}&client_secret={secret}&code={secret}".encode()),
        ("POST", "/oauth/token/", f"grant_type=refresh_token&client_id=x&client_secret={secret}".encode()),
        ("POST", "/login", f"login=zoe&password={secret}".encode()),
        ("POST", "/admin/api/app_add", f'{{"token": "{secret}", "name": 1}}'.encode()),
        ("POST", f"/rest/1/{code}/log.vanish", f"auth={secret}".encode()),
    ]
    host = urlsplit(town.url).netloc
    for method, url, body in asked:
        answer = await request(town.portal.asgi, method, url, body=body, host=host)
        assert answer.status >= 400
        assert secret not in answer.text, url
        assert code not in answer.text, url
    for url, body in (
        ("/events", f"event=X&auth[member_id]=x&auth[application_token]={secret}"),
        (
            "/install",
            f"event=ONAPPINSTALL&auth[member_id]=x&auth[application_token]={secret}&auth[access_token]={secret}",
        ),
        ("/frame", f"AUTH_ID={secret}&REFRESH_ID={secret}&member_id=x&APPLICATION_TOKEN={secret}"),
        ("/console/confirm", f"token={secret}"),
    ):
        answer = await request(town.notifier, "POST", url, body=body.encode())
        assert secret not in answer.text, url
    answer = await request(town.notifier, "GET", f"/console/?token={secret}")
    assert secret not in answer.text
    answer = await request(town.notifier, "GET", f"/oauth/callback?code={secret}&state={secret}")
    assert secret not in answer.text
    assert secret not in repr(logs)
    assert code not in repr(logs)

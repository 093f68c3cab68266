"""A person signs in at his portal for the application: consent, code, pair, and the application's page."""

import html
import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from livefeed.portal.people import sessions
from livefeed.portal.web.desk import session
from livefeed.wire.ids import UserId

from .conftest import Town

READER = 3


class Browser:
    """One browser with the cookies of two hosts; it follows no redirect by itself."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.cookies: dict[str, dict[str, str]] = {}

    async def sign_in(self, user: int) -> None:
        visit = session.fresh_session()
        member = await self.town.store.read(
            lambda tx: tx.execute("SELECT member_id FROM portal").fetchone()[0]
        )
        code = visit.hash(self.town.keys)
        assert await self.town.store.write(lambda tx: sessions.begin(tx, member, UserId(user), code))
        site = urlsplit(self.town.url)
        self.cookies[site.netloc] = {f"{session.SESSION_COOKIE}_{site.port}": visit.code}

    async def ask(self, method: str, url: str, **fields: str) -> Any:
        jar = self.cookies.setdefault(urlsplit(url).netloc, {})
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}
        headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode() if method == "POST" else None
        answer = await self.town.http.send(method, url, body=body, headers=headers)
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            jar[name] = morsel.value
        return answer

    async def consent(self, address: str) -> str:
        """Allow what the portal asks at ``address``; returns where the browser is sent."""
        answer = await self.ask("GET", address)
        if answer.status in {302, 303}:
            return answer.headers["location"]
        form = re.findall(
            r"<form(?: [^>]*)?action=\"(/oauth/authorize/[^\"]*)\".*?</form>", answer.body.decode(), re.S
        )
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', answer.body.decode()))
        allowed = await self.ask(
            "POST", f"{self.town.url}{html.unescape(form[0])}", **{**fields, "answer": "allow"}
        )
        return allowed.headers["location"]


async def test_a_person_signs_in_and_sees_the_applications_page(town: Town):
    browser = Browser(town)
    await browser.sign_in(READER)

    start = await browser.ask("GET", f"{town.door_url}/oauth/start?portal={town.url}")
    back = await browser.consent(start.headers["location"])
    assert back.startswith(f"{town.door_url}/oauth/callback?code=")
    done = await browser.ask("GET", back)

    assert done.status == 200, done.body
    link = re.findall(r'href="(/frame/[^"]+)"', done.body.decode())[0]
    page = await browser.ask("GET", f"{town.door_url}{html.unescape(link)}")
    assert "Lately edited posts" in page.body.decode()
    runtime = town.notifier.running.runtime
    member = runtime.portals.every()[0].member_id
    assert READER in await runtime.people(member)
    me = (await runtime.client_of(member, READER).call("user.current")).result
    assert str(READER) == me["ID"]


async def test_the_same_address_again_signs_nobody_in(town: Town):
    browser = Browser(town)
    await browser.sign_in(READER)
    start = await browser.ask("GET", f"{town.door_url}/oauth/start")
    back = await browser.consent(start.headers["location"])
    await browser.ask("GET", back)

    assert 403 == (await browser.ask("GET", back)).status


async def test_a_stolen_address_signs_nobody_else_in(town: Town):
    thief, victim = Browser(town), Browser(town)
    await thief.sign_in(4)
    start = await thief.ask("GET", f"{town.door_url}/oauth/start")
    back = await thief.consent(start.headers["location"])
    await victim.ask("GET", f"{town.door_url}/oauth/start")

    assert 403 == (await victim.ask("GET", back)).status

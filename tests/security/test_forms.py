"""No form is taken that this server did not show to this browser: every POST of every route, enumerated."""

from typing import Any
from urllib.parse import urlencode

import pytest
from tests.portal.asgi import Response
from tests.portal.browser import Browser

from .doors import Door, doors, forms
from .stand import Company, Stand

pytestmark = pytest.mark.parametrize("stand", ["demo"], indirect=True)

FIELDS = {
    "text": "forged",
    "title": "forged",
    "to": "UA",
    "version": "1",
    "name": "forged",
    "scope": "log",
    "event": "ONLIVEFEEDPOSTUPDATE",
    "url": "http://127.0.0.1:9/forged",
    "login": "anna",
    "password": "forged-password",
    "person": "2",
    "language": "ru",
    "answer": "allow",
    "post": "1",
    "since": "2020-01-01T00:00",
    "suggestion": "number",
    "here": "/bell",
}


async def send(company: Company, door: Door, browser: Browser, **given: Any) -> Response:
    headers = {name: given.pop(name) for name in list(given) if name in ("origin", "x-livefeed-token")}
    url = door.url(company.things)
    if "authorize" in url:
        url += f"?client_id={company.things['client_id']}"
    cookies = dict(browser.cookies)
    answer = await browser.send_body(url, urlencode({**FIELDS, **given}).encode(), headers=headers)
    browser.cookies = cookies
    return answer


def is_refused(answer: Response) -> bool:
    return answer.status == 403 or answer.headers.get("location", "").startswith("/login")


async def test_the_routes_are_what_the_tests_of_forms_think(stand: Stand):
    found = {str(door) for door in forms(stand.site.server)}
    for known in ("POST /login", "POST /posts", "POST /scene/kill", "POST /developer/apps"):
        assert known in found
    assert "POST /apps/{app}/frame/{sid}/{command}" in found
    assert len(found) >= 30
    methods = {door.method for door in doors(stand.site.server)}
    assert methods <= {"GET", "POST"}, "no page takes anything but forms"


async def test_no_form_counts_without_its_token(stand: Stand):
    company = stand.first
    browser = await company.entered()
    before = await stand.dump()

    for door in forms(stand.site.server):
        for token in ("", "x", "0" * 32, company.secrets["session"], "\u00e9"):
            assert (await send(company, door, browser, token=token)).status == 403, (str(door), token)
            given = {"x-livefeed-token": token.encode("ascii", "ignore").decode()}
            assert (await send(company, door, browser, **given)).status == 403, str(door)
    assert before == await stand.dump()
    assert [] == stand.stage.orders, "the process of the scene was left alone"


async def test_no_form_counts_with_the_token_of_another_session(stand: Stand):
    company = stand.first
    browser, other, stranger = await company.entered(), await company.entered(), company.browser()
    tokens = [await other.token(), await (await company.entered(2)).token(), await stranger.token("/login")]
    tokens.append(await (await stand.second.entered()).token())
    before = await stand.dump()

    for door in forms(stand.site.server):
        for token in tokens:
            assert (await send(company, door, browser, token=token)).status == 403, str(door)
            given = {"x-livefeed-token": token}
            assert (await send(company, door, browser, **given)).status == 403, str(door)
    assert before == await stand.dump()


ORIGINS = (
    "https://evil.example",
    "http://second.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:8025",
    "http://127.0.0.1:8024.evil.example",
    "http://evil.example#127.0.0.1:8024",
    "http://127.0.0.1:8024@evil.example",
    "http://[",
    "",
)


async def test_no_form_counts_from_a_page_of_another_site_though_its_token_is_right(stand: Stand):
    company = stand.first
    browser = await company.entered()
    token = await browser.token()
    before = await stand.dump()

    for door in forms(stand.site.server):
        for origin in ORIGINS:
            answer = await send(company, door, browser, token=token, origin=origin)
            assert answer.status == 403, (str(door), origin)
            given = {"x-livefeed-token": token, "origin": origin}
            assert (await send(company, door, browser, **given)).status == 403, (str(door), origin)
    assert before == await stand.dump()


@pytest.mark.parametrize("session", [None, "A" * 32, "../../etc", "ended"])
async def test_no_form_counts_without_a_session_though_its_token_is_right(stand: Stand, session: str | None):
    company = stand.first
    browser = company.browser()
    if session == "ended":
        browser = await company.entered()
        await browser.submit("/logout", seen_at="/")
    elif session is not None:
        browser.cookies["livefeed_session"] = session
    token = await browser.token("/login")
    before = await stand.dump()

    for door in forms(stand.site.server):
        if door.path in {"/login", "/person", "/language", "/logout"}:
            continue  # these are for people who are not signed in
        answer = await send(company, door, browser, token=token)
        assert is_refused(answer) or answer.headers["location"].startswith("/oauth/authorize"), str(door)
    assert before == await stand.dump()


async def test_a_form_with_its_token_counts(stand: Stand):
    """Else the tests above would pass on a server that refuses everything."""
    company = stand.first
    for door in forms(stand.site.server):
        browser = await company.entered()
        token = await browser.token()
        answer = await send(company, door, browser, token=token, **{"x-livefeed-token": token})
        assert answer.status != 403 or door.path in {"/login", "/apps/{app}/frame/{sid}/{command}"}, str(door)


async def test_what_changes_something_is_never_asked_for_by_a_link(stand: Stand):
    company = stand.first
    browser = await company.entered()
    before = await stand.dump("frame", "web_session")

    for door in doors(stand.site.server):
        if door.path not in {"/live", "/scene/live"}:
            await browser.get(door.url(company.things) + "?token=" + company.secrets["form_token"])
    assert before == await stand.dump("frame", "web_session")
    assert [] == stand.stage.orders, "the process of the scene was left alone"

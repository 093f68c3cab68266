"""Two companies in one server: what a person of one signs in to and allows is nothing to the other."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.portal.browser import Browser

from .city import City, Company, fault_in, open_city, result_in

HOME = "https://app.example/cb"


@pytest.fixture
async def city(tmp_path: Path, engine: str) -> AsyncIterator[City]:
    async with open_city(tmp_path, engine) as opened:
        yield opened


def browser_at(company: Company) -> Browser:
    return Browser(company.city.portal.asgi, host=company.row.host)


async def entered(company: Company, login: str = "james") -> Browser:
    """A browser in which somebody has signed in with a password he was given."""
    _, made = await company.operate("user_password", user=login)
    browser = browser_at(company)
    answer = await browser.submit(
        "/login", seen_at="/login", login=login, password=made["password"], next="/"
    )
    assert answer.status == 303
    return browser


async def registered(company: Company) -> dict[str, str]:
    status, app = await company.operate("app_add", name="Mirror", redirect_uri=HOME)
    assert status == 200
    return app


async def code_for(browser: Browser, app: dict[str, str]) -> str:
    url = f"/oauth/authorize/?client_id={app['client_id']}&state=s"
    answer = await browser.get(url)
    if answer.status == 200:
        answer = await browser.submit(url, seen_at=url, answer="allow")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]


async def pair_for(company: Company, browser: Browser, app: dict[str, str]) -> dict[str, str]:
    answer = await exchanged(company, app, await code_for(browser, app))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


async def exchanged(company: Company, app: dict[str, str], code: str):
    asked = {
        "grant_type": "authorization_code",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "code": code,
    }
    return await company.send("/oauth/token/", urlencode(asked).encode())


async def test_several_people_allow_one_application_and_each_can_be_dismissed(city: City):
    company = city.first
    app = await registered(company)
    pairs = {
        login: await pair_for(company, await entered(company, login), app) for login in ("james", "olga")
    }
    for login, person in (("james", "2"), ("olga", "3")):
        token = pairs[login]["access_token"]
        assert result_in(await company.token_call(token, "user.current"))["ID"] == person

    await company.operate("user_dismiss", user="james")

    refused = await company.token_call(pairs["james"]["access_token"], "user.current")
    assert fault_in(refused)[0] == 401
    renewal = await company.exchange(app["client_id"], app["client_secret"], pairs["james"]["refresh_token"])
    assert fault_in(renewal) == (400, "invalid_grant")
    assert result_in(await company.token_call(pairs["olga"]["access_token"], "user.current"))["ID"] == "3"


async def test_a_session_of_one_company_is_nothing_to_the_other(city: City):
    browser, other = await entered(city.first), browser_at(city.second)
    other.cookies.update(browser.cookies)
    assert (await browser.get("/")).status == 200
    assert (await other.get("/")).headers["location"].startswith("/login")
    app = await registered(city.second)
    answer = await other.get(f"/oauth/authorize/?client_id={app['client_id']}")
    assert answer.headers["location"].startswith("/login")


async def test_a_password_of_one_company_opens_no_door_of_the_other(city: City):
    _, made = await city.first.operate("user_password", user="james")
    browser = browser_at(city.second)
    answer = await browser.submit("/login", seen_at="/login", login="james", password=made["password"])
    assert answer.status == 403


async def test_codes_and_pairs_of_one_company_are_nothing_to_the_other(city: City):
    app, browser = await registered(city.first), await entered(city.first)
    code, pair = await code_for(browser, app), await pair_for(city.first, browser, app)

    assert fault_in(await exchanged(city.second, app, code))[1] == "invalid_client"
    stolen = await city.second.exchange(app["client_id"], app["client_secret"], pair["refresh_token"])
    assert fault_in(stolen)[1] == "invalid_client"
    theirs = await registered(city.second)
    assert fault_in(await exchanged(city.second, theirs, code))[1] == "invalid_grant"
    stolen = await city.second.exchange(theirs["client_id"], theirs["client_secret"], pair["refresh_token"])
    assert fault_in(stolen)[1] == "invalid_grant"
    assert fault_in(await city.second.token_call(pair["access_token"], "profile"))[0] == 401

    assert (await exchanged(city.first, app, code)).status == 200


async def test_an_application_of_one_company_cannot_be_allowed_at_the_other(city: City):
    app, browser = await registered(city.first), await entered(city.second)
    answer = await browser.get(f"/oauth/authorize/?client_id={app['client_id']}")
    assert answer.status == 404
    assert "There is no such application" in answer.text


async def test_a_stranger_learns_of_no_login(city: City):
    browser = browser_at(city.first)
    token = await browser.token("/login")
    answers = {
        re.sub(
            r'value="\w*" maxlength="64"', "", (await browser.send("/login", token=token, login=login)).text
        )
        for login in ("james", "nobody", "anna")
    }
    assert len(answers) == 1

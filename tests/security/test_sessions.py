"""Sessions: never one that somebody brought, dead when they should be, in cookies no script can read."""

import re
import time

import pytest
from tests.portal.browser import Browser

from .stand import Company, Stand

SESSION, VISIT = "livefeed_session", "livefeed_visit"
PLANTED = "P" * 32


async def password_of(company: Company, login: str) -> str:
    return (await company.operated("user_password", user=login))["password"]


async def sign_in(browser: Browser, login: str, password: str):
    return await browser.submit("/login", seen_at="/login", login=login, password=password, next="/bell")


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/bell")).status == 200


async def test_signing_in_makes_a_new_session_whatever_the_browser_brought(stand: Stand):
    company = stand.first
    password = await password_of(company, "james")
    for planted in ({SESSION: PLANTED}, {VISIT: PLANTED}, {SESSION: PLANTED, VISIT: "V" * 32}):
        browser = company.browser()
        browser.cookies.update(planted)

        answer = await sign_in(browser, "james", password)

        assert (answer.status, answer.headers["location"]) == (303, "/bell")
        assert browser.cookies[SESSION] not in planted.values()
        assert await is_in(browser)
        for name in (SESSION, VISIT):
            thief = company.browser()
            thief.cookies[name] = PLANTED
            assert not await is_in(thief)


async def test_the_session_of_before_is_dead_after_signing_in_again(stand: Stand):
    company = stand.first
    password = await password_of(company, "james")
    browser = company.browser()
    await sign_in(browser, "james", password)
    before = dict(browser.cookies)
    token = await browser.token()

    again = company.browser()
    again.cookies.update(before)
    answer = await again.send("/login", token=token, login="james", password=password)

    assert answer.status == 303
    assert again.cookies[SESSION] != before[SESSION]
    assert await is_in(again)
    stale = company.browser()
    stale.cookies.update(before)
    assert not await is_in(stale)
    assert (await again.send("/posts", token=token, to="UA", text="x")).status == 403, "another form token"


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_to_be_somebody_else_in_the_demo_is_a_new_session_too(stand: Stand):
    browser = await stand.first.entered(1)
    before = dict(browser.cookies)

    await browser.submit("/person", seen_at="/", person="2", here="/")

    assert browser.cookies[SESSION] != before[SESSION]
    stale = stand.first.browser()
    stale.cookies.update(before)
    assert not await is_in(stale)


async def test_nobody_is_somebody_else_without_a_password_outside_the_demo(stand: Stand):
    browser = await stand.first.entered(2)
    assert (await browser.submit("/person", seen_at="/", person="1", here="/")).status == 403
    assert "Sign out" in (await browser.get("/bell")).text
    assert (await browser.get("/developer/")).status == 403


async def test_signing_out_ends_the_session_and_takes_the_cookie(stand: Stand):
    browser, other = await stand.first.entered(2), await stand.first.entered(2)
    before = dict(browser.cookies)

    answer = await browser.submit("/logout", seen_at="/")

    assert answer.status == 303
    assert SESSION not in browser.cookies
    stale = stand.first.browser()
    stale.cookies.update(before)
    assert not await is_in(stale)
    assert await is_in(other), "another browser of the same person stays"


@pytest.mark.parametrize("operation", ["user_dismiss", "user_password"])
async def test_dismissal_and_another_password_end_every_session(stand: Stand, operation: str):
    browsers = [await stand.first.entered(2), await stand.first.entered(2)]
    bystander, same_elsewhere = await stand.first.entered(3), await stand.second.entered(2)
    frame = (await browsers[0].get(f"/apps/{stand.first.things['app']}/")).text
    sid, token = re.findall(r'data-(?:sid|token)="(\w+)"', frame)

    await stand.first.operated(operation, user="james")

    assert [False, False] == [await is_in(browser) for browser in browsers]
    assert await is_in(bystander)
    assert await is_in(same_elsewhere)
    url = f"/apps/{stand.first.things['app']}/frame/{sid}/getInitData"
    answer = await browsers[0].send_body(url, b"{}", headers={"x-livefeed-token": token})
    assert (answer.status, answer.json()) == (403, {"error": "not_your_frame"})


async def test_a_session_ends_by_itself(stand: Stand):
    browser = await stand.first.entered(2)
    stand.site.house.clock.advance(14 * 86_400 + 1)
    assert not await is_in(browser)


async def test_a_session_of_one_company_neither_counts_nor_ends_at_the_other(stand: Stand):
    browser, other = await stand.first.entered(2), stand.second.browser()
    other.cookies.update(browser.cookies)
    assert not await is_in(other)
    token = await other.token("/login")

    assert (await other.send("/logout", token=token)).status == 303
    assert await is_in(browser)


async def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(stand: Stand):
    password = await password_of(stand.first, "james")
    for scheme, is_secure in (("https", True), ("http", False)):
        browser = stand.first.browser(scheme=scheme)
        answers = [await browser.get("/login")]
        answers.append(await browser.submit("/language", seen_at="/login", language="ru", here="/login"))
        answers.append(await sign_in(browser, "james", password))
        answers.append(await browser.submit("/logout", seen_at="/"))
        lines = [line for one in answers for line in one.headers.get("set-cookie", "").splitlines()]
        names = {line.partition("=")[0] for line in lines}
        own = {stand.first.cookie("", kind).removesuffix("=") for kind in (SESSION, VISIT)}
        assert {*own, "livefeed_language"} <= names
        for line in lines:
            flags = line.lower()
            assert "httponly" in flags, line
            assert "samesite=lax" in flags, line
            assert "path=/" in flags, line
            assert "domain=" not in flags, line
            assert ("secure" in flags) == is_secure or "max-age=0" in flags, line


async def test_a_session_is_stored_only_as_a_hash_and_shown_on_no_page(stand: Stand):
    browser = await stand.first.entered()
    code = browser.cookies[SESSION]
    for url in ("/", "/bell", "/developer/", f"/apps/{stand.first.things['app']}/"):
        assert code not in (await browser.get(url)).text
    assert code not in repr(await stand.dump())


async def test_no_login_is_known_by_the_time_its_refusal_takes(stand: Stand):
    company = stand.first
    await password_of(company, "james")  # olga is known and has no password; nobody is not known

    async def shortest_s(login: str) -> float:
        taken: list[float] = []
        for _ in range(5):
            browser = company.browser()
            token = await browser.token("/login")
            began = time.perf_counter()
            answer = await browser.send("/login", token=token, login=login, password="wrong")
            taken.append(time.perf_counter() - began)
            assert (answer.status, "Login or password is wrong." in answer.text) == (403, True)
        return min(taken)

    known, without, unknown = [await shortest_s(login) for login in ("james", "olga", "nobody")]

    assert known / 3 < without < known * 3, "a comparison takes 20 ms and more, all else a few"
    assert known / 3 < unknown < known * 3

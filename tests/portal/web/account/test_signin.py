"""Signing in: with a password, made anew each time, slowed down for guessers, led nowhere else."""

import re

import pytest

from livefeed.portal.web.account.signin import ADDRESS_TRIES, LOGIN_TRIES
from livefeed.portal.web.desk.session import SESSION_COOKIE, VISIT_COOKIE

from ...asgi import Response
from ...browser import Browser, signed_in
from ...site import Site
from .conftest import PASSWORD

FOREIGN = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "//evil.example/%2e%2e",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "//127.0.0.1:8024@evil.example/",
    "https:evil.example",
    "/\r\nLocation: https://evil.example",
    "/\x00/evil.example",
    "/\u2028/evil.example",
    "\u202e/evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "",
]


async def enter(
    browser: Browser, login: str = "james", password: str = PASSWORD, following: str = "/"
) -> Response:
    return await browser.submit("/login", seen_at="/login", login=login, password=password, next=following)


async def test_somebody_signs_in_and_out_again(site: Site) -> None:
    browser = Browser(site.server.asgi)
    asked = await browser.get("/posts/1?x=%D0%B0")
    assert (asked.status, asked.headers["location"]) == (303, "/login?next=/posts/1%3Fx%3D%25D0%25B0")
    form = await browser.get(asked.headers["location"])
    following = re.findall(r'name="next" value="([^"]*)"', form.text)[0]
    assert following == "/posts/1?x=%D0%B0"
    entered = await enter(browser, following=following)
    assert (entered.status, entered.headers["location"]) == (303, "/posts/1?x=%D0%B0")
    assert (await browser.get("/")).status == 200
    assert (await browser.get("/login?next=/bell")).headers["location"] == "/bell"
    session = browser.cookies[SESSION_COOKIE]
    left = await browser.submit("/logout", seen_at="/")
    assert (left.status, left.headers["location"]) == (303, "/login")
    assert SESSION_COOKIE not in browser.cookies
    browser.cookies[SESSION_COOKIE] = session  # somebody kept it
    assert (await browser.get("/")).status == 303


@pytest.mark.parametrize("login", ["james", "JAMES", "  james "])
async def test_a_login_is_read_as_people_write_it(site: Site, login: str) -> None:
    assert (await enter(Browser(site.server.asgi), login)).status == 303


async def test_unknown_login_wrong_password_and_no_password_get_one_answer(site: Site) -> None:
    answers = {
        (answer.status, re.sub(r'name="token" value="\w+"|value="\w*" maxlength="64"', "", answer.text))
        for answer in [
            await enter(Browser(site.server.asgi), "james", "wrong"),
            await enter(Browser(site.server.asgi), "jamesx", "wrong"),
            await enter(Browser(site.server.asgi), "anna", ""),  # has no password
            await enter(Browser(site.server.asgi), "james", "x" * 100_000),
        ]
    }
    assert len(answers) == 1
    ((status, text),) = answers
    assert status == 403
    assert "Login or password is wrong." in text
    assert 'role="alert"' in text


async def test_a_dismissed_person_cannot_sign_in(site: Site) -> None:
    await site.do("user_dismiss", user="2")
    assert (await enter(Browser(site.server.asgi))).status == 403


async def test_a_session_that_was_planted_is_not_the_one_that_is_opened(site: Site) -> None:
    browser = Browser(site.server.asgi)
    browser.cookies[SESSION_COOKIE] = planted = "a" * 32
    token = await browser.token("/login")
    entered = await browser.send("/login", token=token, login="james", password=PASSWORD)
    assert entered.status == 303
    assert browser.cookies[SESSION_COOKIE] != planted
    thief = Browser(site.server.asgi)
    thief.cookies[SESSION_COOKIE] = planted
    assert (await thief.get("/")).status == 303


async def test_signing_in_again_ends_the_session_before(demo: Site) -> None:
    browser = await signed_in(demo.house, 1, app=demo.server.asgi)
    before = browser.cookies[SESSION_COOKIE]
    await browser.submit("/person", seen_at="/", person="2", here="/bell")
    assert browser.cookies[SESSION_COOKIE] != before
    browser.cookies[SESSION_COOKIE] = before
    assert (await browser.get("/")).status == 303


async def test_cookies_are_kept_from_scripts_and_other_sites(site: Site) -> None:
    for scheme, is_secure in (("http", False), ("https", True)):
        browser = Browser(site.server.asgi, scheme=scheme)
        asked = await browser.get("/login")
        entered = await enter(browser)
        for cookie in (asked.headers["set-cookie"], entered.headers["set-cookie"]):
            assert "httponly" in cookie.lower()
            assert "samesite=lax" in cookie.lower()
            assert ("secure" in cookie.lower()) is is_secure


@pytest.mark.parametrize("wanted", FOREIGN)
async def test_nobody_is_led_to_another_place_after_signing_in(site: Site, wanted: str) -> None:
    entered = await enter(Browser(site.server.asgi), following=wanted)
    assert entered.status in (303, 400)
    assert entered.headers.get("location", "/") == "/"


@pytest.mark.parametrize("wanted", FOREIGN)
async def test_nobody_is_led_to_another_place_by_a_click_in_the_demo(demo: Site, wanted: str) -> None:
    chosen = await Browser(demo.server.asgi).submit("/person", seen_at="/login", person="1", here=wanted)
    assert chosen.status in (303, 400)
    assert chosen.headers.get("location", "/") == "/"


@pytest.mark.parametrize("wanted", ["/login", "/logout?x", "/login?next=/login", "/person"])
async def test_signing_in_does_not_lead_back_to_itself(site: Site, wanted: str) -> None:
    assert (await enter(Browser(site.server.asgi), following=wanted)).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/login", "/logout", "/person"])
@pytest.mark.parametrize("token", ["", "x" * 32, "other"])
async def test_a_form_of_another_site_does_nothing(demo: Site, path: str, token: str) -> None:
    browser = await signed_in(demo.house, 1, app=demo.server.asgi)
    before = browser.cookies[SESSION_COOKIE]
    given = await Browser(demo.server.asgi).token("/login") if token == "other" else token
    answer = await browser.send(path, token=given, login="james", password=PASSWORD, person="2")
    assert answer.status == 403
    assert browser.cookies[SESSION_COOKIE] == before
    assert (await browser.get("/")).status == 200


@pytest.mark.parametrize("path", ["/login", "/logout", "/person"])
async def test_a_form_sent_from_another_origin_is_refused(demo: Site, path: str) -> None:
    browser = await signed_in(demo.house, 1, app=demo.server.asgi)
    token = await browser.token("/")
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9"):
        answer = await browser.send(path, headers={"origin": origin}, token=token, person="2")
        assert answer.status == 403
    assert (await browser.get("/")).status == 200


async def test_guessing_one_login_is_slowed_down_and_the_right_password_too(site: Site) -> None:
    browser = Browser(site.server.asgi)
    for _ in range(LOGIN_TRIES):
        assert (await enter(browser, password="wrong")).status == 403
    slowed = await enter(browser)
    assert (slowed.status, slowed.headers["retry-after"]) == (429, "30")
    assert "Try again in 30 seconds" in slowed.text
    assert SESSION_COOKIE not in browser.cookies
    site.house.clock.advance(30)
    assert (await enter(browser)).status == 303


async def test_guessing_over_many_logins_is_slowed_down_by_address(site: Site) -> None:
    browser = Browser(site.server.asgi)
    token = await browser.token("/login")
    for number in range(ADDRESS_TRIES):
        answer = await browser.send("/login", token=token, login=f"login{number}", password="wrong")
        assert answer.status == 403
    assert (await enter(browser)).status == 429
    site.house.clock.advance(5)
    assert (await enter(browser)).status == 303


async def test_signing_in_often_with_the_right_password_slows_nobody_down(site: Site) -> None:
    for _ in range(LOGIN_TRIES + 3):
        assert (await enter(Browser(site.server.asgi))).status == 303


async def test_in_the_demo_everybody_is_one_click_away(demo: Site) -> None:
    browser = Browser(demo.server.asgi)
    page = (await browser.get("/login?next=/bell")).text
    people = re.findall(r'name="person" value="(\d+)"', page)
    assert people == [str(person.id) for person in demo.house.seeded.people]
    chosen = await browser.submit("/person", seen_at="/login", person="3", here="/bell")
    assert (chosen.status, chosen.headers["location"]) == (303, "/bell")
    assert (await browser.get("/")).status == 200


@pytest.mark.parametrize("person", ["0", "99", "-1", "x", "", "9" * 30])
async def test_a_click_for_somebody_who_does_not_work_here_signs_nobody_in(demo: Site, person: str) -> None:
    browser = Browser(demo.server.asgi)
    chosen = await browser.submit("/person", seen_at="/login", person=person)
    assert chosen.headers["location"] == "/login"
    assert (await browser.get("/")).status == 303


async def test_outside_the_demo_nobody_is_shown_to_strangers_or_a_click_away(site: Site) -> None:
    browser = Browser(site.server.asgi)
    page = (await browser.get("/login")).text
    assert "/person" not in page
    assert not any(person.name in page for person in site.house.seeded.people)
    assert (await browser.submit("/person", seen_at="/login", person="1")).status == 403
    assert (await browser.get("/")).status == 303


async def test_the_page_is_for_no_frame_and_runs_no_foreign_script(site: Site) -> None:
    headers = (await Browser(site.server.asgi).get("/login")).headers
    policy = headers["content-security-policy"]
    for rule in ("frame-ancestors 'none'", "form-action 'self'", "script-src 'self'", "base-uri 'none'"):
        assert rule in policy
    assert headers["cache-control"] == "no-store"


async def test_the_page_speaks_russian(site: Site) -> None:
    page = await Browser(site.server.asgi).get("/login", **{"accept-language": "ru"})
    assert "<h1>Вход</h1>" in page.text
    assert "Sign in" not in page.text


async def test_what_was_typed_is_shown_again_harmlessly_and_never_the_password(site: Site) -> None:
    answer = await enter(Browser(site.server.asgi), '"><script>x</script>', "my secret")
    assert "<script>x" not in answer.text
    assert "&lt;script&gt;x" in answer.text
    assert "my secret" not in answer.text


@pytest.mark.parametrize("path", ["/login", "/logout", "/person"])
@pytest.mark.parametrize(
    "body",
    [
        b"token=\x00",
        b"token=%00",
        b"token=%zz",
        b"a" * 1_100_000,
        b"token[]=x",
        b"&".join(b"a%d=" % n for n in range(400)),
    ],
)
async def test_odd_forms_get_a_page_and_change_nothing(demo: Site, path: str, body: bytes) -> None:
    answer = await demo.http(
        "POST", path, body=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status in (400, 403)
    assert "<h1>" in answer.text
    assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/login"), ("DELETE", "/login"), ("GET", "/logout"), ("GET", "/person"), ("PUT", "/person")],
)
async def test_another_http_method_is_refused(demo: Site, method: str, path: str) -> None:
    assert (await demo.http(method, path)).status == 405


async def test_two_portals_at_two_ports_of_one_host_do_not_sign_each_other_out(site: Site) -> None:
    here, there = Browser(site.server.asgi), Browser(site.server.asgi, host="127.0.0.1:8034")
    await enter(here)
    there.sent_along = here.at_port  # browsers send a host's cookies to all its ports
    here.sent_along = there.at_port
    assert (await there.get("/")).status == 303
    await enter(there)
    assert (await here.get("/")).status == (await there.get("/")).status == 200
    await there.submit("/logout", seen_at="/")
    assert (await here.get("/")).status == 200
    assert (await there.get("/")).status == 303


async def test_a_browser_that_is_not_signed_in_keeps_one_code_for_its_forms(site: Site) -> None:
    browser = Browser(site.server.asgi)
    assert await browser.token("/login") == await browser.token("/login")
    assert len(browser.cookies[VISIT_COOKIE]) == 32

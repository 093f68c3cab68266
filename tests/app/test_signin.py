"""Signing in by OAuth: state and cookie tie departure and return together, and the code is checked."""

import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from livefeed.app import App, PageContext
from livefeed.secrets import Secret

from .bodies import APPLICATION_TOKEN, MEMBER
from .conftest import House, Opening


def paged() -> App:
    app = App.from_settings({})

    @app.page()
    async def own(page: PageContext) -> str:
        return f"<p>{page.user_id} is {(await page.client.call('user.current')).result['ID']}</p>"

    return app


class Browser:
    """Follows nothing by itself, and keeps the one cookie."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.cookie = ""

    async def get(self, path: str) -> Any:
        headers = {"cookie": f"livefeed_oauth={self.cookie}"} if self.cookie else {}
        answer = await self.house.http.send("GET", f"{self.house.url}{path}", body=None, headers=headers)
        if (line := answer.headers.get("set-cookie")) is not None:
            self.cookie = re.findall(r"livefeed_oauth=([^;]*)", line)[0]
        return answer

    async def leave(self, portal: str = "") -> str:
        """Leave for the portal; returns the state."""
        answer = await self.get(f"/oauth/start?portal={quote(portal, safe='')}")
        assert 303 == answer.status, answer.body
        return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]

    async def come_back(self, state: str, user: int = 7, **changed: str) -> Any:
        """Come back with a fresh code of ``user``."""
        code = f"code{len(self.house.portal.codes):028d}"
        self.house.portal.codes[code] = user
        query = {"code": code, "state": state, "domain": "evil.example", "member_id": MEMBER, **changed}
        return await self.get(f"/oauth/callback?{urlencode(query)}")


@pytest.fixture
async def house(serve: Opening) -> House:
    opened = await serve(paged())
    assert (await opened.install()).status == 200
    return opened


async def tokens(house: House) -> dict[int, str]:
    return {row["user_id"]: row["kind"] for row in await house.rows("SELECT user_id, kind FROM token")}


async def test_a_person_signs_in_and_his_pair_is_kept(house: House):
    browser = Browser(house)

    answer = await browser.come_back(await browser.leave())

    assert (200, {1: "installer", 7: "opener"}) == (answer.status, await tokens(house))
    link = re.findall(r'href="(/frame/[^"]+)"', answer.body.decode())[0]
    assert "<p>7 is 7</p>" == (await browser.get(link)).body.decode()


async def test_the_browser_is_sent_to_the_portal_with_client_id_and_state(house: House):
    answer = await Browser(house).get("/oauth/start")

    assert answer.headers["location"].startswith(
        f"{house.portal.url}/oauth/authorize/?client_id={quote(house.portal.client_id)}&state="
    )
    assert all(
        word in answer.headers["set-cookie"] for word in ("HttpOnly", "SameSite=Lax", "Secure", "Max-Age=600")
    )


async def test_a_portal_may_be_named_by_host(house: House):
    assert await Browser(house).leave(urlsplit(house.portal.url).netloc)
    assert await Browser(house).leave(f"{house.portal.url}/rest/")


async def test_a_portal_of_the_settings_list_may_be_signed_in_at(serve: Opening):
    house = await serve(paged(), portals="https://one.example, https://two.example/")

    answer = await Browser(house).get("/oauth/start?portal=two.example")

    assert answer.headers["location"].startswith("https://two.example/oauth/authorize/?")


@pytest.mark.parametrize(
    "asked",
    [
        "evil.example",
        "https://evil.example",
        "//evil.example",
        "https:evil.example",
        "{portal}@evil.example",
        "{portal}.evil.example",
        "javascript:alert(1)",
        "http://[::1",
        "x" * 5000,
        "\r\nset-cookie: a=b",
        "https://evil.example\\@{host}",
    ],
)
async def test_nobody_is_sent_to_a_stranger(house: House, asked: str):
    wanted = asked.format(portal=house.portal.url, host=urlsplit(house.portal.url).netloc)

    answer = await Browser(house).get(f"/oauth/start?portal={quote(wanted, safe='')}")

    assert 400 == answer.status
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_a_state_in_another_browser_signs_nobody_in(house: House):
    state = await Browser(house).leave()
    victim = Browser(house)
    assert 403 == (await victim.come_back(state)).status
    await victim.leave()
    assert 403 == (await victim.come_back(state)).status

    assert {1: "installer"} == await tokens(house)


async def test_a_state_counts_once(house: House):
    browser = Browser(house)
    state = await browser.leave()
    cookie = browser.cookie
    assert 200 == (await browser.come_back(state)).status
    assert "" == browser.cookie

    browser.cookie = cookie
    assert 403 == (await browser.come_back(state)).status


async def test_what_is_remembered_of_states_that_came_back_is_dropped_in_time(house: House):
    browser = Browser(house)
    for _ in range(10):
        assert 200 == (await browser.come_back(await browser.leave())).status
    house.clock.advance(601)
    for _ in range(3):
        assert 200 == (await browser.come_back(await browser.leave())).status

    assert 3 == len(await house.rows("SELECT * FROM spent"))


async def test_a_state_counts_for_ten_minutes(house: House):
    browser = Browser(house)
    state = await browser.leave()
    house.clock.advance(600)

    assert 403 == (await browser.come_back(state)).status


@pytest.mark.parametrize("state", ["", "x", "A" * 200, "A" * 5000, "é", "%00"])
async def test_a_state_that_is_none_signs_nobody_in(house: House, state: str):
    browser = Browser(house)
    await browser.leave()

    assert 403 == (await browser.come_back(state)).status
    assert {1: "installer"} == await tokens(house)


async def test_a_changed_state_signs_nobody_in(house: House):
    browser = Browser(house)
    state = await browser.leave()

    assert 403 == (await browser.come_back(state[:-2] + ("AA" if state[-2:] != "AA" else "BB"))).status


@pytest.mark.parametrize("code", ["", "unknown-to-the-portal", "a b", "x" * 5000])
async def test_a_code_that_is_none_signs_nobody_in(house: House, code: str):
    browser = Browser(house)

    answer = await browser.come_back(await browser.leave(), code=code)

    assert answer.status in {400, 403}
    assert {1: "installer"} == await tokens(house)


async def test_a_code_counts_once(house: House):
    browser = Browser(house)
    house.portal.codes["once"] = 7
    assert 200 == (await browser.come_back(await browser.leave(), code="once")).status
    assert 403 == (await browser.come_back(await browser.leave(), code="once")).status


async def test_a_code_of_another_portal_is_refused(house: House):
    browser = Browser(house)
    assert 403 == (await browser.come_back(await browser.leave(), member_id="f" * 32)).status

    house.portal.endpoint = "https://another.example/rest/"
    assert 403 == (await browser.come_back(await browser.leave())).status
    assert {1: "installer"} == await tokens(house)


async def test_a_code_of_another_application_is_refused(house: House):
    browser = Browser(house)
    state = await browser.leave()
    house.portal.methods["app.info"] = lambda params: {**house.portal.info(7), "client_id": "local.other"}

    assert 403 == (await browser.come_back(state)).status


async def test_an_administrator_installs_by_signing_in(serve: Opening):
    house = await serve(paged())
    browser = Browser(house)

    answer = await browser.come_back(await browser.leave(), user=1)

    assert (200, {1: "installer"}) == (answer.status, await tokens(house))
    assert 403 == (await house.event()).status, "nobody has told the application_token yet"
    assert 0 == len(house.portal.spent), "a pair from the authorization server itself needs no refresh"


async def test_the_application_token_that_comes_first_afterwards_counts(serve: Opening):
    house = await serve(paged())
    browser = Browser(house)
    await browser.come_back(await browser.leave(), user=1)

    assert 200 == (await house.install()).status
    assert 200 == (await house.event()).status
    assert 409 == (await house.install(application_token="n" * 32)).status


async def test_an_ordinary_user_installs_nothing_by_signing_in(serve: Opening):
    house = await serve(paged())
    browser = Browser(house)

    answer = await browser.come_back(await browser.leave(), user=7)

    assert (403, True) == (answer.status, "administrator" in answer.body.decode())
    assert [] == await house.rows("SELECT * FROM install") == await house.rows("SELECT * FROM token")


async def test_anybody_signs_in_where_the_settings_name_the_portal(serve: Opening):
    house = await serve(paged(), member_id=MEMBER, application_token=Secret(APPLICATION_TOKEN))
    browser = Browser(house)

    assert 200 == (await browser.come_back(await browser.leave(), user=7)).status
    assert {7: "opener"} == await tokens(house)


async def test_the_installer_who_signs_in_heals_his_pair(house: House):
    await house.rows("SELECT 1")
    await house.running.runtime.store.write(lambda tx: tx.execute("UPDATE token SET state = 'dead'"))
    browser = Browser(house)

    assert 200 == (await browser.come_back(await browser.leave(), user=1)).status
    assert (await house.running.runtime.client(MEMBER).call("user.current")).result["ID"] == "1"


async def test_an_authorization_server_that_is_away_is_said(house: House):
    browser = Browser(house)
    state = await browser.leave()
    house.portal.down = 503

    assert 503 == (await browser.come_back(state)).status


async def test_only_get_is_taken_and_elsewhere_is_nothing(house: House):
    assert 405 == (await house.post("/oauth/start", b"")).status
    assert 404 == (await Browser(house).get("/oauth/else")).status


@pytest.mark.parametrize("query", ["%zz", "&" * 100, "state=%ff", "a=1&" * 500])
async def test_an_odd_query_is_answered_like_none(house: House, query: str):
    assert (await Browser(house).get(f"/oauth/callback?{query}")).status == 403
    assert (await Browser(house).get(f"/oauth/start?{query}")).status == 303


async def test_words_are_in_the_language_of_the_browser(house: House):
    answer = await house.http.send(
        "GET", f"{house.url}/oauth/callback", body=None, headers={"accept-language": "ru,en;q=0.5"}
    )

    assert "Войдите ещё раз" in answer.body.decode()

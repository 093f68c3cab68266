"""``/oauth/authorize/``: asked once, sent to the application's own address and to no other."""

import re
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from ...apps.asking import exchange
from ...browser import Browser, signed_in
from ...site import App, Site
from .conftest import PASSWORD

HOME = "https://app.example/cb"


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app(name="Mirror <b>", redirect_uri=HOME)


def at(app: App, state: str | None = "s1") -> str:
    return f"/oauth/authorize/?client_id={app.client_id}" + (f"&state={state}" if state is not None else "")


async def allow(browser: Browser, url: str):
    return await browser.submit(url, seen_at=url, answer="allow")


def code_in(location: str) -> str:
    return dict(parse_qsl(urlsplit(location).query))["code"]


async def test_the_whole_way_from_a_stranger_to_a_pair(site: Site, app: App) -> None:
    browser = Browser(site.server.asgi)
    asked = await browser.get(at(app))
    assert asked.status == 303
    sign_in = asked.headers["location"]
    assert sign_in.startswith("/login?next=/oauth/authorize/%3Fclient_id%3D")
    page = (await browser.get(sign_in)).text
    following = re.findall(r'name="next" value="([^"]*)"', page)[0].replace("&amp;", "&")
    entered = await browser.submit(
        "/login", seen_at=sign_in, login="james", password=PASSWORD, next=following
    )
    assert entered.headers["location"] == at(app)
    question = await browser.get(entered.headers["location"])
    assert question.status == 200
    given = await allow(browser, at(app))
    assert given.status == 303
    status, pair = await exchange(site, app, code_in(given.headers["location"]))
    assert (status, pair["user_id"]) == (200, 2)
    assert (await site.call(pair["access_token"], "user.current"))["ID"] == "2"


async def test_the_address_has_the_documented_names_in_the_documented_order(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    location = (await allow(browser, at(app))).headers["location"]
    assert re.fullmatch(
        re.escape(HOME) + r"\?code=[a-z0-9]{32}&state=s1&domain=127\.0\.0\.1%3A8024"
        rf"&member_id={app.member_id}&scope=im%2Clog%2Cuser&server_domain=127\.0\.0\.1%3A8024",
        location,
    )


async def test_a_person_is_asked_once_for_each_application(site: Site, app: App) -> None:
    browser, other = await signed_in(site.house, 2, app=site.server.asgi), await site.add_app()
    assert (await browser.get(at(app))).status == 200
    first = (await allow(browser, at(app))).headers["location"]
    again = await browser.get(at(app, "s2"))
    assert again.status == 302
    assert again.headers["location"].startswith(HOME)
    assert "state=s2" in again.headers["location"]
    assert code_in(again.headers["location"]) != code_in(first)
    assert again.headers["referrer-policy"] == "no-referrer"
    assert again.headers["cache-control"] == "no-store"
    assert (await browser.get(at(other))).status == 200
    stranger = await signed_in(site.house, 3, app=site.server.asgi)
    assert (await stranger.get(at(app))).status == 200


async def test_an_application_that_may_do_more_asks_again(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    await allow(browser, at(app))
    await site.run(lambda tx: tx.execute("UPDATE app SET scope = 'im,log,task,user'"))
    page = await browser.get(at(app))
    assert page.status == 200
    assert "by now it may do more" in page.text
    assert "Read and change tasks" in page.text
    await allow(browser, at(app))
    assert (await browser.get(at(app))).status == 302


async def test_the_question_says_who_asks_for_whom_and_what(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    page = await browser.get(at(app))
    assert "Mirror &lt;b&gt;" in page.text
    assert "Mirror <b>" not in page.text
    assert site.house.seeded.people[1].name in page.text
    assert "Send notifications and chat messages in your name" in page.text
    assert "app.example" in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://app.example;" in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_question_speaks_russian(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    browser.cookies["livefeed_language"] = "ru"
    assert "Разрешить «Mirror &lt;b&gt;»?" in (await browser.get(at(app))).text


async def test_denying_sends_nobody_anywhere_and_is_asked_anew(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    answer = await browser.submit(at(app), seen_at=at(app), answer="deny")
    assert answer.status == 200
    assert "location" not in answer.headers
    assert "You did not allow it" in answer.text
    assert (await browser.get(at(app))).status == 200
    assert (
        await site.house.store.read(lambda tx: tx.execute("SELECT * FROM authorization_code").fetchall())
    ) == []


@pytest.mark.parametrize(
    "state",
    [
        "",
        "a b&c=d#e",
        "https://evil.example/?x=1",
        "%2F%2Fevil",
        "я€😀",
        "line one\nline two\r\n",
        "\"'><script>",
        "x" * 4_000,
    ],
)
async def test_the_state_comes_back_unchanged(site: Site, app: App, state: str) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    url = at(app, quote(state, safe=""))
    page = (await browser.get(url)).text
    action = re.findall(r'<form class="card" method="post" action="([^"]*)"', page)[0].replace("&amp;", "&")
    given = await browser.submit(action, seen_at=url, answer="allow")
    for location in (given.headers["location"], (await browser.get(url)).headers["location"]):
        pairs = dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))
        assert pairs["state"] == state
        assert urlsplit(location).netloc == "app.example"


async def test_without_a_state_none_comes_back(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    assert "state=" not in (await allow(browser, at(app, None))).headers["location"]


@pytest.mark.parametrize(
    "more",
    [
        "redirect_uri=https://evil.example",
        "redirect_uri=//evil.example",
        "redirect_url=https://evil.example",
        "next=https://evil.example",
        "redirect_uri[]=https://evil.example",
        "REDIRECT_URI=https://evil.example",
        "state=x&state=https://evil.example",
        "state[]=x",
        "response_type=token",
        "domain=evil.example",
        "scope=crm",
        "server_domain=evil.example",
        "client_id=x&client_id=",
        "%zz",
        "code=abc",
    ],
)
async def test_nothing_in_the_address_changes_where_codes_are_sent(site: Site, app: App, more: str) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    await allow(browser, at(app))
    url = f"/oauth/authorize/?{more}&client_id={app.client_id}"
    answer = await browser.get(url)
    assert answer.status == 302
    assert answer.headers["location"].startswith(f"{HOME}?code=")
    assert f"domain={quote('127.0.0.1:8024', safe='')}" in answer.headers["location"]


async def test_an_unknown_removed_or_withheld_application_gets_no_redirect(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    await allow(browser, at(app))
    withheld = await site.add_app(interface=True, redirect_uri=HOME)
    await site.do("app_remove", client_id=app.client_id)
    unpaid = await site.add_app(redirect_uri=HOME)
    await site.do("app_payment", client_id=unpaid.client_id, until="2020-01-01T00:00:00Z")
    for url, status, words in [
        (at(app), 404, "There is no such application"),
        (at(withheld), 403, "The installation is not finished"),
        (at(unpaid), 402, "The paid period is over"),
        ("/oauth/authorize/?client_id=local.0.0", 404, "There is no such application"),
        ("/oauth/authorize/?client_id=", 400, "not complete"),
        ("/oauth/authorize/", 400, "not complete"),
        ("/oauth/authorize/?client_id=x%00y", 400, "not complete"),
        (f"/oauth/authorize/?client_id={withheld.client_id}&state={'x' * 4_001}", 400, "not complete"),
    ]:
        answer = await browser.get(url)
        assert (answer.status, "location" in answer.headers) == (status, False), url
        assert words in answer.text
        token = await browser.token("/")
        sent = await browser.send(url, token=token, answer="allow")
        assert "evil" not in sent.headers.get("location", "")
        assert not sent.headers.get("location", "/").startswith("http")


async def test_an_application_of_another_portal_is_unknown(site: Site, app: App) -> None:
    await site.run(lambda tx: tx.execute("UPDATE app SET portal = ?", ("f" * 32,)))
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    assert (await browser.get(at(app))).status == 404


async def test_an_application_without_an_address_gets_its_code_by_hand(site: Site) -> None:
    app, browser = await site.add_app(name="Desk"), await signed_in(site.house, 2, app=site.server.asgi)
    question = await browser.get(at(app))
    assert "You will be shown a code" in question.text
    assert "form-action 'self';" in question.headers["content-security-policy"]
    for page in (await allow(browser, at(app)), await browser.get(at(app))):
        assert page.status == 200
        code = re.findall(r'id="code">([a-z0-9]{32})<', page.text)[0]
        assert (await exchange(site, app, code))[1]["user_id"] == 2


async def test_looking_with_head_gives_no_code(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    await allow(browser, at(app))
    cookie = "; ".join(f"{name}={value}" for name, value in browser.at_port().items())
    answer = await site.http("HEAD", at(app), headers={"cookie": cookie})
    assert "location" not in answer.headers
    rows = await site.house.store.read(lambda tx: tx.execute("SELECT 1 FROM authorization_code").fetchall())
    assert len(rows) == 1


@pytest.mark.parametrize("token", ["", "x" * 32])
async def test_an_allowance_of_another_sites_form_counts_for_nothing(
    site: Site, app: App, token: str
) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    answer = await browser.send(at(app), token=token, answer="allow")
    assert (answer.status, "location" in answer.headers) == (403, False)
    own = await browser.token(at(app))
    answer = await browser.send(
        at(app), headers={"origin": "https://evil.example"}, token=own, answer="allow"
    )
    assert answer.status == 403
    assert (await browser.get(at(app))).status == 200  # it still asks


async def test_somebody_elses_form_token_allows_nothing(site: Site, app: App) -> None:
    mine, theirs = [await signed_in(site.house, person, app=site.server.asgi) for person in (2, 3)]
    answer = await theirs.send(at(app), token=await mine.token(at(app)), answer="allow")
    assert answer.status == 403


@pytest.mark.parametrize("answer", ["", "ALLOW", "yes", "allow\n"])
async def test_only_a_clear_yes_is_a_yes(site: Site, app: App, answer: str) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    said = await browser.submit(at(app), seen_at=at(app), answer=answer)
    assert "location" not in said.headers


@pytest.mark.parametrize("body", [b"token=%00", b"a" * 1_100_000, b"token[]=x", b"%"])
async def test_odd_forms_get_a_page(site: Site, app: App, body: bytes) -> None:
    answer = await site.http("POST", at(app), body=body)
    assert answer.status in (400, 403)
    assert "<h1>" in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_another_http_method_is_refused(site: Site, app: App, method: str) -> None:
    assert (await site.http(method, at(app))).status == 405


async def test_the_address_works_without_the_last_slash(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    assert (await browser.get(f"/oauth/authorize?client_id={app.client_id}")).status == 200


async def test_a_person_dismissed_between_question_and_answer_allows_nothing(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 3, app=site.server.asgi)
    token = await browser.token(at(app))
    await site.do("user_dismiss", user="3")
    answer = await browser.send(at(app), token=token, answer="allow")
    assert not answer.headers.get("location", "/").startswith("http")
    rows = await site.house.store.read(lambda tx: tx.execute("SELECT 1 FROM authorization_code").fetchall())
    assert rows == []


async def test_an_uninstalled_application_loses_every_consent(site: Site, app: App) -> None:
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    await allow(browser, at(app))
    await site.do("app_remove", client_id=app.client_id)
    rows = await site.house.store.read(lambda tx: tx.execute("SELECT 1 FROM consent").fetchall())
    assert rows == []

"""Opening a page: who is let in, whose tokens are kept, and what a page may do."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from livefeed.app import App, PageContext
from livefeed.errors import NotYet, PostUnreadable, SettingsError
from livefeed.secrets import Secret
from livefeed.wire.frames import FrameRequest, frame_fields

from .bodies import APPLICATION_TOKEN, MEMBER
from .conftest import House, Opening

QUERY = urlencode({"DOMAIN": "some-domain.bitrix24.com", "PROTOCOL": "1", "LANG": "en", "APP_SID": "s" * 32})


def paged() -> App:
    app = App.from_settings({})

    @app.page()
    async def own(page: PageContext) -> str:
        name = (await page.client.call("user.current")).result
        return f"<p>user {page.user_id} is {name['ID']}</p><a href='{page.url('more', q='a b')}'>more</a>"

    @app.page(path="more")
    async def more(page: PageContext) -> str:
        return f"<p>{page.user_id} asked {page.query['q']} of {page.options}</p>"

    @app.page(path="words")
    async def asks(page: PageContext) -> str:
        return "<form method=post>"

    @app.form(path="words")
    async def sent(page: PageContext) -> str:
        return f"<p>{len(page.form['words'])} letters {page.form['end']}</p>"

    @app.page("LIVEFEED_POST")
    async def on_post(page: PageContext) -> str:
        match page.options["POST_ID"]:
            case "1":
                raise ValueError("a mistake in the page")
            case "2":
                raise PostUnreadable("nobody sees it")
            case "3":
                raise NotYet("the running time of user.get is used up", after_s=40)
            case _:
                return f"<p>post {page.options['POST_ID']}</p>"

    return app


async def post_frame(house: House, *, user: int = 7, query: str = QUERY, **fields: Any):
    access, refresh = house.portal.issue(user)
    request = FrameRequest(
        access_token=access, refresh_token=refresh, member_id=MEMBER, application_token=APPLICATION_TOKEN
    )
    body = {**frame_fields(request), **{name: value for name, value in fields.items() if value is not None}}
    for name, value in fields.items():
        if value is None:
            del body[name]
    return await house.post(f"/frame?{query}", urlencode(body).encode())


async def get(house: House, path: str):
    return await house.http.send("GET", f"{house.url}{path}", body=None)


def text(answer: Any) -> str:
    return answer.body.decode()


def link(answer: Any) -> str:
    return re.findall(r"href='([^']+)'", text(answer))[0]


@pytest.fixture
async def house(serve: Opening) -> House:
    opened = await serve(paged())
    assert (await opened.install()).status == 200
    return opened


async def tokens(house: House) -> dict[int, str]:
    return {row["user_id"]: row["kind"] for row in await house.rows("SELECT user_id, kind FROM token")}


async def test_a_page_is_shown_with_the_rights_of_who_opened_it(house: House):
    answer = await post_frame(house, user=7)

    assert answer.status == 200
    assert "user 7 is 7" in text(answer)


async def test_only_that_portal_may_frame_the_page_and_no_script_of_ours_is_inline(house: House):
    policy = (await post_frame(house)).headers["content-security-policy"]

    assert f"frame-ancestors {house.portal.url};" in f"{policy};"
    assert "unsafe-inline" not in policy
    assert "x-frame-options" not in (await post_frame(house)).headers


async def test_the_tokens_of_who_opened_it_are_kept_beside_the_installers(house: House):
    before = await house.rows("SELECT access FROM token WHERE user_id = 1")

    await post_frame(house, user=7)
    await post_frame(house, user=1)

    assert {1: "installer", 7: "opener"} == await tokens(house)
    assert before == await house.rows("SELECT access FROM token WHERE user_id = 1")


async def test_further_requests_need_nothing_but_the_ticket_in_their_path(house: House):
    first = await post_frame(house, PLACEMENT_OPTIONS='{"a":"1"}')

    answer = await get(house, link(first))

    assert (answer.status, text(answer)) == (200, "<p>7 asked a b of {'a': '1'}</p>")
    assert "set-cookie" not in {**first.headers, **answer.headers}


async def test_a_form_brings_all_that_was_written(house: House):
    address = link(await post_frame(house)).replace("more?", "words?")

    answer = await house.post(address, urlencode({"words": "ж" * 2_000, "end": "."}).encode())

    assert (answer.status, text(answer)) == (200, "<p>2000 letters .</p>")


async def test_a_ticket_ends_after_an_hour(house: House):
    address = link(await post_frame(house))
    house.clock.advance(3600)

    assert 403 == (await get(house, address)).status


async def test_a_ticket_ends_with_the_installation(house: House):
    address = link(await post_frame(house))
    await house.uninstall()

    assert 403 == (await get(house, address)).status


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-3] + "AAA", lambda t: "x", lambda t: t[::-1], lambda t: t * 3]
)
async def test_a_ticket_that_was_changed_opens_nothing(house: House, spoil):
    _, _, ticket, rest = link(await post_frame(house)).split("/", 3)

    assert 403 == (await get(house, f"/frame/{spoil(ticket)}/{rest}")).status


async def test_a_ticket_shows_nobody_what_is_in_it(house: House):
    assert MEMBER not in link(await post_frame(house))


async def test_a_page_is_asked_for_by_get_and_opened_by_post(house: House):
    address = link(await post_frame(house))

    assert 405 == (await house.post(address, b"")).status
    assert 405 == (await get(house, "/frame")).status


@pytest.mark.parametrize("path", ["nowhere", "more/", "%00", "more%2f" + "a" * 3000])
async def test_elsewhere_the_application_shows_nothing(house: House, path: str):
    address = link(await post_frame(house)).partition("more")[0]

    assert 404 == (await get(house, address + path)).status


async def test_a_place_that_shows_nothing_says_so(house: House):
    assert 404 == (await post_frame(house, PLACEMENT="LEFT_MENU")).status


async def test_an_application_without_a_page_says_that_it_works_and_keeps_the_tokens(serve: Opening):
    house = await serve()
    await house.install()

    answer = await post_frame(house, user=7)

    assert (200, True) == (answer.status, "works in the background" in text(answer))
    assert {1: "installer", 7: "opener"} == await tokens(house)


@pytest.mark.parametrize(
    "fields",
    [
        {"AUTH_ID": "stolen-from-nowhere"},
        {"member_id": "f" * 32},
    ],
)
async def test_an_opening_that_cannot_be_proved_shows_and_keeps_nothing(house: House, fields):
    answer = await post_frame(house, **fields)

    assert (403, True) == (answer.status, "did not confirm" in text(answer))
    assert {1: "installer"} == await tokens(house)


async def test_an_expired_token_opens_nothing(house: House):
    access, _ = house.portal.issue(7)
    house.portal.expire_all()

    assert 403 == (await post_frame(house, AUTH_ID=access)).status


async def test_a_token_of_another_application_opens_nothing(house: House):
    house.portal.client_id = "local.000000000000000000000000"

    assert 403 == (await post_frame(house)).status
    assert {1: "installer"} == await tokens(house)


async def test_a_token_of_another_portal_opens_nothing_here(house: House):
    house.portal.member_id = "c" * 32

    assert 403 == (await post_frame(house)).status


async def test_where_a_page_stands_is_not_taken_from_the_request(house: House):
    query = urlencode({"DOMAIN": "evil.example", "PROTOCOL": "1", "LANG": "en", "APP_SID": "x"})

    answer = await post_frame(house, query=query, SERVER_ENDPOINT="https://evil.example/rest/")

    assert "user 7 is 7" in text(answer)
    assert "evil" not in answer.headers["content-security-policy"]


async def test_an_opening_sent_again_replaces_no_newer_pair(house: House):
    old = house.portal.issue(7)
    await post_frame(house, AUTH_ID=old[0], REFRESH_ID=old[1])
    house.clock.advance(60)
    await post_frame(house)
    before = await house.rows("SELECT access, refresh FROM token WHERE user_id = 7")

    again = await post_frame(house, AUTH_ID=old[0], REFRESH_ID=old[1], AUTH_EXPIRES="0")

    assert (200, before) == (
        again.status,
        await house.rows("SELECT access, refresh FROM token WHERE user_id = 7"),
    )


async def test_how_long_a_token_lasts_is_told_by_the_authorization_server(house: House):
    house.portal.expires = "1970-01-01T00:00:00+00:00"

    await post_frame(house, AUTH_EXPIRES="3600")

    (row,) = await house.rows("SELECT expires_at - received_at AS life FROM token WHERE user_id = 7")
    assert 0 == row["life"]


async def test_another_application_token_is_taken_from_an_administrator_only(house: House):
    await post_frame(house, user=7, APPLICATION_TOKEN="n" * 32)
    assert 403 == (await house.event(application_token="n" * 32)).status

    house.portal.admins.add(7)
    await post_frame(house, user=7, APPLICATION_TOKEN="n" * 32)

    assert 200 == (await house.event(application_token="n" * 32)).status
    assert 200 == (await house.event()).status, "the old one counts for a day"


async def test_an_unknown_portal_is_installed_by_an_administrators_opening(serve: Opening):
    house = await serve(paged())

    answer = await post_frame(house, user=1)

    assert (200, {1: "installer"}) == (answer.status, await tokens(house))
    assert "user 1 is 1" in text(answer)
    assert 200 == (await house.event()).status
    assert 1 == house.portal.refreshes, "the refresh token that travelled is used up"


async def test_an_unknown_portal_is_not_installed_by_anybody_else(serve: Opening):
    house = await serve(paged())

    answer = await post_frame(house, user=7)

    assert (403, True) == (answer.status, "administrator" in text(answer))
    assert f"frame-ancestors {house.portal.url}" in answer.headers["content-security-policy"]
    assert [] == await house.rows("SELECT * FROM install") == await house.rows("SELECT * FROM token")


async def test_a_portal_of_the_settings_is_open_to_everybody(serve: Opening):
    house = await serve(paged(), member_id=MEMBER, application_token=Secret(APPLICATION_TOKEN))

    assert "user 7 is 7" in text(await post_frame(house, user=7))
    assert {7: "opener"} == await tokens(house)


async def test_a_local_application_takes_no_other_portal(serve: Opening):
    house = await serve(paged(), member_id="d" * 32)

    assert 403 == (await post_frame(house, user=1)).status
    assert [] == house.portal.calls


async def test_a_portal_that_left_is_installed_again_by_an_administrators_opening(house: House):
    await house.uninstall()
    assert 403 == (await post_frame(house, user=7)).status

    assert 200 == (await post_frame(house, user=1)).status
    assert 200 == (await house.event()).status


async def test_a_page_whose_method_has_no_time_left_is_put_off(house: House):
    answer = await post_frame(house, PLACEMENT="LIVEFEED_POST", PLACEMENT_OPTIONS='{"POST_ID":"3"}')

    assert (503, True) == (answer.status, "Try again in a minute" in text(answer))


async def test_an_authorization_server_that_is_away_is_said(house: House):
    house.portal.down = 503

    assert (503, True) == ((answer := await post_frame(house)).status, "does not answer" in text(answer))


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"AUTH_ID=%zz", b'{"AUTH_ID":"a"}', b"AUTH_ID=a&member_id=x&PLACEMENT_OPTIONS=[1]"],
)
async def test_what_is_no_opening_is_refused_with_400(house: House, body: bytes):
    answer = await house.post("/frame", body)

    assert (400, True) == (
        answer.status,
        "frame-ancestors 'none'" in answer.headers["content-security-policy"],
    )


async def test_a_body_that_is_too_long_is_refused(house: House):
    assert 413 == (await house.post("/frame", b"a" * 70_000)).status


async def test_a_page_that_fails_says_so_and_tells_nothing(house: House):
    answer = await post_frame(house, PLACEMENT="LIVEFEED_POST", PLACEMENT_OPTIONS='{"POST_ID":"1"}')

    assert (500, False) == (answer.status, "mistake" in text(answer))


async def test_a_person_the_portal_knows_no_more_is_asked_to_open_again(house: House):
    address = link(await post_frame(house)).partition("more")[0]
    house.portal.live.clear()
    house.portal.refresh.clear()
    house.portal.expired |= {"gone"}
    house.portal.methods["user.current"] = lambda params: 1 / 0

    assert 403 == (await get(house, address)).status


async def test_words_are_in_the_language_of_the_person(house: House):
    query = urlencode({"LANG": "ru"})

    answer = await post_frame(house, query=query, AUTH_ID="nobody")

    assert "ru" == answer.headers["content-language"]
    assert "Откройте приложение" in text(answer)


def test_two_handlers_of_one_page_are_refused():
    app = paged()

    with pytest.raises(SettingsError):
        app.page()(paged().pages.find("DEFAULT", ""))
    with pytest.raises(SettingsError):
        app.page(path="/absolute")(paged().pages.find("DEFAULT", ""))

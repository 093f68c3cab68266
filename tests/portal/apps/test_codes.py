"""Authorization codes: 32 characters, 30 seconds, once; whoever uses one again loses what it gave."""

import asyncio
import re

import pytest

from livefeed.portal.people import people
from livefeed.wire.ids import UserId

from ..site import App, Site
from .asking import exchange, first_pair, given_code, lives, refresh


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app(install_url=site.receiver.url + "/install")


def test_a_code_is_32_characters_of_small_letters_and_digits() -> None:
    from livefeed.portal.apps import codes
    from livefeed.secrets import KeyRing

    drawn = {codes.draw(KeyRing([b"k" * 32])).code for _ in range(50)}
    assert len(drawn) == 50
    assert all(re.fullmatch(r"[a-z0-9]{32}", code) for code in drawn)


@pytest.mark.parametrize("by", ["GET", "POST"])
async def test_a_code_is_exchanged_for_the_first_pair(site: Site, app: App, by: str) -> None:
    status, pair = await exchange(site, app, await given_code(site, app, 3), by=by)
    assert status == 200
    assert pair == {
        "access_token": pair["access_token"],
        "client_endpoint": "http://127.0.0.1:8024/rest/",
        "domain": "127.0.0.1:8024",
        "expires": site.house.clock.now_ms() // 1000 + 3600,
        "expires_in": 3600,
        "member_id": app.member_id,
        "refresh_token": pair["refresh_token"],
        "scope": "im,log,user",
        "server_endpoint": "http://127.0.0.1:8024/rest/",
        "status": "L",
        "user_id": 3,
    }
    assert re.fullmatch(r"[a-z0-9]{32}", pair["refresh_token"])
    assert (await site.call(pair["access_token"], "user.current"))["ID"] == "3"


async def test_a_code_is_good_for_30_seconds_and_no_longer(site: Site, app: App) -> None:
    early, late = await given_code(site, app), await given_code(site, app)
    site.house.clock.advance(29.999)
    assert (await exchange(site, app, early))[0] == 200
    site.house.clock.advance(0.001)
    assert (await exchange(site, app, late))[1]["error"] == "invalid_grant"


async def test_a_code_that_comes_back_ends_what_it_was_exchanged_for(site: Site, app: App) -> None:
    code = await given_code(site, app)
    _, pair = await exchange(site, app, code)
    other = await first_pair(site, app)
    status, answer = await exchange(site, app, code)
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert not await lives(site, pair["access_token"])
    assert (await refresh(site, app, pair["refresh_token"]))[1]["error"] == "invalid_grant"
    assert await lives(site, other["access_token"])  # another code's family is another's


async def test_codes_that_nobody_exchanges_do_not_stay(site: Site, app: App) -> None:
    """Whoever allowed an application once may ask for codes as fast as he can."""
    used = await given_code(site, app)
    await exchange(site, app, used)
    for _ in range(20):
        await given_code(site, app)
        site.house.clock.advance(31)

    [stored] = (await site.run(lambda tx: tx.execute("SELECT count(*) FROM authorization_code").fetchall()))[
        0
    ]

    assert 2 == stored, "the last one, and the one that was used: should it come back, that has to be known"
    assert (await exchange(site, app, used))[1]["error"] == "invalid_grant"


async def test_a_code_that_comes_back_months_later_ends_all_that_came_of_it(site: Site, app: App) -> None:
    code = await given_code(site, app)
    _, pair = await exchange(site, app, code)
    site.house.clock.advance(100 * 86_400)
    _, renewed = await refresh(site, app, pair["refresh_token"])
    await given_code(site, app)  # old codes are dropped here
    assert (await exchange(site, app, code))[1]["error"] == "invalid_grant"
    assert not await lives(site, renewed["access_token"])
    assert (await refresh(site, app, renewed["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_of_two_exchanges_at_once_one_gets_nothing_and_the_other_what_dies(
    site: Site, app: App
) -> None:
    code = await given_code(site, app)
    answers = await asyncio.gather(*(exchange(site, app, code) for _ in range(5)))
    good = [answer for status, answer in answers if status == 200]
    assert len(good) == 1
    assert not await lives(site, good[0]["access_token"])


async def test_a_stolen_code_is_nothing_to_another_application_and_stays_good(site: Site, app: App) -> None:
    code, thief = await given_code(site, app), await site.add_app()
    assert (await exchange(site, thief, code))[1]["error"] == "invalid_grant"
    assert (await exchange(site, app, code))[0] == 200


async def test_a_wrong_secret_does_not_use_up_a_code(site: Site, app: App) -> None:
    code = await given_code(site, app)
    assert (await exchange(site, app, code, client_secret="x" * 50))[1]["error"] == "invalid_client"
    assert (await exchange(site, app, code))[0] == 200


async def test_a_code_is_no_refresh_token_and_no_access_token(site: Site, app: App) -> None:
    code = await given_code(site, app)
    assert (await refresh(site, app, code))[1]["error"] == "invalid_grant"
    assert not await lives(site, code)


async def test_several_people_have_pairs_of_one_application(site: Site, app: App) -> None:
    pairs = {person: await first_pair(site, app, person) for person in (1, 2, 3)}
    for person, pair in pairs.items():
        _, renewed = await refresh(site, app, pair["refresh_token"])
        assert (renewed["user_id"], pair["user_id"]) == (person, person)
        assert (await site.call(renewed["access_token"], "user.current"))["ID"] == str(person)


@pytest.mark.parametrize("end", ["uninstalled", "rotated", "dismissed"])
async def test_a_code_dies_with_its_application_and_its_person(site: Site, app: App, end: str) -> None:
    code, secret = await given_code(site, app, 3), ""
    match end:
        case "uninstalled":
            await site.do("app_remove", client_id=app.client_id)
        case "rotated":
            secret = (await site.do("app_rotate", client_id=app.client_id))["client_secret"]
        case _:
            await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    given = {"client_secret": secret} if secret else {}
    _, answer = await exchange(site, app, code, **given)
    assert answer["error"] == ("invalid_client" if end == "uninstalled" else "invalid_grant")


async def test_a_code_stands_in_the_database_only_as_a_hash(site: Site, app: App) -> None:
    code = await given_code(site, app)
    rows = await site.house.store.read(
        lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM authorization_code")]
    )
    assert len(rows) == 1
    assert code not in repr(rows)
    assert code.encode().hex() not in repr(rows)

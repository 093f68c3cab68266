"""People are taken in, given passwords and dismissed by an administrator's operations."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from livefeed.errors import LivefeedError
from livefeed.portal.people import passwords
from livefeed.secrets import Secret

from ..browser import signed_in
from ..conftest import House
from ..site import Site, standing


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with standing(house) as found:
        yield found


async def is_password(site: Site, login: str, password: str) -> bool:
    member_id = site.house.portal.member_id
    found = await site.house.store.read(lambda tx: passwords.find(tx, member_id, login))
    return await passwords.is_right(found, Secret(password))


async def test_a_person_who_was_taken_in_works_here(site: Site) -> None:
    added = await site.do(
        "user_add", login="vera", first_name="Vera", last_name="Sergeeva", department=2, position="Editor"
    )
    assert await is_password(site, "vera", added["password"])
    app = await site.add_app()
    (row,) = await site.call(await site.token(app), "user.get", ID=added["id"])
    assert (row["NAME"], row["LAST_NAME"], row["WORK_POSITION"]) == ("Vera", "Sergeeva", "Editor")
    assert row["UF_DEPARTMENT"] == [2]
    codes = await site.house.store.read(
        lambda tx: {
            code for (code,) in tx.execute("SELECT code FROM access_code WHERE person = ?", (added["id"],))
        }
    )
    assert {"UA", f"U{added['id']}", "D2", "DR2", "DR1"} <= codes


async def test_a_new_password_replaces_the_old_one_and_ends_every_session(site: Site) -> None:
    old = (await site.do("user_add", login="vera"))["password"]
    browser = await signed_in(site.house, 2, app=site.server.asgi)
    await site.do("user_password", user="2", password="long enough")
    new = await site.do("user_password", user="vera")
    assert not await is_password(site, "vera", old)
    assert await is_password(site, "vera", new["password"])
    assert (await browser.get("/")).status == 303


@pytest.mark.parametrize("name", ["3", "login"])
async def test_dismissal_ends_sessions_tokens_and_webhooks(site: Site, name: str) -> None:
    login = site.house.seeded.people[2].login
    browser, app = await signed_in(site.house, 3, app=site.server.asgi), await site.add_app()
    token = await site.token(app, 3)
    assert (await browser.get("/")).status == 200
    assert (await site.ask(token, "profile")).status == 200
    webhook = site.house.webhook(3, "profile")
    assert (await site.http("GET", webhook)).status == 200
    document = await site.do("user_dismiss", user=login if name == "login" else name)
    assert document == {"id": 3, "login": login, "dismissed": True}
    assert (await browser.get("/")).headers["location"] == "/login?next=/"
    assert (await site.ask(token, "profile")).status == 401
    assert (await site.http("GET", webhook)).status == 401
    rows = await site.house.store.read(
        lambda tx: tx.execute("SELECT count(*) FROM web_session WHERE person = 3").fetchone()
    )
    assert rows[0] == 0


async def test_the_last_administrator_stays(site: Site) -> None:
    with pytest.raises(LivefeedError, match="last administrator"):
        await site.do("user_dismiss", user="1")
    await site.do("user_add", login="vera", admin=True)
    assert (await site.do("user_dismiss", user="1"))["dismissed"]


@pytest.mark.parametrize(
    ("operation", "given", "said"),
    [
        ("user_add", {"login": "anna"}, "is taken"),
        ("user_add", {"login": "Vera"}, "small letters"),
        ("user_add", {"login": "12"}, "small letters"),
        ("user_add", {"login": ""}, "small letters"),
        ("user_add", {"login": "o" * 65}, "small letters"),
        ("user_add", {"login": "vera\n"}, "small letters"),
        ("user_add", {"login": "vera\x00"}, "small letters"),
        ("user_add", {"login": "vera", "first_name": "a\x00b"}, "first_name"),
        ("user_add", {"login": "vera", "department": 999}, "department 999"),
        ("user_add", {"login": "vera", "department": 2**70}, "department"),
        ("user_add", {"login": "vera", "password": "short"}, "password"),
        ("user_add", {"login": "vera", "language": "de"}, "language"),
        ("user_password", {"user": "nobody"}, "nobody works here"),
        ("user_password", {"user": "99"}, "nobody works here"),
        ("user_password", {"user": "2", "password": "x" * 201}, "password"),
        ("user_dismiss", {"user": "nobody"}, "nobody works here"),
        ("user_dismiss", {}, "user"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason(
    site: Site, operation: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(LivefeedError, match=said):
        await site.do(operation, **given)


async def test_nobody_is_dismissed_twice(site: Site) -> None:
    await site.do("user_dismiss", user="3")
    with pytest.raises(LivefeedError, match="nobody works here"):
        await site.do("user_dismiss", user="3")

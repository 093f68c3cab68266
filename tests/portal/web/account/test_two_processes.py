"""Two servers of one portal on one database are as one: people and applications may come to either."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests import engines

from livefeed.durable.store import open_store
from livefeed.portal import portals
from livefeed.portal.server import ROOMS, Portal, PortalOptions
from livefeed.portal.web.account.signin import LOGIN_TRIES

from ...apps.asking import exchange, given_code, lives, refresh
from ...browser import Browser
from ...site import App, Site
from .test_signin import enter


@pytest.fixture
async def other(site: Site, tmp_path: Path) -> AsyncIterator[Site]:
    """The same portal at another process; on PostgreSQL it has the database open for itself."""
    store = site.house.store
    if store.engine != "sqlite":
        store = open_store(engines.database(tmp_path, "portal"), ROOMS, site.house.clock)
    options = PortalOptions(allow_private=True, is_dispatching=False)
    portal = Portal(store=store, keys=site.house.keys, clock=site.house.clock, options=options)
    async with portal.running():
        yield replace(site, server=portal)
    if store is not site.house.store:
        await store.close()


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app(install_url=site.receiver.url + "/install")


async def test_a_session_begun_at_one_is_valid_at_the_other_until_it_is_ended_at_either(
    site: Site, other: Site
):
    here, there = Browser(site.server.asgi), Browser(other.server.asgi)
    assert (await enter(here)).status == 303
    there.cookies = dict(here.cookies)
    assert "James" in (await there.get("/")).text

    assert (await there.submit("/logout")).status == 303
    assert "James" not in (await here.get("/")).text


async def test_a_form_that_one_showed_is_taken_by_the_other(site: Site, other: Site):
    here, there = Browser(site.server.asgi), Browser(other.server.asgi)
    await enter(here)
    token = await here.token("/")
    there.cookies = dict(here.cookies)

    assert (await there.send("/logout", token=token)).status == 303


async def test_guessers_who_change_processes_are_slowed_down_all_the_same(site: Site, other: Site):
    servers = (site.server.asgi, other.server.asgi)
    for number in range(LOGIN_TRIES):
        assert (await enter(Browser(servers[number % 2]), password="wrong")).status == 403

    assert (await enter(Browser(servers[0]))).status == 429
    assert (await enter(Browser(servers[1]))).status == 429


async def test_a_code_given_at_one_is_exchanged_at_the_other_and_once(site: Site, other: Site, app: App):
    code = await given_code(site, app)
    status, pair = await exchange(other, app, code)
    assert status == 200
    assert await lives(site, pair["access_token"])

    assert (await exchange(site, app, code))[1]["error"] == "invalid_grant"
    assert not await lives(other, pair["access_token"]), (
        "whoever uses a code again loses what it gave, at both"
    )


async def test_a_pair_of_one_is_refreshed_at_the_other(site: Site, other: Site, app: App):
    _, pair = await exchange(site, app, await given_code(site, app))
    status, renewed = await refresh(other, app, pair["refresh_token"])

    assert status == 200
    assert await lives(site, renewed["access_token"])


async def test_an_application_removed_at_one_can_do_nothing_at_the_other(site: Site, other: Site, app: App):
    _, pair = await exchange(other, app, await given_code(site, app))
    assert await lives(other, pair["access_token"])
    await site.do("app_remove", client_id=app.client_id)

    assert not await lives(other, pair["access_token"])


async def test_what_is_written_at_one_is_read_at_the_other(site: Site, other: Site, app: App):
    token = await site.token(app)
    post = await site.call(token, "log.blogpost.add", POST_TITLE="T", POST_MESSAGE="here", DEST=["UA"])

    (row,) = await other.call(token, "log.blogpost.get", POST_ID=post)
    assert row["DETAIL_TEXT"] == "here"


async def test_a_portal_that_was_added_at_one_has_its_address_at_the_other(site: Site, other: Site):
    added = await site.house.store.write(
        lambda tx: portals.create(tx, public_url="http://second.example", name="Second")
    )

    async def is_named() -> bool:
        answer = await other.http("GET", "/login", headers={"host": added.host})
        return "Second" in answer.text

    for _ in range(200):  # it hears of it a moment later
        if await is_named():
            break
        await other.house.store.probe()
    assert await is_named()

"""Two servers of one application on one database are as one: neither keeps what matters in its memory.

Both live in this process. On PostgreSQL each has the database open for itself, as on two machines; on SQLite
they share one open store, and one of them hears of no commit. What one knows, the other can only have read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.client.fake_portal import FakePortal
from tests.client.serving import serving

from livefeed.app import App, PageContext
from livefeed.app.console.entry import COOKIE
from livefeed.app.runtime import ROOMS
from livefeed.app.server import AppServer
from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.net.http import HttpClient
from livefeed.settings import AppSettings
from livefeed.wire.ids import MemberId

from .bodies import MEMBER
from .conftest import ADMIN, House
from .test_console import TOKEN, Visitor, inside
from .test_signin import Browser


class Deaf:
    """The store as a process sees it that misses every notification."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def listen(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        del topic, callback
        return lambda: None


def paged(settings: AppSettings) -> App:
    app = App(settings)

    @app.page()
    async def own(page: PageContext) -> str:
        return f"<p>user {page.user_id}"

    return app


@pytest.fixture
async def stores(settings: AppSettings, clock: ManualClock) -> AsyncIterator[tuple[Store, Any]]:
    """The database as two processes see it; the second one hears of no commit on SQLite."""
    first = open_store(settings.db, ROOMS, clock)
    second = Deaf(first) if first.engine == "sqlite" else open_store(settings.db, ROOMS, clock)
    yield first, second
    await first.close()
    if not isinstance(second, Deaf):
        await second.close()


@pytest.fixture
async def houses(
    settings: AppSettings,
    clock: ManualClock,
    portal: FakePortal,
    http: HttpClient,
    stores: tuple[Store, Any],
) -> AsyncIterator[tuple[House, House]]:
    """Both work when they are told to."""
    async with AsyncExitStack() as stack:
        both: list[House] = []
        for seen in stores:
            server = AppServer(
                paged(settings), settings=settings, clock=clock, admin_token=ADMIN, works=False, store=seen
            )
            url = await stack.enter_async_context(serving(server, lifespan="on"))
            both.append(House(url, server, http, portal, clock))
        both[1].running.runtime.portals.is_shared = True
        yield both[0], both[1]


async def test_an_installation_at_one_opens_the_door_of_the_other(houses: tuple[House, House]):
    here, there = houses
    assert (await there.event()).status == 403
    assert (await here.install()).status == 200

    assert (await there.event()).status == 200


async def test_an_event_of_nobody_is_refused_at_both_alike(houses: tuple[House, House]):
    here, there = houses
    await here.install()

    one, other = await here.event(member_id="f" * 32), await there.event(member_id="f" * 32)

    assert (one.status, one.body) == (other.status, other.body)
    assert one.status == 403


async def test_a_crowd_of_strangers_shares_few_reads(houses: tuple[House, House]):
    portals = houses[1].running.runtime.portals
    before = portals.catch_up
    asked = 0

    async def counted() -> None:
        nonlocal asked
        asked += 1
        await before()

    portals.catch_up = counted
    following = before.__self__
    await asyncio.gather(*(portals.judge_again("f" * 32, "x") for _ in range(200)))

    assert asked == 200
    assert following._begun <= 3, "one that was under way, and one for all who came meanwhile"


async def test_an_uninstallation_at_one_closes_the_door_of_who_hears_of_it(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    assert (await there.event()).status == 200
    assert (await there.uninstall()).status == 200

    await here.running.runtime.portals.catch_up()
    assert (await here.event()).status == 403
    assert (await there.event()).status == 403


async def test_an_uninstallation_after_an_installation_elsewhere_is_taken(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    await there.uninstall()
    await here.install()

    assert (await there.uninstall()).status == 200
    await here.running.runtime.portals.catch_up()
    assert (await here.event()).status == 403


async def test_an_erased_portal_is_forgotten_at_both(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    await there.uninstall()
    here.clock.advance(31 * 24 * 3_600)

    await there.running.leaving.erase_due()  # if the housekeeping of one has not been faster
    assert await here.running.leaving.erase_due() == 0, "the other one was faster"

    await here.running.runtime.portals.catch_up()
    assert here.running.runtime.portals.every() == []
    assert there.running.runtime.portals.every() == []


async def test_work_for_a_portal_that_was_installed_elsewhere_is_done(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    assert (await here.event()).status == 200

    await there.work()

    (event,) = [row for row in await there.inbox() if row.event == "ONLIVEFEEDPOSTUPDATE"]
    assert event.state == "done"


async def test_a_portals_new_address_is_known_at_both(houses: tuple[House, House], portal: FakePortal):
    here, there = houses
    await here.install()
    await there.running.runtime.portals.catch_up()
    portal.endpoint = "http://127.0.0.1:9/moved/rest/"
    known = there.running.runtime.portals.get(MemberId(MEMBER))

    token = await there.running.runtime.vault.access(known.member_id, 1)
    assert await there.running.runtime.relocate(known, token) == portal.endpoint

    await here.running.runtime.portals.catch_up()
    assert here.running.runtime.portals.get(MemberId(MEMBER)).endpoint == portal.endpoint


async def test_a_sign_in_begun_at_one_ends_at_the_other(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    browser = Browser(here)
    state = await browser.leave()
    browser.house = there

    assert (await browser.come_back(state)).status == 200


async def test_a_state_used_at_one_is_refused_at_the_other(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    browser = Browser(here)
    state = await browser.leave()
    cookie = browser.cookie
    assert (await browser.come_back(state)).status == 200

    browser.house, browser.cookie = there, cookie
    assert (await browser.come_back(state)).status == 403


def of_one_address(cookie: str) -> str:
    """As it is called where both stand behind one address that names no port."""
    return f"{COOKIE}={cookie.partition('=')[2]}"


async def test_whoever_was_let_in_by_one_console_is_let_in_by_the_other(houses: tuple[House, House]):
    here, there = houses
    visitor = await inside(here)
    visitor._house, visitor.cookie = there, of_one_address(visitor.cookie)

    assert (await visitor.get("")).status == 200


async def test_a_cookie_given_back_at_one_console_opens_no_other(houses: tuple[House, House]):
    here, there = houses
    visitor = await inside(here)
    copy = Visitor(there)
    copy.cookie = of_one_address(visitor.cookie)
    assert (await copy.get("")).status == 200

    await visitor.submit("leave")

    assert (await copy.get("")).status == 401
    assert (await copy.enter(TOKEN)).status == 303


async def test_a_page_opened_at_one_is_followed_at_the_other(houses: tuple[House, House]):
    here, there = houses
    await here.install()
    link = here.server._doors.frames.ticket_for(MemberId(MEMBER), 7, language="en")

    answer = await there.http.send("GET", f"{there.url}{link}")
    assert (answer.status, b"user 7" in answer.body) == (200, True)

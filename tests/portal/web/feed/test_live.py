"""``/live``: each page is told what its person may see, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from livefeed.durable.store import Store
from livefeed.portal import access
from livefeed.portal.people import people, sessions
from livefeed.portal.web.desk import Desk, session
from livefeed.portal.web.feed.live import LiveEndpoint
from livefeed.ui.streams import Streams
from livefeed.wire.ids import UserId

from ...browser import Browser, signed_in
from ...conftest import House

pytestmark = pytest.mark.anyio


class Page:
    """An open page that listens."""

    def __init__(self, endpoint: LiveEndpoint, browser: Browser, query: str = "") -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.at_port().items())
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/live",
            "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1:8024"), (b"cookie", cookie.encode())],
        }
        self.status = 0
        self._said: asyncio.Queue[str] = asyncio.Queue()
        self._left = asyncio.Event()
        self._serving = asyncio.create_task(endpoint(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self._said.put_nowait(message["body"].decode())

    async def hears(self) -> str:
        """The next thing that is said; empty at the end."""
        async with asyncio.timeout(5):
            return await self._said.get()

    async def is_open(self) -> "Page":
        assert await self.hears() == "retry: 2000\n\n"
        return self

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            await self._serving

    async def close(self) -> None:
        self._left.set()
        await self.ended()


Opening = Callable[..., Awaitable[Page]]


@pytest.fixture
def streams() -> Streams:
    return Streams(per_person=2, in_all=4)


@pytest.fixture
async def open_page(house: House, streams: Streams) -> AsyncIterator[Opening]:
    desk = Desk(store=house.store, keys=house.keys, directory=house.directory, is_demo=True)
    endpoint, pages = LiveEndpoint(desk, house.clock, streams), []

    async def open_one(person: int, query: str = "") -> Page:
        page = Page(endpoint, await signed_in(house, person), query)
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        await page.close()


async def test_a_change_of_a_post_is_told_to_those_who_may_see_it_and_not_to_others(
    house: House, open_page: Opening
):
    sales, developer = await (await open_page(8)).is_open(), await (await open_page(5)).is_open()
    await house.call(2, "log.blogpost.update", POST_ID=3, POST_MESSAGE="Only for sales")
    assert await sales.hears() == "data: posts\n\n"
    await house.call(1, "im.notify.system.add", USER_ID=5, MESSAGE="Only for Ivan")
    assert await developer.hears() == "data: bell\n\n", "nothing was told of the post before"


@pytest.mark.parametrize("method", ["log.blogcomment.add", "log.blogpost.delete"])
async def test_comments_and_deletions_are_told_too(house: House, open_page: Opening, method: str):
    page = await (await open_page(8)).is_open()
    await house.call(2, method, POST_ID=3, TEXT="Yes")
    assert await page.hears() == "data: posts\n\n"


async def test_who_loses_a_post_is_told_that_something_changed(house: House, open_page: Opening):
    page = await (await open_page(8)).is_open()
    browser = await signed_in(house, 2)
    await browser.submit("/posts/3", version="1", title="x", text="x", to="U4")
    assert await page.hears() == "data: posts\n\n"
    await browser.submit("/posts/3", version="2", title="x", text="y", to="U4")
    await house.call(1, "im.notify.system.add", USER_ID=8, MESSAGE="For Elena")
    assert await page.hears() == "data: bell\n\n", "the second edit is not for her any more"


async def test_an_administrator_sees_everything_and_hears_of_it(house: House, open_page: Opening):
    page = await (await open_page(1)).is_open()
    await house.call(4, "log.blogpost.update", POST_ID=8, POST_MESSAGE="Between three")
    assert await page.hears() == "data: posts\n\n"


async def test_whoever_joins_a_place_hears_of_its_posts_from_then_on(house: House, open_page: Opening):
    page = await (await open_page(4)).is_open()
    portal = house.portal.member_id

    def join(tx: Any) -> None:
        tx.execute(
            "INSERT INTO workgroup_member (portal, person, workgroup, role) VALUES (?, 4, 1, 'K')", (portal,)
        )
        access.rebuild(tx, portal)

    await house.store.write(join)
    assert await page.hears() == "data: posts\n\n"
    await house.call(6, "log.blogpost.update", POST_ID=5, POST_MESSAGE="Fourth draft")
    assert await page.hears() == "data: posts\n\n"


class Eventful:
    """A store in which something may happen right after a read, before its result is known."""

    def __init__(self, store: Store) -> None:
        self.write, self.listen = store.write, store.listen
        self._read = store.read
        self.after_reads: list[Callable[[], Awaitable[object]] | None] = []

    async def read(self, query: Any) -> Any:
        result = await self._read(query)
        if self.after_reads and (happens := self.after_reads.pop(0)) is not None:
            await happens()
        return result


async def test_nothing_is_missed_while_a_page_begins_to_listen_anew(house: House, streams: Streams):
    store: Any = Eventful(house.store)
    desk = Desk(store=store, keys=house.keys, directory=house.directory, is_demo=True)
    page = await Page(LiveEndpoint(desk, house.clock, streams), await signed_in(house, 5)).is_open()
    notify = partial(house.call, 1, "im.notify.system.add", USER_ID=5, MESSAGE="Hello")
    store.after_reads = [None, notify]  # who looks; which posts he may see
    await house.store.write(lambda tx: tx.wake(access.PEOPLE))
    assert await page.hears() == "data: posts\n\n"
    assert store.after_reads == []
    assert await page.hears() == "data: bell\n\n"
    await page.close()


async def test_a_bell_that_is_read_elsewhere_is_told(house: House, open_page: Opening):
    page = await (await open_page(5)).is_open()
    await house.call(1, "im.notify.system.add", USER_ID=5, MESSAGE="Hello")
    assert await page.hears() == "data: bell\n\n"
    await (await signed_in(house, 5)).submit("/bell/read")
    assert await page.hears() == "data: bell\n\n"


async def test_a_page_is_told_what_it_missed_since_it_was_made(house: House, open_page: Opening):
    made_at = house.clock.now_ms()
    first = await (await open_page(5)).is_open()
    house.clock.advance(10)
    late = await (await open_page(5, f"since={made_at + 5}")).is_open()
    await house.call(1, "im.notify.system.add", USER_ID=5, MESSAGE="Hello")
    assert await first.hears() == await late.hears() == "data: bell\n\n"
    await late.close()
    missed = await (await open_page(5, f"since={made_at + 5}")).is_open()
    assert await missed.hears() == "data: bell\n\n"


async def test_signing_out_ends_the_stream(house: House, open_page: Opening):
    browser = await signed_in(house, 5)
    desk = Desk(store=house.store, keys=house.keys, directory=house.directory, is_demo=True)
    page = await Page(LiveEndpoint(desk, house.clock, Streams()), browser).is_open()
    code = browser.cookies["livefeed_session"]
    visit = session.Visit(code=code, is_session=True)
    await house.store.write(lambda tx: sessions.end(tx, house.portal.member_id, visit.hash(house.keys)))
    assert await page.hears() == ""
    await page.ended()


async def test_dismissal_ends_the_stream(house: House, open_page: Opening):
    page = await (await open_page(5)).is_open()
    await house.store.write(lambda tx: people.dismiss(tx, house.portal.member_id, UserId(5)))
    assert await page.hears() == ""
    await page.ended()


async def test_nobody_listens_without_signing_in(house: House):
    desk = Desk(store=house.store, keys=house.keys, directory=house.directory, is_demo=True)
    page = Page(LiveEndpoint(desk, house.clock, Streams()), Browser(house.app))
    await page.ended()
    assert page.status == 401


async def test_too_many_pages_are_refused_and_closing_one_makes_room(open_page: Opening, streams: Streams):
    first = await (await open_page(5)).is_open()
    await (await open_page(5)).is_open()
    third = await open_page(5)
    await third.ended()
    assert third.status == 429
    for person in (6, 7):
        await (await open_page(person)).is_open()
    fifth = await open_page(8)
    await fifth.ended()
    assert fifth.status == 503
    await first.close()
    await (await open_page(8)).is_open()


async def test_the_end_of_the_server_ends_every_stream(open_page: Opening, streams: Streams):
    page = await (await open_page(5)).is_open()
    streams.close()
    assert await page.hears() == ""
    await page.ended()
    assert len(streams) == 0

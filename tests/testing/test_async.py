"""The same portal in async tests, whose application runs in the test's own loop."""

import asyncio

import pytest

from livefeed.testing.portal import AsyncPortal, LocalPortal
from livefeed.wire.form import decode

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Taker:
    """A handler in this loop: nothing but asyncio."""

    def __init__(self) -> None:
        self.got: list[dict] = []

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/events"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        self.got.append(decode(await reader.readexactly(length), strict=True))
        writer.write(PAGE)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def test_deliveries_are_awaited_while_the_application_answers_in_this_loop(async_portal: AsyncPortal):
    taker = Taker()
    async with taker as url:
        app = async_portal.install(events={"OnLiveFeedPostUpdate": url})
        async_portal.posts[0].edit("a")
        (made,) = await async_portal.deliver()
        with async_portal.faults().drop(before=1.0, times=3):
            async_portal.posts[0].edit("b")
            await async_portal.settle()

    assert made.is_good
    assert len(taker.got) == 2
    async_portal.assert_delivered("OnLiveFeedPostUpdate", to=app, times=2)


async def test_the_portal_of_plain_functions_does_not_block_a_loop(portal: LocalPortal):
    with pytest.raises(RuntimeError, match="take the fixture async_portal"):
        portal.deliver()
    with pytest.raises(RuntimeError, match="take the fixture async_portal"):
        portal.settle()


@pytest.mark.livefeed(seed="empty")
async def test_settling_ends_where_it_is_told_to(async_portal: AsyncPortal):
    async_portal.install(events={"OnLiveFeedPostAdd": "http://127.0.0.1:1/nobody"})
    async_portal.add_post("Hello")

    with pytest.raises(AssertionError, match="after 2 hours of the portal's clock more is still due"):
        await async_portal.settle(hours=2)
    assert {one.error for one in async_portal.deliveries} == {"connect"}

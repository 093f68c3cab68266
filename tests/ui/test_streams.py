"""Event streams: bounded, told together, ended at once."""

import asyncio
from typing import Any

import pytest

from livefeed.ui.streams import Full, Stream, Streams, serve

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Browser:
    """The other end of one stream."""

    def __init__(self, stream: Stream, *, may_go_on: bool = True, heartbeat_s: float = 60) -> None:
        self.may_go_on = may_go_on
        self._chunks: asyncio.Queue[str] = asyncio.Queue()
        self._left = asyncio.Event()
        self.serving = asyncio.create_task(
            serve(stream, self._receive, self._send, may_go_on=self._ask, heartbeat_s=heartbeat_s, pause_s=0)
        )

    async def _ask(self) -> bool:
        return self.may_go_on

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self._chunks.put_nowait(message["body"].decode())

    async def read(self) -> str:
        async with asyncio.timeout(5):
            return await self._chunks.get()

    def leave(self) -> None:
        self._left.set()

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            await self.serving


def opened(streams: Streams, person: int = 1) -> Stream:
    stream = streams.open(person)
    assert isinstance(stream, Stream)
    return stream


async def test_what_happens_at_once_is_told_together_and_each_name_once():
    stream = opened(Streams())
    for name in ("posts", "bell", "posts"):
        stream.tell(name)
    browser = Browser(stream)
    assert await browser.read() == "retry: 2000\n\n"
    assert await browser.read() == "data: posts\n\ndata: bell\n\n"
    stream.tell("bell")
    assert await browser.read() == "data: bell\n\n"
    browser.leave()
    await browser.ended()


async def test_a_silent_stream_says_that_it_is_alive():
    browser = Browser(opened(Streams()), heartbeat_s=0.01)
    await browser.read()
    assert await browser.read() == ": still here\n\n"
    browser.leave()
    await browser.ended()


async def test_a_stream_whose_session_is_over_tells_nothing_more():
    stream = opened(Streams())
    browser = Browser(stream, may_go_on=False)
    await browser.read()
    stream.tell("posts")
    assert await browser.read() == ""
    await browser.ended()


async def test_streams_end_when_the_server_stops_and_no_new_one_opens():
    streams = Streams()
    browser = Browser(opened(streams))
    await browser.read()
    streams.close()
    await browser.ended()
    assert streams.open(1) == Full(status=503)


async def test_one_person_and_all_together_have_only_so_many_streams():
    streams = Streams(per_person=2, in_all=3)
    first, _ = opened(streams), opened(streams)
    assert streams.open(1) == Full(status=429)
    opened(streams, 2)
    assert streams.open(3) == Full(status=503)
    streams.forget(first)
    streams.forget(first)
    opened(streams)
    assert len(streams) == 3


async def test_a_browser_that_leaves_ends_its_stream():
    browser = Browser(opened(Streams()))
    await browser.read()
    browser.leave()
    await browser.ended()

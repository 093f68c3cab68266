"""The rush: noticed by how fast answers come, over when they do not, and told to the client's own thread."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from livefeed.net.http import HttpClient
from livefeed.net.rush import Rush, client_threads, let_give_way

from .conftest import Answering, answering

Serve = Callable[[Answering], Awaitable[int]]
OK = answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


async def test_answers_that_come_fast_are_a_rush_and_it_is_told_once() -> None:
    told: list[bool] = []
    rush = Rush(told.append)
    for now_s in (10.0, 10.02, 10.04, 10.06):
        rush.look(now_s)
    rush.end()
    assert told == [True, False]


async def test_answers_that_come_slowly_are_none() -> None:
    told: list[bool] = []
    rush = Rush(told.append)
    for now_s in (10.0, 10.04, 10.08):
        rush.look(now_s)
    rush.end()
    assert told == []


async def test_it_is_over_when_no_more_answers_come_though_nobody_looks() -> None:
    over = asyncio.Event()
    rush = Rush(lambda is_giving: None if is_giving else over.set())
    rush.look(10.0)
    rush.look(10.01)
    async with asyncio.timeout(60):
        await over.wait()


async def test_it_begins_again_after_it_was_over() -> None:
    told: list[bool] = []
    rush = Rush(told.append)
    rush.look(10.0)
    rush.look(10.01)
    rush.end()
    rush.look(10.02)
    rush.end()
    assert told == [True, False, True, False]


async def test_the_client_counts_its_answers_and_looks_now_and_then(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    rush = Rush(told.append)
    rush.look_at = 3
    monkeypatch.setattr("livefeed.net.http.Rush", lambda: rush)
    async with HttpClient(allow_private=True) as client:
        url = f"http://127.0.0.1:{await serve(OK)}/"
        for _ in range(3):
            assert (await client.send("GET", url)).status == 200
        assert (rush.answers, rush.look_at) == (3, 3 + 64)


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="the system has no such policy")
async def test_the_thread_of_the_client_is_found_and_told(serve: Serve) -> None:
    async with HttpClient(allow_private=True) as client:
        await client.send("GET", f"http://127.0.0.1:{await serve(OK)}/")
        threads = list(client_threads())
        let_give_way(is_giving=True)
        during = {os.sched_getscheduler(thread) for thread in threads}
        let_give_way(is_giving=False)
        after = {os.sched_getscheduler(thread) for thread in threads}
    assert (during, after) == ({os.SCHED_BATCH}, {os.SCHED_OTHER})
    assert os.sched_getscheduler(0) == os.SCHED_OTHER, "nobody else is told"

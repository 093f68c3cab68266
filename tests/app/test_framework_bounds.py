"""What keeps a handler in bounds: time for all that runs for it, turns, and the running time of methods."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.client.fake_portal import post_row

from livefeed.app import App, Context, Post, Retry
from livefeed.errors import SettingsError
from livefeed.wire.events import PostAdded, PostUpdated

from .conftest import House, Opening


@pytest.fixture
def app() -> App:
    return App.from_settings({})


async def installed(serve: Opening, app: App, **settings: Any) -> House:
    house = await serve(app, **settings)
    assert (await house.install()).status == 200
    await house.work()
    return house


async def reason(house: House) -> str:
    """Why the last try of the one event failed."""
    (row,) = await house.inbox(post=205)
    assert row.state == "backing_off"
    return next(step.detail for step in row.steps if step.step == "failed")


async def hang() -> None:
    await asyncio.Event().wait()


async def test_a_filter_that_hangs_is_given_up_in_time(serve: Opening, app: App):
    async def never(ctx: Context) -> bool:
        await hang()
        return True

    @app.on(PostUpdated, where=never, timeout_s=0.05)
    async def note(ctx: Context) -> None: ...

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert "HandlerTooSlow" in await reason(house)


async def test_filters_of_a_run_have_their_time_together(serve: Opening, app: App):
    async def slow(ctx: Context) -> bool:
        await asyncio.sleep(0.03)
        return True

    @app.on(PostUpdated, where=slow, coalesce=True, timeout_s=0.1)
    async def note(ctx: Context) -> None: ...

    house = await installed(serve, app)
    for number in range(8):
        await house.event(ts=1_743_000_379 + number)
    await house.work()

    (*_, row) = await house.inbox(post=205)
    assert "HandlerTooSlow" in next(step.detail for step in row.steps if step.step == "failed")


async def test_what_follows_a_yield_is_given_up_in_time(serve: Opening, app: App):
    @app.provide
    async def line() -> AsyncIterator[str]:
        yield "open"
        await hang()

    @app.on(PostUpdated, timeout_s=0.05)
    async def note(line: str) -> None: ...

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert "HandlerTooSlow" in await reason(house)


async def test_a_generator_sees_what_its_handler_has_raised_and_cannot_hide_it(serve: Opening, app: App):
    seen: list[str] = []

    @app.provide
    async def outer() -> AsyncIterator[str]:
        try:
            yield "outer"
        except ValueError as exc:
            seen.append(f"outer: {exc}")
            raise

    @app.provide
    def inner(outer: str) -> Iterator[str]:
        try:
            yield f"{outer}, inner"
        except ValueError as exc:
            seen.append(f"inner: {exc}")

    @app.on(PostUpdated)
    async def note(inner: str) -> None:
        raise ValueError(inner)

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert seen == ["inner: outer, inner", "outer: outer, inner"]
    assert "ValueError: outer, inner" in await reason(house)


async def test_a_generator_that_raises_another_error_decides(serve: Opening, app: App):
    calls: list[int] = []

    @app.provide
    async def line() -> AsyncIterator[str]:
        try:
            yield "open"
        except ValueError as exc:
            raise Retry(40) from exc

    @app.on(PostUpdated, retry=None)
    async def note(line: str, ctx: Context) -> None:
        calls.append(ctx.attempt)
        if ctx.attempt == 1:
            raise ValueError

    house = await installed(serve, app)
    await house.event()
    await house.work()
    house.clock.advance(39)
    await house.work()
    assert calls == [1]

    house.clock.advance(2)
    await house.work()
    assert calls == [1, 2]
    assert [row.state for row in await house.inbox(post=205)] == ["done"]


async def test_a_handler_that_is_too_slow_is_what_a_generator_sees(serve: Opening, app: App):
    seen: list[str] = []

    @app.provide
    async def line() -> AsyncIterator[str]:
        try:
            yield "open"
        except Exception as exc:
            seen.append(type(exc).__name__)
            raise

    @app.on(PostUpdated, timeout_s=0.05)
    async def note(line: str) -> None:
        await hang()

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert seen == ["HandlerTooSlow"]


async def test_who_waits_for_a_turn_leaves_room_for_the_handlers_of_other_events(serve: Opening, app: App):
    """The inbox of a portal has 32 places; forty events wait for a handler that is called once at a time."""
    go, told = asyncio.Event(), asyncio.Event()
    called: list[int] = []

    @app.on(PostUpdated, concurrency=1, timeout_s=None)
    async def slow(event: PostUpdated) -> None:
        await go.wait()
        called.append(event.post_id)

    @app.on(PostAdded)
    async def quick() -> None:
        told.set()

    house = await serve(app, works=True)
    assert (await house.install()).status == 200
    for number in range(40):
        await house.event(post=300 + number)
    await house.event(event="ONLIVEFEEDPOSTADD", post=500)
    await asyncio.wait_for(told.wait(), 5)
    assert called == []
    go.set()


async def test_an_event_that_waits_for_the_turn_of_one_handler_is_not_given_to_another_again(
    serve: Opening, app: App
):
    go, busy = asyncio.Event(), asyncio.Event()
    quick: list[int] = []
    slow: list[tuple[int, int]] = []

    @app.on(PostUpdated, name="quick")
    async def first(event: PostUpdated) -> None:
        quick.append(event.post_id)

    @app.on(PostUpdated, name="slow", concurrency=1, timeout_s=None)
    async def second(event: PostUpdated, ctx: Context) -> None:
        slow.append((event.post_id, ctx.attempt))
        busy.set()
        await go.wait()

    house = await installed(serve, app)
    await house.event(post=205)
    working = asyncio.create_task(house.work())
    await busy.wait()
    await house.event(post=206)
    await house.work()
    assert quick == [205, 206]
    assert slow == [(205, 1)]

    go.set()
    await working
    house.clock.advance(60)
    await house.work()
    assert quick == [205, 206]
    assert slow == [(205, 1), (206, 1)]
    assert [row.state for row in await house.inbox()][-2:] == ["done", "done"]


def answer_in_time(portal: Any, operating: float) -> None:
    """The answers of one method tell how long it has run; it will be forgotten in five minutes."""
    now_s = 1_743_000_000
    time = {
        "start": now_s,
        "finish": now_s + 1,
        "duration": 1.0,
        "processing": 1.0,
        "operating": operating,
        "operating_reset_at": now_s + 300,
    }
    portal.methods["log.blogpost.get"] = lambda params: {"result": [post_row()], "time": time}


async def test_a_handler_does_not_call_a_method_that_would_be_refused(serve: Opening, app: App):
    seen: list[tuple[str, int]] = []

    @app.on(PostUpdated)
    async def note(post: Post, ctx: Context) -> None:
        seen.append((post.title, ctx.attempt))

    house = await installed(serve, app, rate_limit=True)
    answer_in_time(house.portal, 430.0)
    await house.event()
    await house.work()
    house.clock.advance(1)
    await house.event()
    await house.work()
    calls = len(house.portal.called("log.blogpost.get"))
    assert seen == [("Holidays", 1)]
    assert "NotYet: the running time of log.blogpost.get is used up" in [
        step.detail.partition("; it can")[0].partition(": ")[2]
        for step in (await house.inbox(post=205))[-1].steps
        if step.step == "failed"
    ]

    house.clock.advance(290)
    await house.work()
    assert len(house.portal.called("log.blogpost.get")) == calls

    house.clock.advance(20)
    await house.work()
    assert seen == [("Holidays", 1), ("Holidays", 2)]


async def test_an_application_that_starts_again_knows_what_it_has_used(
    serve: Opening, app: App, tmp_path: Any
):
    @app.on(PostUpdated)
    async def note(post: Post) -> None: ...

    house = await installed(serve, app, rate_limit=True)
    answer_in_time(house.portal, 430.0)
    await house.event()
    await house.work()

    rows = await house.rows("SELECT method, used_ms FROM operating_time")
    assert [tuple(row.values()) for row in rows] == [("log.blogpost.get", 430_000)]


def test_a_generator_is_known_by_the_type_that_it_yields(app: App):
    class Line: ...

    @app.provide
    def line() -> Iterator[Line]:
        yield Line()

    @app.on(PostUpdated)
    async def note(whatever: Line) -> None: ...

    with pytest.raises(SettingsError, match="nothing provides 'other'"):

        @app.on(PostAdded)
        async def wrong(other: object) -> None: ...

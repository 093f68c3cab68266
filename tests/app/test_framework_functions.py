"""What people write as handlers, factories and effects, and what comes of it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from livefeed.app import App, Context, Retry
from livefeed.errors import SettingsError
from livefeed.wire.events import PostUpdated

from .conftest import House, Opening


@pytest.fixture
def app() -> App:
    return App.from_settings({})


async def told(serve: Opening, app: App) -> House:
    """One edit was told to the application."""
    house = await serve(app)
    assert (await house.install()).status == 200
    await house.work()
    await house.event()
    await house.work()
    return house


async def test_a_lambda_that_gives_a_coroutine_is_awaited(serve: Opening, app: App):
    seen: list[int] = []

    async def note(event: PostUpdated) -> Retry | None:
        seen.append(event.post_id)
        return Retry(1) if len(seen) == 1 else None

    app.on(PostUpdated, name="note")(lambda event: note(event))
    house = await told(serve, app)
    assert seen == [205]
    house.clock.advance(1)
    await house.work()

    assert seen == [205, 205]
    assert [row.state for row in await house.inbox(post=205)] == ["done"]


async def test_a_verdict_may_be_returned_by_its_name(serve: Opening, app: App):
    attempts: list[int] = []

    @app.on(PostUpdated)
    async def note(ctx: Context) -> Any:
        attempts.append(ctx.attempt)
        return Retry if ctx.attempt == 1 else None

    house = await told(serve, app)
    house.clock.advance(1)
    await house.work()

    assert attempts == [1, 2]


@pytest.mark.parametrize("is_async", [True, False])
def test_a_handler_that_yields_is_refused(app: App, is_async: bool):
    async def one(event: PostUpdated) -> AsyncIterator[int]:
        yield 1

    def other(event: PostUpdated) -> Iterator[int]:
        yield 1

    function: Any = one if is_async else other
    with pytest.raises(SettingsError, match="does not yield"):
        app.on(PostUpdated)(function)


class Desk:
    def __init__(self, ctx: Context) -> None:
        self.post = ctx.post_id


async def test_a_class_is_a_factory_of_its_own_type(serve: Opening, app: App):
    seen: list[object] = []
    app.provide(Desk)

    @app.on(PostUpdated)
    async def note(desk: Desk) -> None:
        seen.append(desk.post)

    await told(serve, app)
    assert seen == [205]


async def test_a_sync_handler_calls_the_portal_and_makes_effects(serve: Opening, app: App):
    seen: list[object] = []

    @app.on(PostUpdated)
    def note(ctx: Context) -> None:
        seen.append(ctx.wait(ctx.call("user.current")))
        seen.append(ctx.wait(ctx.once("count", lambda: seen.append("effect"))))

    house = await told(serve, app)
    assert seen == [{"ID": "1", "NAME": "Anna"}, "effect", True]
    assert [row.state for row in await house.inbox(post=205)] == ["done"]


async def test_an_async_handler_that_would_wait_for_itself_fails(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def note(ctx: Context) -> None:
        ctx.wait(ctx.call("user.current"))

    house = await told(serve, app)
    (row,) = await house.inbox(post=205)
    assert "await it" in row.steps[-1].detail


async def test_an_effect_that_nobody_awaits_is_warned_of(serve: Opening, app: App):
    warned: list[str] = []

    @app.on(PostUpdated)
    async def note(ctx: Context) -> None:
        with pytest.warns(RuntimeWarning, match="'mail' was never awaited") as caught:
            ctx.once("mail", lambda: None)
        warned.extend(str(one.message) for one in caught)

    await told(serve, app)
    assert len(warned) == 1


async def test_the_log_says_where_a_handler_failed(
    serve: Opening, app: App, capsys: pytest.CaptureFixture[str]
):
    secret = "hunter2"

    def deep() -> None:
        raise KeyError(len(secret))

    @app.on(PostUpdated)
    async def note(ctx: Context) -> None:
        deep()

    await told(serve, app)
    said = "".join(capsys.readouterr())
    line = next(line for line in said.splitlines() if "handler_failed" in line)
    assert "test_framework_functions.py:" in line
    assert "in note" in line
    assert "in deep" in line
    assert "attempts.py" not in line
    assert secret not in line

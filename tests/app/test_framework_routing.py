"""Routers, filters, middlewares, arguments by name, and the options of a handler."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
from tests.client.fake_portal import post_row

from livefeed.app import App, Context, Drop, Filter, Next, Post, Retry, Router, Schedule, Verdict
from livefeed.client.rest import RestClient
from livefeed.errors import SettingsError
from livefeed.wire.events import PostAdded, PostDeleted, PostUpdated, UnknownEvent

from .bodies import MEMBER, event_body, form
from .conftest import House, Opening


@pytest.fixture
def app() -> App:
    return App.from_settings({})


async def installed(serve: Opening, app: App, **settings) -> House:
    house = await serve(app, **settings)
    assert (await house.install()).status == 200
    await house.work()
    return house


def steps(row) -> dict[str, str]:
    return {step.step: step.detail for step in row.steps}


def crm_body(event: str, number: int | None) -> bytes:
    fields = {} if number is None else {"FIELDS": {"ID": number}}
    body = event_body(event=event, post=None)
    return body if not fields else body + b"&" + form({"data": fields})


async def test_filters_and_middlewares_of_routers_lie_inside_those_that_include_them(
    serve: Opening, app: App
):
    seen: list[str] = []

    def noting(name: str):
        async def middleware(call: Next, event: PostUpdated) -> Verdict:
            seen.append(f"{name}>")
            verdict = await call()
            seen.append(f"<{name}")
            return verdict

        return middleware

    inner = Router(where=lambda event: event.envelope.ts != 2)
    outer = Router(posts=(205, 206), portal=MEMBER)
    outer.include(inner)
    app.middleware(noting("app"))
    outer.middleware(noting("outer"))
    inner.middleware(noting("inner"))

    @inner.on(PostUpdated, posts=[205, 999])
    async def handler(event: PostUpdated) -> None:
        seen.append(str(event.post_id))

    app.include(outer)
    house = await installed(serve, app)
    await house.event(post=205, ts=1)
    await house.event(post=205, ts=2)
    await house.event(post=206, ts=1)
    await house.event(post=999, ts=1)
    await house.work()

    assert seen == ["app>", "outer>", "inner>", "205", "<inner", "<outer", "<app"]
    passed = [steps(row).get("passed over", "") for row in await house.inbox()]
    assert [text.endswith("handler: not wanted") for text in passed[1:]] == [False, True, True, True]


@pytest.mark.parametrize(
    ("where", "posts"),
    [
        (lambda odd, big: odd & big, [7, 9]),
        (lambda odd, big: odd | big, [1, 3, 6, 7, 8, 9]),
        (lambda odd, big: ~(odd | ~big), [6, 8]),
        (lambda odd, big: [odd, ~big], [1, 3]),
    ],
)
async def test_filters_are_put_together(serve: Opening, app: App, where, posts: list[int]):
    seen: list[int] = []

    @Filter
    async def odd(event: PostUpdated) -> bool:
        return event.post_id % 2 == 1

    big = Filter(lambda ctx: ctx.post_id > 5)

    @app.on(PostUpdated, where=where(odd, big))
    async def note(event: PostUpdated) -> None:
        seen.append(event.post_id)

    house = await installed(serve, app)
    for post in (1, 2, 3, 6, 7, 8, 9):
        await house.event(post=post)
    await house.work()

    assert sorted(seen) == posts


async def test_a_filter_that_raises_is_tried_again_like_its_handler(serve: Opening, app: App):
    tries: list[int] = []
    seen: list[int] = []

    async def moody(ctx: Context) -> bool:
        tries.append(ctx.attempt)
        if ctx.attempt == 1:
            raise RuntimeError
        return True

    @app.on(PostUpdated, where=moody)
    async def note(ctx: Context) -> None:
        seen.append(ctx.attempt)

    house = await installed(serve, app)
    await house.event()
    await house.work()
    house.clock.advance(5)
    await house.work()

    assert (tries, seen) == ([1, 2], [2])


class Rates:
    """A dependency that is known by its type."""


async def test_what_is_provided_is_made_once_a_call_and_closed_after_it(serve: Opening, app: App):
    made: list[str] = []
    seen: list[object] = []

    app.provide("factor", lambda ctx: ctx.post_id * 2)

    @app.provide
    async def rates(factor: int) -> AsyncIterator[Rates]:
        made.append(f"open {factor}")
        yield Rates()
        made.append("closed")

    router = Router()
    router.provide("own", lambda: "of the router")

    @router.on(PostUpdated, where=lambda rates: isinstance(rates, Rates))
    async def note(
        post: Post, portal, rest: RestClient, any_name: Rates, rates, own: str, again: int = 3
    ) -> None:
        seen.extend([post.title, portal, type(rest), any_name is rates, own, again])
        made.append("called")

    app.include(router)
    house = await installed(serve, app)
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row()]
    await house.event()
    await house.work()

    assert seen == ["Holidays", MEMBER, RestClient, True, "of the router", 3]
    assert made == ["open 410", "called", "closed"]


def test_a_router_is_checked_by_the_application_that_includes_it(app: App):
    router = Router()

    @router.on(PostUpdated)
    async def note(mailer: object) -> None: ...

    with pytest.raises(SettingsError, match="note: nothing provides 'mailer'; there are ctx"):
        app.include(router)
    app.provide("mailer", object)
    app.include(router)

    with pytest.raises(SettingsError, match="nothing provides 'nobody'"):
        router.on(PostAdded)(lambda nobody: None)
    app.table()


def test_what_cannot_be_is_refused_at_registration(app: App):
    async def post_of_deleted(post: Post) -> None: ...
    async def other_event(event: PostAdded) -> None: ...
    async def any_number(*events: PostAdded) -> None: ...
    async def fine(event: PostUpdated) -> None: ...

    def not_async(call: Next) -> None: ...

    for events, function, options, words in (
        ([PostDeleted], post_of_deleted, {}, "no post that could be read"),
        ([PostUpdated], other_event, {}, "comes as PostUpdated"),
        (["ONCRMDEALADD"], other_event, {}, "comes as UnknownEvent"),
        ([PostAdded], any_number, {}, "cannot be filled"),
        (["no name"], fine, {}, "is not the name of an event"),
        ([PostUpdated], fine, {"quiet_s": 5}, "coalesce=True"),
        ([PostUpdated], fine, {"timeout_s": 0}, "timeout_s"),
        ([PostUpdated], fine, {"concurrency": 0}, "concurrency"),
    ):
        with pytest.raises(SettingsError, match=words):
            app.on(*events, **options)(function)
    with pytest.raises(SettingsError, match="takes 'call'"):
        app.middleware(not_async)
    with pytest.raises(SettingsError, match="include itself"):
        app.include(app)
    with pytest.raises(SettingsError, match="'event' cannot be provided"):
        app.provide("event", object)
    assert app.table().events() == frozenset()


def test_factories_that_ask_for_each_other_are_refused(app: App):
    router = Router()
    router.provide("first", lambda second: second)
    router.provide("second", lambda first: first)

    with pytest.raises(SettingsError, match="ask for each other"):
        app.include(router)


async def test_a_verdict_is_returned_or_raised_by_a_handler_or_what_is_around_it(serve: Opening, app: App):
    tries: list[tuple[int | None, int]] = []

    @app.middleware
    async def around(call: Next, event: PostUpdated) -> Verdict:
        return Drop("by the middleware") if event.envelope.ts == 4 else await call()

    @app.on(PostUpdated, retry=None)
    async def note(event: PostUpdated, ctx: Context) -> Verdict:
        tries.append((event.envelope.ts, ctx.attempt))
        ctx.on_settle(lambda tx: tx.execute("INSERT INTO told VALUES (1)"))
        match event.envelope.ts:
            case 1 if ctx.attempt == 1:
                return Retry(30)
            case 2:
                return Drop("too late")
            case 3 if ctx.attempt == 1:
                raise Retry(after_s=60)
            case _:
                return None

    house = await installed(serve, app)
    await house.running.runtime.store.write(lambda tx: tx.execute("CREATE TABLE told (n INTEGER)"))
    for ts in (1, 2, 3, 4):
        await house.event(post=ts, ts=ts)
    await house.work()
    house.clock.advance(29)
    await house.work()
    assert sorted(tries) == [(1, 1), (2, 1), (3, 1)]
    house.clock.advance(1)
    await house.work()
    house.clock.advance(30)
    await house.work()

    assert sorted(tries) == [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]
    rows = await house.inbox()
    assert [row.state for row in rows[-4:]] == ["done"] * 4
    assert [steps(row).get("dropped", "").rpartition(": ")[2] for row in rows[-4:]] == [
        "",
        "too late",
        "",
        "by the middleware",
    ]
    assert len(await house.rows("SELECT * FROM told")) == 2


async def test_the_next_try_is_counted_from_the_end_of_the_last(serve: Opening, app: App):
    calls: list[int] = []

    @app.on(PostUpdated, retry=Schedule(first_s=10, factor=1, jitter=0))
    async def long(ctx: Context) -> None:
        calls.append(ctx.attempt)
        if ctx.attempt < 2:
            house.clock.advance(60)
            raise RuntimeError
        ctx.step("looked", "at it")
        house.clock.advance(1)

    house = await installed(serve, app)
    await house.event()
    await house.work()
    house.clock.advance(9)
    await house.work()
    assert calls == [1]

    house.clock.advance(1)
    await house.work()
    assert calls == [1, 2]
    (row,) = await house.inbox(post=205)
    assert [step.step for step in row.steps[2:]] == ["failed", "looked", "finished"]


async def test_each_handler_keeps_to_its_own_schedule_and_is_given_up_alone(serve: Opening, app: App):
    calls: list[str] = []

    @app.on(PostUpdated, retry=Schedule(first_s=1, factor=1, jitter=0))
    async def quick(ctx: Context) -> None:
        calls.append(f"quick{ctx.attempt}")
        if ctx.attempt < 4:
            raise RuntimeError

    @app.on(PostUpdated, retry=Schedule(first_s=10, jitter=0))
    async def slow(ctx: Context) -> None:
        calls.append(f"slow{ctx.attempt}")
        if ctx.attempt < 2:
            raise RuntimeError

    @app.on(PostUpdated, retry=None)
    async def once(ctx: Context) -> None:
        calls.append(f"once{ctx.attempt}")
        raise RuntimeError("for good")

    house = await installed(serve, app)
    await house.event()
    for _ in range(12):
        await house.work()
        house.clock.advance(1)

    assert calls == ["quick1", "slow1", "once1", "quick2", "quick3", "quick4", "slow2"]
    (row,) = await house.inbox(post=205)
    assert row.state == "dead"
    assert row.steps[-1].detail.endswith("once: RuntimeError: for good")
    assert await house.rows("SELECT handler FROM trial WHERE state <> 'finished'") == []

    await house.operate("dead_replay", since_ms=0)
    await house.work()

    assert calls[7:] == ["once1"], "who had finished before is not called again"


async def test_events_after_one_that_is_given_up_are_given_to_its_handler_too(serve: Opening, app: App):
    seen: list[object] = []

    @app.on(PostUpdated, coalesce=True)
    async def run(ctx: Context) -> None:
        seen.append(len(ctx.events))

    @app.on(PostUpdated, retry=None)
    async def each(event: PostUpdated) -> None:
        seen.append(f"event {event.envelope.ts}")
        if event.envelope.ts == 2:
            raise RuntimeError

    house = await installed(serve, app, quiet_s=1, max_wait_s=1)
    for ts in (1, 2, 3):
        await house.event(ts=ts)
    house.clock.advance(1)
    await house.work()

    assert seen == [3, "event 1", "event 2", "event 3"]

    await house.operate("dead_replay", since_ms=0)
    for _ in range(3):
        house.clock.advance(1)
        await house.work()

    assert seen[4:] == ["event 2"], "the others were dealt with"


async def test_a_handler_that_takes_too_long_is_cancelled_and_fails(serve: Opening, app: App):
    ended: list[str] = []

    @app.on(PostUpdated, timeout_s=0.02, retry=None)
    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert ended == ["cancelled"]
    assert "HandlerTooSlow: it took longer than 0.02 s" in (await house.inbox(post=205))[0].steps[-1].detail


async def test_no_more_calls_at_a_time_than_a_handler_allows(serve: Opening, app: App):
    at_once = {"two": 0, "any": 0}
    most = dict(at_once)
    enough = {"two": asyncio.Event(), "any": asyncio.Event()}

    async def work(name: str, wanted: int) -> None:
        at_once[name] += 1
        most[name] = max(most[name], at_once[name])
        if most[name] >= wanted:
            enough[name].set()
        await enough[name].wait()
        await asyncio.sleep(0)
        at_once[name] -= 1

    @app.on(PostUpdated, concurrency=2)
    async def two() -> None:
        await work("two", 2)

    @app.on(PostDeleted)
    async def anything() -> None:
        await work("any", 3)

    house = await installed(serve, app)
    for post in range(1, 9):
        await house.event(post=post)
        await house.event(event="ONLIVEFEEDPOSTDELETE", post=post + 100)
    await house.work()

    assert most["two"] == 2
    assert most["any"] > 2


async def test_sync_handlers_run_in_few_threads_with_the_variables_of_their_call(serve: Opening, app: App):
    trace: contextvars.ContextVar[int] = contextvars.ContextVar("trace")
    seen: dict[int, int] = {}
    names: set[str] = set()

    @app.middleware
    async def traced(call: Next, ctx: Context) -> Verdict:
        trace.set(ctx.seq)
        return await call()

    @app.on(PostUpdated)
    def note(event: PostUpdated, ctx: Context) -> Verdict:
        seen[ctx.seq] = trace.get()
        names.add(threading.current_thread().name.rpartition("_")[0])
        return None if ctx.attempt > 1 else Retry(1)

    house = await installed(serve, app)
    for post in range(1, 6):
        await house.event(post=post)
    await house.work()
    house.clock.advance(1)
    await house.work()

    assert len(seen) == 5
    assert all(seq == value for seq, value in seen.items())
    assert names == {"livefeed-handler"}
    assert {row.state for row in (await house.inbox())[1:]} == {"done"}


async def test_any_event_is_handled_by_its_wire_name_in_the_order_of_what_it_is_about(
    serve: Opening, app: App
):
    seen: list[tuple[str, object]] = []

    @app.on("OnCrmDealUpdate", "ONCRMDEALADD", coalesce=True)
    async def deal(event: UnknownEvent, ctx: Context) -> None:
        if ctx.attempt == 1 and event.data.get("FIELDS") == {"ID": "1"}:
            raise RuntimeError
        seen.append((event.name, event.data.get("FIELDS")))

    house = await installed(serve, app)
    for event, number in (("ONCRMDEALADD", 1), ("ONCRMDEALUPDATE", 1), ("ONCRMDEALUPDATE", 2)):
        assert (await house.post("/events", crm_body(event, number))).status == 200
    await house.post("/events", crm_body("ONCRMDEALUPDATE", None))
    await house.work()
    house.clock.advance(5)
    await house.work()
    house.clock.advance(5)
    await house.work()

    assert [pair for pair in seen if pair[1] == {"ID": "1"}] == [
        ("ONCRMDEALADD", {"ID": "1"}),
        ("ONCRMDEALUPDATE", {"ID": "1"}),
    ]
    assert seen[0][1] in ({"ID": "2"}, None), "another deal does not wait for it"
    lanes = {row["key"] for row in await house.rows("SELECT key FROM entry WHERE source = 'door'")}
    assert lanes == {"event:crmdeal:1", "event:crmdeal:2", "app:events"}
    assert ("ONCRMDEALADD", f"{house.running.binder.address}") in house.portal.bound


async def test_a_quiet_handler_waits_in_lanes_of_its_own_and_nobody_waits_for_it(serve: Opening, app: App):
    seen: list[str] = []

    @app.on(PostUpdated, coalesce=True, quiet_s=30, max_wait_s=45)
    async def quiet(ctx: Context) -> None:
        seen.append(f"quiet {[event.envelope.ts for event in ctx.events]} {ctx.attempt}")
        if ctx.attempt == 1:
            raise RuntimeError

    @app.on(PostUpdated)
    async def at_once(event: PostUpdated, ctx: Context) -> None:
        seen.append(f"at once {event.envelope.ts}")

    house = await installed(serve, app)
    for ts in (1, 2, 3):
        await house.event(ts=ts)
        await house.work()
        house.clock.advance(20)
    assert seen == ["at once 1", "at once 2", "at once 3"]
    assert "30 s for more" in steps((await house.inbox(post=205))[0])["waits"]
    await house.work()
    house.clock.advance(5)
    await house.work()

    assert seen[3:] == ["quiet [1, 2, 3] 1", "quiet [1, 2, 3] 2"]
    rows = await house.inbox(post=205)
    assert [row.state for row in rows] == ["done"] * 3
    assert all(steps(row)["coalesced"] == "3 events" for row in rows)


async def test_what_a_quiet_handler_has_given_up_is_shown_as_dead_until_it_is_put_back(
    serve: Opening, app: App
):
    is_broken = [True]

    @app.on(PostUpdated, coalesce=True, quiet_s=30, retry=None)
    async def quiet() -> None:
        if is_broken:
            raise RuntimeError("for good")

    house = await installed(serve, app)
    for ts in (1, 2):
        await house.event(ts=ts)
    await house.work()
    house.clock.advance(30)
    await house.work()

    rows = await house.inbox(post=205)
    assert [row.state for row in rows] == ["dead"] * 2
    assert all(row.steps[-1].detail.endswith("quiet: RuntimeError: for good") for row in rows)

    is_broken.clear()
    house.clock.advance(1)
    await house.operate("dead_replay", since_ms=0)
    house.clock.advance(30)
    await house.work()

    assert [row.state for row in await house.inbox(post=205)] == ["done"] * 2


async def test_what_is_set_up_at_the_start_is_there_for_handlers_and_closed_at_the_end(settings, clock):
    seen: list[str] = []

    def make(name: str) -> App:
        app = App(settings)

        @app.on_start
        async def around(state: SimpleNamespace) -> AsyncIterator[None]:
            state.name = name
            seen.append(f"{name} opens")
            yield
            seen.append(f"{name} closes")

        @app.on_start
        def second(state: SimpleNamespace) -> Iterator[None]:
            seen.append(f"{state.name} again")
            yield
            seen.append(f"{state.name} ends")

        @app.on_stop
        async def stop(state: SimpleNamespace) -> None:
            seen.append(f"{state.name} stops")

        return app

    for name in ("one", "two"):
        async with make(name).running() as running:
            assert vars(running.runtime.state) == {"name": name}
            with pytest.raises(SettingsError, match="register handlers before"):
                running.app.on(PostUpdated)(lambda ctx: None)
    with pytest.raises(SettingsError, match="nothing provides 'ctx'"):
        make("three").on_start(lambda ctx: None)

    assert seen[:5] == ["one opens", "one again", "one stops", "one ends", "one closes"]
    assert len(seen) == 10

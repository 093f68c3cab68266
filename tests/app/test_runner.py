import asyncio
import threading

import pytest
from tests.client.fake_portal import FakePortal, post_row
from tests.client.serving import serving
from tests.metrics import Grown

from livefeed.app import App, Context, Retry, opened
from livefeed.app.installs.housekeeping import purge_old
from livefeed.app.installs.portals import KnownPortal
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import ConnectFailed, NotYet, SettingsError
from livefeed.secrets import Secret
from livefeed.wire.events import PostAdded, PostDeleted, PostUpdated
from livefeed.wire.faults import NoPostFound

from .bodies import AUTH, MEMBER, event_body
from .conftest import House, Opening
from .test_leaving import installed_runtime

DAY_S = 24 * 3600
KINDS = ("error", "timeout", "refused", "transport", "asked", "put_off", "braked")


@pytest.fixture
def app() -> App:
    return App.from_settings({})


async def installed(serve: Opening, app: App, **settings) -> House:
    house = await serve(app, **settings)
    assert (await house.install()).status == 200
    await house.work()
    return house


async def states(house: House) -> list[str]:
    return [row.state for row in await house.inbox(post=205)]


async def test_an_event_reaches_its_handler_once(serve: Opening, app: App):
    seen: list[int] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated) -> None:
        seen.append(event.post_id)

    house = await installed(serve, app)
    await house.event()
    await house.work()
    await house.work()

    assert seen == [205]
    assert await states(house) == ["done"]


async def test_a_sync_handler_runs_in_a_thread(serve: Opening, app: App):
    threads: list[int] = []

    @app.on(PostUpdated)
    def note(event: PostUpdated, ctx: Context) -> None:
        threads.append(threading.get_ident())
        ctx.step("compared", "in a thread")

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert threads != [threading.get_ident()]
    assert "compared" in [step.step for step in (await house.inbox(post=205))[0].steps]


async def test_one_handler_takes_several_events_and_arguments_by_name(serve: Opening, app: App):
    seen: list[tuple[str, int]] = []

    @app.on(PostAdded, PostDeleted)
    async def note(ctx: Context) -> None:
        seen.append((ctx.envelope.event, ctx.attempt))

    house = await installed(serve, app)
    await house.event(event="ONLIVEFEEDPOSTADD")
    await house.event(event="ONLIVEFEEDPOSTUPDATE")
    await house.event(event="ONLIVEFEEDPOSTDELETE")
    await house.work()

    assert seen == [("ONLIVEFEEDPOSTADD", 1), ("ONLIVEFEEDPOSTDELETE", 1)]


def test_an_argument_nobody_can_fill_is_refused_at_registration(app: App):
    with pytest.raises(SettingsError, match="'poster'"):

        @app.on(PostUpdated)
        async def wrong(event: PostUpdated, poster: object) -> None: ...


def test_a_handler_without_an_event_is_refused_at_registration(app: App):
    with pytest.raises(SettingsError, match="at least one event"):
        app.on()(lambda event: None)


def test_two_handlers_of_one_name_are_refused(app: App):
    def make():
        @app.on(PostUpdated)
        def note(event: PostUpdated) -> None: ...

    make()
    with pytest.raises(SettingsError, match="rename"):
        make()


async def test_an_unknown_event_is_settled_as_without_handler(serve: Opening, app: App):
    house = await installed(serve, app)
    await house.event(event="ONCRMLEADADD", post=None)
    await house.work()

    row = (await house.inbox())[-1]
    assert (row.event, row.post, row.state) == ("ONCRMLEADADD", None, "done")
    assert "no handler" in [step.step for step in row.steps]


async def test_a_failing_handler_is_tried_again_until_it_works(serve: Opening, app: App):
    tries: list[int] = []

    @app.on(PostUpdated)
    async def flaky(event: PostUpdated, ctx: Context) -> None:
        tries.append(ctx.attempt)
        if ctx.attempt < 3:
            raise RuntimeError("not yet")

    house = await installed(serve, app)
    await house.event()
    await house.work()
    assert await states(house) == ["backing_off"]
    for _ in range(5):
        house.clock.advance(10)
        await house.work()

    assert tries == [1, 2, 3]
    (row,) = await house.inbox(post=205)
    assert (row.state, row.attempts) == ("done", 3)
    (failure,) = [step.detail for step in row.steps if step.step == "failed"]
    assert failure.endswith("flaky: RuntimeError: not yet")


async def test_a_handler_that_never_works_leaves_a_dead_letter_that_can_be_replayed(serve: Opening, app: App):
    broken = True
    seen: list[int] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated) -> None:
        if broken:
            raise RuntimeError("broken")
        seen.append(event.post_id)

    house = await installed(serve, app)
    await house.event()
    for _ in range(40):
        await house.work()
        house.clock.advance(3 * 3600)
    assert await states(house) == ["dead"]

    broken = False
    assert await house.operate("dead_replay", since_ms=0) == (200, {"replayed": 1})
    await house.work()

    assert seen == [205]
    given_up, again = await house.inbox(post=205)
    assert (given_up.state, again.state) == ("replayed", "done")
    assert (given_up.steps[-1].step, given_up.steps[-1].detail) == ("replayed", f"as {again.seq}")
    assert "failed" in [step.step for step in given_up.steps]


async def test_an_event_behind_one_that_fails_is_shown_as_waiting(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def never(event: PostUpdated) -> None:
        raise RuntimeError("broken")

    @app.on(PostUpdated, coalesce=True, quiet_s=0)
    async def calm(ctx: Context) -> None: ...

    house = await installed(serve, app)
    await house.event()
    await house.event()
    await house.work()

    failing, behind = await house.inbox(post=205)
    assert (failing.state, failing.attempts) == ("backing_off", 1)
    assert (behind.state, behind.attempts) == ("waiting", 0)
    assert "finished" not in [step.step for step in failing.steps], "one of two handlers is done with it"


async def test_a_replay_that_is_given_up_too_is_replayed_in_its_turn(serve: Opening, app: App):
    @app.on(PostUpdated, retry=None)
    async def never(event: PostUpdated) -> None:
        raise RuntimeError("broken")

    house = await installed(serve, app)
    await house.event()
    await house.work()
    for _ in range(2):
        await house.operate("dead_replay", since_ms=0)
        assert (await states(house))[-1] == "waiting"
        await house.work()

    first, second, third = await house.inbox(post=205)
    assert [row.attempts for row in (first, second, third)] == [1, 1, 1]
    assert "tried" not in [step.step for step in third.steps]
    assert [row.state for row in (first, second, third)] == ["replayed", "replayed", "dead"]
    assert [first.steps[-1].detail, second.steps[-1].detail] == [f"as {second.seq}", f"as {third.seq}"]


async def test_only_the_handler_that_failed_runs_again(serve: Opening, app: App):
    seen: list[str] = []

    @app.on(PostUpdated)
    async def good(event: PostUpdated, ctx: Context) -> None:
        seen.append("good")
        ctx.on_settle(lambda tx: tx.execute("CREATE TABLE IF NOT EXISTS told (n INTEGER)"))
        ctx.on_settle(lambda tx: tx.execute("INSERT INTO told VALUES (1)"))

    @app.on(PostUpdated)
    async def bad(event: PostUpdated, ctx: Context) -> None:
        seen.append("bad")
        if ctx.attempt == 1:
            raise RuntimeError

    house = await installed(serve, app)
    await house.event()
    await house.work()
    house.clock.advance(10)
    await house.work()

    assert seen == ["good", "bad", "bad"]
    assert len(await house.rows("SELECT * FROM told")) == 1
    assert await states(house) == ["done"]


async def test_effects_of_a_handler_that_failed_are_not_stored(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def bad(event: PostUpdated, ctx: Context) -> None:
        ctx.on_settle(lambda tx: tx.execute("INSERT INTO told VALUES (1)"))
        raise RuntimeError

    house = await installed(serve, app)
    await house.running.runtime.store.write(lambda tx: tx.execute("CREATE TABLE told (n INTEGER)"))
    await house.event()
    await house.work()

    assert await house.rows("SELECT * FROM told") == []


async def test_events_of_one_post_keep_their_order_and_delay_no_other_post(serve: Opening, app: App):
    seen: list[tuple[int, int | None]] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        if event.post_id == 1 and ctx.attempt == 1 and event.envelope.ts == 1:
            raise RuntimeError
        seen.append((event.post_id, event.envelope.ts))

    house = await installed(serve, app)
    for ts in (1, 2, 3):
        await house.event(post=1, ts=ts)
        await house.event(post=2, ts=ts)
    await house.work()
    assert seen == [(2, 1), (2, 2), (2, 3)]

    house.clock.advance(10)
    await house.work()

    assert [pair for pair in seen if pair[0] == 1] == [(1, 1), (1, 2), (1, 3)]


async def test_a_coalescing_handler_gets_the_run_and_another_each_event(serve: Opening, app: App):
    runs: list[list[int | None]] = []
    single: list[int | None] = []

    @app.on(PostUpdated, coalesce=True)
    async def at_once(ctx: Context) -> None:
        runs.append([event.envelope.ts for event in ctx.events])

    @app.on(PostUpdated)
    async def one_by_one(event: PostUpdated, ctx: Context) -> None:
        assert len(ctx.events) == 1
        single.append(event.envelope.ts)

    house = await installed(serve, app, quiet_s=5.0)
    for ts in (1, 2, 3):
        await house.event(ts=ts)
    await house.work()
    assert runs == []
    house.clock.advance(5)
    await house.work()

    assert runs == [[1, 2, 3]]
    assert single == [1, 2, 3]
    assert "coalesced" in [step.step for step in (await house.inbox(post=205))[0].steps]


async def test_a_run_never_swallows_an_add_or_a_delete(serve: Opening, app: App):
    seen: list[str] = []

    @app.on(PostAdded, PostUpdated, PostDeleted, coalesce=True)
    async def note(ctx: Context) -> None:
        seen.append(f"{ctx.envelope.event.removeprefix('ONLIVEFEEDPOST')}{len(ctx.events)}")

    house = await installed(serve, app, quiet_s=5.0)
    for event in ("ADD", "UPDATE", "UPDATE", "DELETE", "ADD", "UPDATE"):
        await house.event(event=f"ONLIVEFEEDPOST{event}")
    for _ in range(8):
        house.clock.advance(5)
        await house.work()

    assert seen == ["ADD1", "UPDATE2", "DELETE1", "ADD1", "UPDATE1"]


async def test_a_run_that_grows_between_two_tries_tells_nobody_twice_and_nobody_too_little(
    serve: Opening, app: App
):
    good: list[int | None] = []
    bad: list[int | None] = []

    @app.on(PostUpdated, coalesce=True)
    async def works(ctx: Context) -> None:
        good.extend(event.envelope.ts for event in ctx.events)

    @app.on(PostUpdated, coalesce=True)
    async def fails_first(ctx: Context) -> None:
        if ctx.attempt == 1:
            raise RuntimeError
        bad.extend(event.envelope.ts for event in ctx.events)

    house = await installed(serve, app)
    await house.event(ts=1)
    await house.work()
    await house.event(ts=2)
    house.clock.advance(10)
    await house.work()

    assert (good, bad) == ([1, 2], [1, 2])


async def test_a_dead_run_buries_nothing_that_follows_it(serve: Opening, app: App):
    seen: list[str] = []

    @app.on(PostUpdated, coalesce=True)
    async def bad(ctx: Context) -> None:
        raise RuntimeError

    @app.on(PostDeleted)
    async def deleted(event: PostDeleted) -> None:
        seen.append("deleted")

    house = await installed(serve, app)
    await house.event(ts=1)
    for _ in range(5):
        await house.work()
        house.clock.advance(12 * 3600)
    await house.event(event="ONLIVEFEEDPOSTDELETE")
    for _ in range(40):
        house.clock.advance(3 * 3600)
        await house.work()

    assert seen == ["deleted"]
    assert await states(house) == ["dead", "done"]


async def test_a_portal_that_does_not_answer_stops_its_lanes_until_one_of_them_gets_through(
    serve: Opening, app: App
):
    calls: list[int] = []
    away = True

    @app.on(PostUpdated)
    async def note(event: PostUpdated) -> None:
        calls.append(event.post_id)
        if away:
            raise ConnectFailed("nobody answers")

    house = await installed(serve, app)
    await house.event(post=1)
    await house.work()
    for post in range(2, 50):
        await house.event(post=post)
    house.clock.advance(2)
    await house.work()
    assert len(calls) == 2

    away = False
    house.clock.advance(60)
    await house.work()

    assert sorted(set(calls)) == list(range(1, 50))


async def test_the_post_is_read_with_the_acting_users_token_first(serve: Opening, app: App):
    titles: list[str] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        post = await ctx.post(event.post_id)
        assert (post.id, post.author_id, post.num_comments) == (205, 7, 2)
        assert post.published_at is not None
        assert post.published_at.isoformat() == "2026-03-17T11:29:15+00:00"
        titles.append(post.title)

    house = await installed(serve, app)
    house.portal.live[AUTH["access_token"]] = 7
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row()]
    await house.event()
    await house.work()

    assert titles == ["Holidays"]
    assert house.portal.refreshes == 1


async def test_where_the_acting_user_sees_nothing_the_installers_token_is_used(serve: Opening, app: App):
    readers: list[int] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        await ctx.post(event.post_id)

    house = await installed(serve, app)
    house.portal.live[AUTH["access_token"]] = 7

    def get(params):
        readers.append(1)
        return [] if len(readers) == 1 else [post_row()]

    house.portal.methods["log.blogpost.get"] = get
    await house.event()
    await house.work()

    assert len(readers) == 2
    assert await states(house) == ["done"]


async def test_a_post_nobody_can_read_is_said_to_be_unreadable(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        await ctx.post(event.post_id)

    house = await installed(serve, app)
    house.portal.methods["log.blogpost.get"] = lambda params: []
    await house.event()
    await house.work()

    (row,) = await house.inbox(post=205)
    assert "PostUnreadable" in row.steps[-1].detail


async def test_tokens_that_expired_while_the_event_waited_do_not_stop_it(serve: Opening, app: App):
    titles: list[str] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        titles.append((await ctx.post(event.post_id)).title)

    house = await installed(serve, app)
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row()]
    house.portal.live[AUTH["access_token"]] = 7
    await house.event()
    house.portal.expire_all()
    await house.work()

    assert titles == ["Holidays"]
    assert house.portal.refreshes == 2


@pytest.mark.parametrize(
    ("keys", "actor"),
    [({"user_id": "1269"}, 1269), ({}, 7), ({"access_token": None}, None), ({"access_token": "ended"}, None)],
)
async def test_who_acted_is_told_by_the_event_or_its_token(serve: Opening, app: App, keys, actor):
    actors: list[int | None] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        actors.append(await ctx.actor())

    house = await installed(serve, app)
    house.portal.live[AUTH["access_token"]] = 7
    await house.event(**keys)
    await house.work()

    assert actors == [actor]


async def test_without_an_installation_the_events_own_token_is_used(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        await ctx.notify((await ctx.post(event.post_id)).author_id, "hello")

    house = await serve(app, member_id=MEMBER, application_token=Secret(AUTH["application_token"]))
    house.portal.live[AUTH["access_token"]] = 7
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row()]
    house.portal.methods["im.notify.personal.add"] = lambda params: 1
    assert (await house.post("/events", event_body())).status == 200
    await house.work()

    assert len(house.portal.called("im.notify.personal.add")) == 1


async def test_a_repeated_notice_goes_under_the_same_tag(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        await ctx.notify(7, "hello")
        if ctx.attempt == 1:
            raise RuntimeError

    house = await installed(serve, app)
    house.portal.methods["im.notify.personal.add"] = lambda params: 1
    await house.event()
    await house.work()
    house.clock.advance(10)
    await house.work()

    first, second = house.portal.called("im.notify.personal.add")
    assert first["TAG"] == second["TAG"]


async def test_a_consumer_of_ones_own_is_run_by_the_same_worker(serve: Opening, app: App):
    sent: list[tuple[str, int]] = []

    async def ring(lease: Lease, runtime) -> Outcome:
        sent.append((lease.entries[0].body.decode(), len(lease.entries)))
        return Done()

    app.consume("bell", ring, is_setup=True)

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        bell = ctx.consumer_of("bell")
        for text in (b"one", b"two"):
            ctx.on_settle(
                lambda tx, text=text: append(
                    tx,
                    portal=ctx.portal,
                    key="person:7",
                    kind="notice",
                    body=text,
                    source="app",
                    consumers=[bell],
                    only=bell,
                )
            )

    house = await installed(serve, app)
    await house.event()
    await house.work()

    assert sent == [("one", 1), ("two", 1)]
    assert (await house.operate("status"))[1]["portals"][0]["pending"] == 0


async def test_units_of_the_installation_run_with_it_and_at_each_start(settings, portal, clock):
    app = App(settings)
    seen: list[str] = []
    app.when_installed(lambda tx, known: seen.append(known.member_id))
    async with installed_runtime(settings, portal, clock, app):
        assert seen == [MEMBER]
    async with opened(app, clock=clock, works=False):
        assert seen == [MEMBER, MEMBER]


async def test_a_running_worker_needs_no_push(serve: Opening, app: App):
    done = asyncio.Event()

    @app.on(PostUpdated)
    async def note(event: PostUpdated) -> None:
        done.set()

    house = await serve(app, works=True)
    await house.install()
    await house.event()

    await asyncio.wait_for(done.wait(), 5)


async def test_an_effect_that_cannot_be_stored_counts_as_a_failed_try(serve: Opening, app: App):
    tries: list[int] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        tries.append(ctx.attempt)
        if ctx.attempt == 1:
            ctx.on_settle(lambda tx: tx.execute("INSERT INTO no_such_table VALUES (1)"))

    house = await installed(serve, app)
    await house.event()
    await house.work()
    house.clock.advance(60)
    await house.work()

    assert tries == [1, 2]
    assert await states(house) == ["done"]


async def test_a_portal_that_has_moved_is_found_through_the_authorization_server(serve: Opening, app: App):
    names: list[object] = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        names.append(await ctx.call("user.current"))

    house = await installed(serve, app)
    new = FakePortal(live=house.portal.live)
    async with serving(new) as new.url:
        house.portal.moved_to = new.url
        house.portal.endpoint = f"{new.url}/rest/"
        await house.event()
        await house.work()

    assert names == [{"ID": "1", "NAME": "Anna"}]
    (row,) = await house.rows("SELECT client_endpoint FROM install")
    assert row == {"client_endpoint": f"{new.url}/rest/"}


async def test_a_redirect_elsewhere_gets_no_token(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        await ctx.call("user.current")

    house = await installed(serve, app)
    stranger = FakePortal()
    async with serving(stranger) as stranger.url:
        house.portal.moved_to = stranger.url
        await house.event()
        await house.work()

    assert stranger.calls == []
    assert await states(house) == ["backing_off"]


async def test_a_consumer_whose_portal_is_away_waits_for_a_probe(serve: Opening, app: App):
    tries: list[str] = []

    async def ring(lease: Lease, runtime) -> Outcome:
        tries.append(lease.key)
        if len(tries) == 1:
            raise ConnectFailed("nobody answers")
        return Done()

    app.consume("bell", ring, cap=1)
    app.when_installed(ring_bells)
    house = await installed(serve, app)
    assert len(tries) == 1

    house.clock.advance(2)
    await house.work()

    assert sorted(set(tries)) == ["person:1", "person:2"]


def ring_bells(tx: Tx, known: KnownPortal) -> None:
    bell = known.consumers["bell"]
    for person in (1, 2):
        append(
            tx,
            portal=known.member_id,
            key=f"person:{person}",
            kind="notice",
            body=b"",
            source="app",
            consumers=[bell],
            only=bell,
        )


async def test_an_event_that_cannot_be_opened_becomes_a_dead_letter(serve: Opening, app: App):
    @app.on(PostUpdated)
    async def note(event: PostUpdated) -> None: ...

    house = await installed(serve, app)
    await house.event()
    await house.running.runtime.store.write(
        lambda tx: tx.execute("UPDATE entry SET body = ? WHERE source = 'door'", (bytes(200),))
    )
    await house.work()

    (row,) = await house.inbox(post=205)
    assert row.state == "dead"
    assert "cannot be read" in row.steps[-1].detail


async def test_what_is_past_its_retention_goes_with_its_steps(serve: Opening, app: App):
    house = await installed(serve, app)
    await house.event()
    await house.work()
    house.clock.advance(31 * DAY_S)

    await purge_old(house.running.runtime.store, house.clock)

    assert await house.rows("SELECT * FROM entry") == []
    assert await house.rows("SELECT * FROM step") == []


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ValueError("own"), "error"),
        (Retry(60), "asked"),
        (ConnectFailed("nobody"), "transport"),
        (NoPostFound(), "refused"),
        (NotYet("busy", after_s=60), "put_off"),
    ],
)
async def test_a_failure_is_counted_by_handler_and_class(serve: Opening, app: App, failure, kind: str):
    @app.on(PostUpdated, name="shop.tell")
    async def fail() -> None:
        raise failure

    @app.on(PostUpdated)
    async def work() -> None: ...

    house, grown = await installed(serve, app), Grown()
    await house.event()
    await house.work()

    assert (1, 1) == (
        grown("handler_failures_total", handler="shop.tell", failure=kind),
        sum(grown("handler_failures_total", handler="shop.tell", failure=one) for one in KINDS),
    )
    assert 0 == sum(grown("handler_failures_total", handler="work", failure=one) for one in KINDS)

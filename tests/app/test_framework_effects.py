"""Effects that are to happen once, through crashes and beside others; what several handlers leave behind."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests import engines
from tests.client.fake_portal import FakePortal

from livefeed import telemetry
from livefeed.app import App, Context, Retry, Running, opened
from livefeed.app.contexts.writes import Write
from livefeed.app.inbox import list_inbox, post_key, seal_entry
from livefeed.app.installs.housekeeping import purge_old
from livefeed.app.runtime import ROOMS
from livefeed.clock import ManualClock
from livefeed.durable.dead import replay_all
from livefeed.durable.entries import append
from livefeed.durable.store import Tx
from livefeed.errors import ConnectFailed, ConnectionReset
from livefeed.secrets import Secret
from livefeed.settings import AppSettings
from livefeed.wire.envelopes import parse_envelope
from livefeed.wire.events import PostAdded, PostDeleted, PostUpdated
from livefeed.wire.faults import InternalServerError, QueryLimitExceeded, UnexpectedAnswer
from livefeed.wire.form import decode
from livefeed.wire.ids import MemberId, PostId

from .bodies import APPLICATION_TOKEN, MEMBER, event_body

KINDS = ("ONLIVEFEEDPOSTADD", "ONLIVEFEEDPOSTUPDATE", "ONLIVEFEEDPOSTDELETE")


@pytest.fixture(params=engines.both())
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AppSettings:
    """A portal that is known without an installation, on each engine."""
    return AppSettings(
        db=engines.database(tmp_path, "app", ROOMS, engine=request.param),
        key_file=engines.key_file(tmp_path, "app"),
        member_id=MEMBER,
        application_token=Secret(APPLICATION_TOKEN),
        rate_limit=False,
    )


async def arrive(running: Running, *, event: str = KINDS[1], post: int = 205, ts: int = 1) -> int:
    """An event that the door has taken; its place."""
    runtime = running.runtime
    envelope = parse_envelope(decode(event_body(event=event, post=post, ts=ts), strict=True))
    inbox = runtime.portals.get(MemberId(MEMBER)).inbox
    return await runtime.store.write(
        lambda tx: append(
            tx,
            portal=MEMBER,
            key=post_key(PostId(post)),
            kind=event,
            body=seal_entry(runtime.portal_keys, MemberId(MEMBER), envelope),
            source="door",
            consumers=[inbox],
        )
    )


async def steps(running: Running) -> dict[str, str]:
    rows = await running.runtime.store.read(list_inbox)
    return {step.step: step.detail for row in rows for step in row.steps}


async def states(running: Running) -> list[str]:
    return [row.state for row in await running.runtime.store.read(list_inbox)]


async def work(running: Running, clock: ManualClock, times: int = 1) -> None:
    for _ in range(times):
        await running.worker.run_due()
        clock.advance(11)  # beyond a lease of somebody who is gone
    await running.worker.run_due()


@asynccontextmanager
async def dying(app: App, clock: ManualClock, begun: asyncio.Event) -> AsyncIterator[Running]:
    """Runs until ``begun`` is set by an effect, and is cut off there, as by a kill: nothing is settled."""
    async with opened(app, clock=clock, works=False) as running:
        yield running
        task = asyncio.create_task(running.worker.run_due())
        await asyncio.wait_for(begun.wait(), 5)
        task.cancel()
        await asyncio.wait([task])


def count_of(result: str) -> float:
    return telemetry.effects.labels(result)._value.get()


@pytest.mark.parametrize(
    ("on_unknown", "calls", "words"),
    [("resend", 2, "made again, call 2: nobody knows"), ("skip", 1, "skipped: nobody knows")],
)
async def test_after_a_crash_in_the_middle_an_effect_is_repeated_or_skipped_and_shown(
    settings: AppSettings, clock: ManualClock, on_unknown: Any, calls: int, words: str
):
    begun = asyncio.Event()
    made: list[str] = []

    def make(*, hangs: bool) -> App:
        app = App(settings)

        @app.on(PostUpdated, name="mail")
        async def mail(ctx: Context) -> None:
            async def send() -> None:
                made.append("sent")
                if hangs:
                    begun.set()
                    await asyncio.Event().wait()

            made.append(str(await ctx.once("mail", send, on_unknown=on_unknown)))

        return app

    async with dying(make(hangs=True), clock, begun) as running:
        await arrive(running)
    clock.advance(11)
    before = count_of("repeated"), count_of("skipped")
    async with opened(make(hangs=False), clock=clock, works=False) as running:
        await work(running, clock)
        assert made.count("sent") == calls
        assert made[-1] == str(on_unknown == "resend")
        assert words in (await steps(running))["effect mail"]
        assert await states(running) == ["done"]
    counted = count_of("repeated") - before[0], count_of("skipped") - before[1]
    assert counted == ((1, 0) if on_unknown == "resend" else (0, 1))


async def test_what_was_made_is_not_made_again_when_its_handler_fails_later_or_comes_from_a_dead_letter(
    settings: AppSettings, clock: ManualClock
):
    made: Counter[str] = Counter()
    is_broken = True
    app = App(settings)

    @app.on(PostUpdated, retry=None)
    async def tell(event: PostUpdated, ctx: Context) -> None:
        async with ctx.once("first") as is_due:
            made["first"] += is_due
        for key in ("second", "second"):
            made[key] += await ctx.once(key, lambda: asyncio.sleep(0))
        made["welcome"] += await ctx.once("welcome", lambda: asyncio.sleep(0), per="portal")
        if ctx.attempt == 1 and is_broken:
            raise Retry(1)
        if is_broken:
            raise RuntimeError

    async with opened(app, clock=clock, works=False) as running:
        await arrive(running)
        await work(running, clock, 2)
        assert await states(running) == ["dead"]
        is_broken = False

        await running.runtime.store.write(replay_all)
        await work(running, clock)
        assert made == {"first": 1, "second": 1, "welcome": 1}
        await arrive(running, ts=2)
        await work(running, clock)
        assert made == {"first": 2, "second": 2, "welcome": 1}, "another event, the same portal"

        clock.advance(31 * 24 * 3600)
        await purge_old(running.runtime.store, clock)
        rows = await running.runtime.store.read(lambda tx: tx.execute("SELECT * FROM effect").fetchall())
        assert rows == []


@pytest.mark.parametrize(
    ("raised", "calls"),
    [
        (ConnectFailed("refused"), 2),
        (QueryLimitExceeded(), 2),
        (Retry(1), 2),
        (ConnectionReset("gone"), 1),
        (UnexpectedAnswer(), 1),  # a gateway's page: the portal behind it may have done it
        (InternalServerError(), 1),
        (RuntimeError("bug"), 1),
    ],
)
async def test_only_what_may_have_happened_counts_as_unknown(
    settings: AppSettings, clock: ManualClock, raised: Exception, calls: int
):
    made: list[int] = []
    app = App(settings)

    @app.on(PostUpdated)
    async def tell(ctx: Context) -> None:
        async def send() -> None:
            made.append(ctx.attempt)
            if ctx.attempt == 1:
                raise raised

        await ctx.once("mail", send, on_unknown="skip")

    async with opened(app, clock=clock, works=False) as running:
        await arrive(running)
        await work(running, clock, 2)
        assert len(made) == calls
        assert await states(running) == ["done"]


async def test_two_lanes_that_want_one_effect_of_the_portal_make_it_once(
    settings: AppSettings, clock: ManualClock
):
    made: list[int] = []
    both = asyncio.Event()
    asked: list[int] = []
    app = App(settings)

    @app.on(PostUpdated)
    async def welcome(event: PostUpdated, ctx: Context) -> None:
        asked.append(event.post_id)
        if len(asked) >= 2:
            both.set()

        async def send() -> None:
            made.append(event.post_id)
            await both.wait()  # the other lane asks while this one is sending

        await ctx.once("welcome", send, per="portal")

    async with opened(app, clock=clock, works=False) as running:
        await arrive(running, post=1)
        await arrive(running, post=2)
        await work(running, clock, 3)
        assert len(made) == 1
        assert await states(running) == ["done", "done"]


PROGRAM = """
import asyncio, sys
import msgspec
from pathlib import Path
from livefeed.app import App, Context, opened
from livefeed.clock import ManualClock
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated

db, key_file, now, out = sys.argv[1:]
app = App(AppSettings(db=db, key_file=key_file, member_id="{member}", application_token="{token}"))

@app.on(PostUpdated, name="mail")
async def mail(ctx: Context) -> None:
    async def send() -> None:
        with open(out, "a") as file:
            file.write("sent\\n")
    await ctx.once("mail", send)

async def main() -> None:
    clock = ManualClock()
    clock.advance(float(now))
    async with opened(app, clock=clock, works=False) as running:
        await running.worker.run_due()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("point", "after_death", "in_the_end"), [("app.effect.sending", 0, 1), ("app.effect.made", 1, 2)]
)
async def test_a_process_that_dies_around_an_effect_has_made_it_or_not_and_it_is_never_lost(
    settings: AppSettings, clock: ManualClock, tmp_path: Path, point: str, after_death: int, in_the_end: int
):
    out = tmp_path / "sent"
    out.touch()
    async with opened(App(settings), clock=clock, works=False) as running:
        await arrive(running)
    program = PROGRAM.replace("{member}", MEMBER).replace('"{token}"', f'Secret("{APPLICATION_TOKEN}")')
    program = program.replace("import msgspec", "from livefeed.secrets import Secret")

    def run(now: int, **environ: str) -> int:
        command = [sys.executable, "-c", program, settings.db, settings.key_file, str(now), str(out)]
        done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, timeout=30)
        assert done.returncode in {0, 137}, done.stderr.decode()
        return done.returncode

    assert await asyncio.to_thread(run, 0, LIVEFEED_FAILPOINT=point) == 137
    assert out.read_text().count("sent") == after_death
    assert await asyncio.to_thread(run, 11) == 0

    assert out.read_text().count("sent") == in_the_end


async def test_effects_trials_and_writes_go_with_their_portal(settings: AppSettings, clock: ManualClock):
    app = App(settings)

    @app.on(PostUpdated)
    async def tell(ctx: Context) -> None:
        await ctx.once("mail", lambda: asyncio.sleep(0))
        raise RuntimeError

    async with opened(app, clock=clock, works=False) as running:
        await arrive(running)
        await running.worker.run_due()
        store = running.runtime.store

        def rows(tx: Tx) -> list[int]:
            tables = ("effect", "trial", "own_write")
            return [len(tx.execute(f"SELECT * FROM {one}").fetchall()) for one in tables]

        write = Write(id="w", event=KINDS[1], post=PostId(205), content={})
        await running.runtime.writes.begin(MemberId(MEMBER), write, "")
        assert await store.read(rows) == [1, 1, 1]
        for unit in running.leaving.when_erased:
            await store.write(lambda tx, unit=unit: unit(tx, MemberId(MEMBER)))
        assert await store.read(rows) == [0, 0, 0]


Event = tuple[int, int]
"""A kind and a post, by number."""


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    waves=st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2)), max_size=5), min_size=1, max_size=4
    ),
    failures=st.dictionaries(
        st.tuples(st.sampled_from(["all", "updates", "each"]), st.integers(0, 12)),
        st.integers(1, 2),
        max_size=6,
    ),
)
@example(waves=[[(1, 1), (1, 1)]], failures={("each", 0): 1})  # the second waits for the first
@example(waves=[[(1, 1)], [(1, 1)]], failures={("all", 0): 2, ("updates", 0): 1})  # a run grows
async def test_whoever_fails_and_whenever_more_comes_each_handler_sees_each_event_once_and_in_order(
    portal: FakePortal, tmp_path: Path, waves: list[list[Event]], failures: dict[tuple[str, int], int]
):
    """Adds and deletes always come alone; a run is of one kind and one post, with nothing between."""
    clock = ManualClock()
    number = len(list(tmp_path.glob("*.db")))
    given = AppSettings(
        db=f"sqlite:///{tmp_path / str(number)}.db",
        key_file=str(tmp_path / "key"),
        member_id=MEMBER,
        application_token=Secret(APPLICATION_TOKEN),
    )
    seen: dict[str, list[list[tuple[str, int, int]]]] = {"all": [], "updates": [], "each": []}
    left = dict(failures)
    app = App(given)

    def handle(name: str, ctx: Context) -> None:
        run = [(event.envelope.event, ctx.post_id or 0, event.envelope.ts or 0) for event in ctx.events]
        for _, _, ts in run:
            if left.get((name, ts), 0) > 0:
                left[name, ts] -= 1
                raise RuntimeError
        seen[name].append(run)

    @app.on(PostAdded, PostUpdated, PostDeleted, coalesce=True, name="all")
    async def _(ctx: Context) -> None:
        handle("all", ctx)

    @app.on(PostUpdated, coalesce=True, quiet_s=3, name="updates")
    async def _(ctx: Context) -> None:
        handle("updates", ctx)

    @app.on(PostAdded, PostUpdated, PostDeleted, name="each")
    async def _(ctx: Context) -> None:
        handle("each", ctx)

    sent: list[tuple[str, int, int]] = []
    async with opened(app, clock=clock, works=False) as running:
        for wave in waves:
            for kind, post in wave:
                await arrive(running, event=KINDS[kind], post=post, ts=len(sent))
                sent.append((KINDS[kind], post, len(sent)))
            await running.worker.run_due()
        for _ in range(12):
            clock.advance(15)
            await running.worker.run_due()

    for name, runs in seen.items():
        wanted = [one for one in sent if name != "updates" or one[0] == KINDS[1]]
        for post in (1, 2):
            flat = [one for run in runs for one in run if one[1] == post]
            assert flat == [one for one in wanted if one[1] == post], name
        for run in runs:
            assert len({(kind, post) for kind, post, _ in run}) == 1
            assert len(run) == 1 or run[0][0] == KINDS[1], "an add or a delete is never swallowed"
            between = [one for one in wanted if one[1] == run[0][1] and run[0][2] <= one[2] <= run[-1][2]]
            assert between == run
    assert all(len(run) == 1 for run in seen["each"])

"""Back-fill, sweeps and handlers of one application at a portal with limits: none of their calls meets one.

The clock turns when nobody has anything else to do but to wait for his turn.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tests import engines
from tests.client.limited import TurnedTime
from tests.scenario.conftest import NOTIFIER, Later, Town, open_town

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, Tx
from livefeed.notifier.gaps import Report, report
from livefeed.portal import access, server
from livefeed.portal.call import Call, Method
from livefeed.portal.feed import posts
from livefeed.portal.feed.posts import Draft
from livefeed.portal.limits.limiter import Limiter, Use
from livefeed.portal.limits.operating import read
from livefeed.portal.limits.plans import PLANS, Plan
from livefeed.portal.people import people
from livefeed.portal.people.people import NewPerson
from livefeed.wire.calls import Answer
from livefeed.wire.ids import MemberId, UserId

POSTS, PEOPLE, EDITS = 600, 260, 40
CALL_S = {"log.blogpost.get": 0.2, "log.blogcomment.user.get": 8.0}
STEP_S = 300
DAY_S = 86_400
FIRST_HIRED = 1_000
OF_LIMITS = re.compile(rb"QUERY_LIMIT_EXCEEDED|OPERATION_TIME_LIMIT|OVERLOAD_LIMIT")


class Turned(TurnedTime):
    """Time that waits for requests too: from the moment one asks for its place until it is answered."""

    async def sleep(self, seconds: float) -> None:
        self.hung_up()
        await super().sleep(seconds)
        self.on_the_line += 1

    def hung_up(self) -> None:
        self.on_the_line = max(0, self.on_the_line - 1)
        super().hung_up()


@dataclass
class Working:
    """The town's clock, ahead by what the request at work has used: it passes before the answer goes out.

    Attributes:
        used_s: What that is.
        most_s: The running time that one method had before one of its runs, at most.
    """

    clock: ManualClock
    used_s: float = 0.0
    most_s: float = 0.0

    def now_ms(self) -> int:
        return self.clock.now_ms() + round(self.used_s * 1000)


class Slow(Limiter):
    """The limits of a portal whose methods take their time."""

    work: Working
    is_running = False
    lasts_s = 0.0

    def __init__(self, store: Store, plan: Plan) -> None:
        super().__init__(store, plan, timer=self.tell)

    def run(self, tx: Tx, method: Method, call: Call, use: Use) -> Answer:
        self.lasts_s = CALL_S.get(method.name, 0.0)
        try:
            return super().run(tx, method, call, use)
        finally:
            if use.account is not None:
                self.work.most_s = max(self.work.most_s, read(tx, use.account).seconds)

    def tell(self) -> float:
        self.work.used_s += self.lasts_s if self.is_running else 0.0
        self.is_running = not self.is_running
        return self.work.used_s


@dataclass
class Counting(Later):
    """The way to the portal, which works at one request at a time: counts how it answers.

    Attributes:
        statuses: HTTP status → how often.
        refused: Answers that name a limit, also that of one command of a batch.
        lasted_s: How long all requests together have taken.
        time: What a request has used passes by it.
    """

    statuses: Counter[int] = field(default_factory=Counter[int])
    refused: list[bytes] = field(default_factory=list)
    lasted_s: float = 0.0
    time: Turned | None = None
    work: Working | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def clock_of(self, clock: ManualClock) -> Working:
        self.work = Slow.work = Working(clock)
        return self.work

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope["path"].startswith("/rest/"):
            await self.app(scope, receive, send)
            return
        said: list[Any] = []

        async def hear(message: Any) -> None:
            said.append(message)

        assert self.work is not None
        async with self.turn:
            await self.app(scope, receive, hear)
            lasted_s, self.work.used_s = self.work.used_s, 0.0
            self.lasted_s += lasted_s
        self._note(said)
        if self.time is not None and lasted_s:
            await self.time.sleep(lasted_s)  # the turned clock passes it; nobody waits
        for message in said:
            await send(message)
        if self.time is not None:
            self.time.hung_up()

    def _note(self, said: list[Any]) -> None:
        body = b"".join(one.get("body", b"") for one in said)
        self.statuses[said[0]["status"]] += 1
        self.refused += OF_LIMITS.findall(body)


def fill(tx: Tx, town: Town) -> None:
    """People, and posts of a year."""
    member = town.member
    for number in range(PEOPLE):
        new = NewPerson(login=f"clerk{number}", email="", first_name="Clerk", last_name=f"Number {number}")
        people.add(tx, member, UserId(FIRST_HIRED + number), new)
    access.rebuild(tx, member)
    now_ms = tx.now_ms
    for number in range(POSTS):
        at = now_ms - (POSTS - number) * 365 * DAY_S * 1000 // POSTS
        draft = Draft(
            author=UserId(1 + number % 3), text=f"Room {number} at 8:00", audience=("UA",), published_at=at
        )
        posts.write(tx, member, draft, editor=draft.author, source="seed")


def hold_back(town: Town) -> Turned:
    """Let calls of the application wait by the town's clock."""
    buckets, time = town.notifier.running.runtime.buckets, Turned(town.clock)
    admit = buckets.admit

    async def counted(member_id: MemberId) -> None:
        time.on_the_line += 1
        try:
            await admit(member_id)
        except BaseException:
            time.hung_up()
            raise

    buckets.time, buckets.admit = time, counted
    return time


def dateless(tx: Tx) -> int:
    """Of how many posts no sweep has noted when they were published."""
    return tx.execute("SELECT count(*) FROM archived_post WHERE published_at IS NULL").fetchone()[0]


async def look_on(town: Town, hours: float) -> Report:
    """Let this time pass step by step, with all work that is due in them."""
    for _ in range(round(hours * 3_600 / STEP_S)):
        await town.settle(STEP_S)
    return (await town.notifier.running.runtime.store.read(report))[0]


@contextmanager
def server_time_of(folder: Path, engine: str) -> Iterator[Callable[[ManualClock], None]]:
    """Makes a server tell the notifier's database the time of a clock, wherever that is turned to."""
    if engine == "sqlite":
        yield lambda _: None
        return
    url = engines.database(folder, "notifier", NOTIFIER, engine=engine)
    with closing(import_module("psycopg").connect(url, autocommit=True)) as conn:
        conn.execute("CREATE TABLE turned (ms BIGINT)")
        conn.execute("INSERT INTO turned VALUES (0)")
        conn.execute(
            "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql"
            " AS 'SELECT to_timestamp(ms / 1000.0) FROM public.turned'"
        )
        conn.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET search_path = public, pg_catalog")

        def follow(clock: ManualClock) -> None:
            turn = clock.advance

            def advance(seconds: float) -> None:
                turn(seconds)
                conn.execute("UPDATE turned SET ms = %s", (clock.now_ms(),))

            clock.advance = advance
            advance(0)

        yield follow


async def test_nothing_that_an_application_does_is_refused_for_a_limit(tmp_path, engine, monkeypatch):
    counter, hourly = Counting(), {"sweep_all_every_s": 5_000.0}
    monkeypatch.setattr(server, "Limiter", Slow)
    async with AsyncExitStack() as stack:
        follow = stack.enter_context(server_time_of(tmp_path, engine))
        town = await stack.enter_async_context(
            open_town(tmp_path, engine, limits=PLANS["standard"], counter=counter, **hourly)
        )
        follow(town.clock)
        await town.store.write(lambda tx: fill(tx, town))
        counter.time = time = hold_back(town)
        await town.settle()
        first = town.seeded.posts[-1] + 1
        for post in range(first, first + EDITS):
            await town.admin.run("edit_post", {"post": post, "text": "Room 7 at 9:30"})
        told = await look_on(town, 0.5)
        last = await look_on(town, 1.5)
        undated = await town.notifier.running.runtime.store.read(dateless)
        waited_s = sum(time.slept) - counter.lasted_s

    assert counter.refused == []
    assert set(counter.statuses) <= {200, 401}, "401: a token that is renewed"
    assert waited_s > 20, "the rate of requests held calls back"
    assert counter.work.most_s <= PLANS["standard"].operating_s
    assert counter.lasted_s > 4 * PLANS["standard"].operating_s, "which had to last for longer"
    assert told.coverage.phase == "comments"
    assert told.counts["event"].edits == EDITS, "handlers are admitted meanwhile"
    known = POSTS + len(town.seeded.posts)
    assert (last.coverage.phase, last.coverage.archived, last.coverage.percent) == ("done", known, 100)
    assert {one.scope: one.last_ended_at is not None for one in last.sweeps} == {"hot": True, "all": True}
    assert 0 == undated, "the hot window is known of each"
    assert {known} == {one.last_looked for one in last.sweeps if one.scope == "all"}

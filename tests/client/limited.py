"""A real portal with limits in this process, a clock that turns when nobody has anything else to do, and a
line between client and portal that counts and can be cut."""

import asyncio
import heapq
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from starlette.applications import Starlette
from tests.portal.asgi import request

from livefeed.clock import ManualClock
from livefeed.durable.store import Store
from livefeed.net.http import HttpAnswer
from livefeed.portal import portals
from livefeed.portal.apps import webhooks
from livefeed.portal.feed import methods as feed_methods
from livefeed.portal.http import rest_routes
from livefeed.portal.limits.limiter import Limiter
from livefeed.portal.limits.plans import Plan
from livefeed.portal.methods import MethodTable
from livefeed.portal.people import methods as people_methods
from livefeed.portal.people import people
from livefeed.portal.people.people import NewPerson
from livefeed.portal.portals import Directory
from livefeed.portal.rest import Door
from livefeed.portal.seed import seed_empty
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId, UserId

Failure = Exception | HttpAnswer
ROOMS = ["livefeed.portal"]


class TurnedTime:
    """The time of the client: the portal's clock, which turns to the next one who waits."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.on_the_line = 0
        self.slept: list[float] = []
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._turner: asyncio.Task[None] | None = None
        self._quiet = asyncio.Event()

    def now_s(self) -> float:
        return self.clock.now_ms() / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now_s() + seconds, next(self._numbers), future))
        if self._turner is None or self._turner.done():
            self._turner = asyncio.create_task(self._turn())
        await future

    def hung_up(self) -> None:
        self._quiet.set()

    async def _turn(self) -> None:
        while self._waiting:
            for _ in range(30):
                await asyncio.sleep(0)
            if self.on_the_line:
                self._quiet.clear()
                await self._quiet.wait()
                continue
            due_s, _, future = heapq.heappop(self._waiting)
            self.clock.advance(max(0, math.ceil((due_s - self.now_s()) * 1000)) / 1000)
            if not future.done():
                future.set_result(None)


@dataclass
class Line:
    """The way out of the client, straight into the portal."""

    app: Starlette
    time: TurnedTime
    failures: list[Failure] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    after_each: Callable[[], Awaitable[None]] | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
        timeout_s: float | None = None,
        max_answer_bytes: int | None = None,
    ) -> HttpAnswer:
        self.methods.append(url.rpartition("/")[2].removesuffix(".json"))
        self.time.on_the_line += 1
        try:
            if self.failures:
                failure = self.failures.pop(0)
                if isinstance(failure, Exception):
                    raise failure
                return failure
            path = url.removeprefix("http://portal.example")
            answer = await request(self.app, method, path, body=body or b"", headers=dict(headers))
            self.statuses.append(answer.status)
            if self.after_each is not None:
                await self.after_each()
            return HttpAnswer(status=answer.status, headers=answer.headers, body=answer.body)
        finally:
            self.time.on_the_line -= 1
            self.time.hung_up()


@dataclass
class Limited:
    """A portal with an administrator."""

    store: Store
    time: TurnedTime
    line: Line
    limiter: Limiter
    portal: MemberId
    hook: str

    async def hire(self, *ids: int) -> None:
        def unit(tx: Any) -> None:
            for number in ids:
                new = NewPerson(
                    login=f"clerk{number}", email="", first_name="Clerk", last_name=f"Number {number}"
                )
                people.add(tx, self.portal, UserId(number), new)

        await self.store.write(unit)

    async def others_call(self, times: int) -> None:
        """Somebody else calls from the same address."""
        for _ in range(times):
            await self.limiter.admit(self.portal, "127.0.0.1")


async def limited_portal(store: Store, clock: ManualClock, plan: Plan, timer: Callable[[], float]) -> Limited:
    """The portal in an empty database."""
    keys = KeyRing([bytes(range(32))])
    row = await store.write(
        lambda tx: portals.create(tx, public_url="http://portal.example", name="Meridian")
    )
    await store.write(lambda tx: seed_empty(tx, portal=row, keys=keys))
    code = webhooks.new_code(keys)
    await store.write(
        lambda tx: webhooks.add(
            tx, portal=row.member_id, user_id=UserId(1), scopes=webhooks.SCOPES, code=code
        )
    )
    limiter = Limiter(store, plan, timer=timer)
    methods = MethodTable((*feed_methods.METHODS, *people_methods.METHODS))
    directory = await Directory.load(store)
    door = Door(store=store, clock=clock, keys=keys, methods=methods, limiter=limiter)
    time = TurnedTime(clock)
    line = Line(Starlette(routes=rest_routes(door, clock=clock, directory=directory)), time)
    hook = webhooks.url(row, UserId(1), code.code.reveal())
    return Limited(store, time, line, limiter, row.member_id, hook)

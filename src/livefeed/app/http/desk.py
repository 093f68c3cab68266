"""The desk: events of one turn of the loop are judged one by one and stored together, with one future."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Final

from livefeed.app.exchange import ACCEPTED, BUSY, TOO_LARGE, UNAVAILABLE, DoorAnswer, refused
from livefeed.app.http.answers import CONTINUE, FAILED
from livefeed.app.http.heads import Head
from livefeed.app.http.limits import HttpLimits
from livefeed.app.http.line import Exchange, Line
from livefeed.app.ingest import Departure, Door, Doubt, not_stored
from livefeed.durable.entries import Arrival, append_batches
from livefeed.errors import StoreBusy, StoreError, StoreUnavailable
from livefeed.failpoints import failpoint, is_mutated
from livefeed.telemetry import logger
from livefeed.wire.form import DOOR_LIMITS

_MOST: Final = DOOR_LIMITS.max_bytes
_MOST_TOGETHER: Final = 256
_COLLECTING_S: Final = 0.002
_LOG: Final = logger("app")


class Desk:
    """Takes bodies for one door in one loop, without a task for any of them."""

    def __init__(self, door: Door, limits: HttpLimits) -> None:
        self._door = door
        self.path = door.path
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._arrivals: list[Arrival] = []
        self._askers: list[EventExchange] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._waiting_bytes = 0

    def take(self, body: bytes, is_json: bool, asker: "EventExchange") -> None:
        """Judge one body; ``asker`` is answered now if it is refused, after the commit if it is stored."""
        if self._waiting >= self._limits.events or self._waiting_bytes >= self._limits.events_bytes:
            asker.answered(refused(BUSY))
            return
        try:
            verdict = self._door.judge(body, is_json)
        except Exception:  # noqa: BLE001 - one request must not take others of its connection with it
            _LOG.exception("event_failed")
            asker.answered(FAILED)
        else:
            self._settle(verdict, asker)

    def _settle(self, verdict: Arrival | Departure | Doubt | DoorAnswer, asker: "EventExchange") -> None:
        if isinstance(verdict, Arrival):
            if is_mutated("ack-before-commit"):
                asker.answered(ACCEPTED)
            if not self._arrivals:
                self._loop.call_soon(self._collect, 0, self._loop.time() + _COLLECTING_S)
            self._arrivals.append(verdict)
            self._askers.append(asker)
            self._waiting += 1
            self._waiting_bytes += len(verdict.body)
        elif isinstance(verdict, DoorAnswer):
            asker.answered(verdict)
        elif isinstance(verdict, Doubt):
            self._keep(self._judge_again(verdict, asker), asker)
        else:
            self._keep(self._leave(verdict, asker), asker)

    async def drained(self) -> None:
        """Everything that was taken is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _collect(self, seen: int, until: float) -> None:
        """Look once more what has come, as long as each look brings more: a commit costs the same for all."""
        count = len(self._arrivals)
        if seen < count < _MOST_TOGETHER and self._loop.time() < until:
            self._loop.call_soon(self._collect, count, until)
        else:
            self._store()

    def _store(self) -> None:
        """Hand over what has come."""
        arrivals, self._arrivals = self._arrivals, []
        askers, self._askers = self._askers, []
        self._hand_over(arrivals, askers)

    def _hand_over(self, arrivals: Sequence[Arrival], askers: Sequence["EventExchange"]) -> None:
        failpoint("app.ingest.genuine")
        try:
            future = self._door.store.write_row(append_batches, arrivals)
        except StoreError as exc:
            self._answer(arrivals, askers, not_stored(exc))
            return
        future.add_done_callback(partial(self._stored, arrivals, askers))

    def _stored(
        self, arrivals: Sequence[Arrival], askers: Sequence["EventExchange"], future: "asyncio.Future[None]"
    ) -> None:
        """The commit has succeeded, or nothing of it is stored."""
        if future.cancelled():
            self._answer(arrivals, askers, refused(UNAVAILABLE))
            return
        error = future.exception()
        if error is None:
            failpoint("app.ingest.committed")
            self._answer(arrivals, askers, ACCEPTED)
        elif isinstance(error, (StoreBusy, StoreUnavailable)):
            self._answer(arrivals, askers, not_stored(error))
        elif len(arrivals) == 1:
            _LOG.error("arrival_refused", error=str(error))
            self._answer(arrivals, askers, refused(UNAVAILABLE))
        else:
            self._store_apart(arrivals, askers)

    def _store_apart(self, arrivals: Sequence[Arrival], askers: Sequence["EventExchange"]) -> None:
        """One of them is refused: each is stored alone, so that it fails nobody else's."""
        for arrival, asker in zip(arrivals, askers, strict=True):
            self._hand_over([arrival], [asker])

    def _answer(
        self, arrivals: Sequence[Arrival], askers: Sequence["EventExchange"], answer: DoorAnswer
    ) -> None:
        self._waiting -= len(arrivals)
        for arrival in arrivals:
            self._waiting_bytes -= len(arrival.body)
        for asker in askers:
            asker.answered(answer)

    def _keep(self, coroutine: Coroutine[Any, Any, None], asker: "EventExchange") -> None:
        task = self._loop.create_task(self._ended(coroutine, asker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ended(self, coroutine: Coroutine[Any, Any, None], asker: "EventExchange") -> None:
        try:
            await coroutine
        except Exception:  # noqa: BLE001 - who is never answered waits for ever
            _LOG.exception("event_failed")
            asker.answered(FAILED)

    async def _judge_again(self, doubt: Doubt, asker: "EventExchange") -> None:
        """Those who doubt wait for one read of the database, and count as waiting."""
        self._waiting += 1
        self._waiting_bytes += len(doubt.body)
        try:
            verdict = await self._door.judge_again(doubt)
        finally:
            self._waiting -= 1
            self._waiting_bytes -= len(doubt.body)
        self._settle(verdict, asker)

    async def _leave(self, departure: Departure, asker: "EventExchange") -> None:
        asker.answered(await self._door.leave(departure))


class EventExchange(Exchange):
    """A request for the ingest door; it is judged as soon as its body is complete."""

    __slots__ = ("_body", "_desk", "_expects_continue", "_is_json", "_line")

    def __init__(self, line: Line, desk: Desk, head: Head) -> None:
        self.answer = None
        self.keeps_alive = head.keeps_alive
        self._line = line
        self._desk = desk
        self._is_json = head.is_json
        self._expects_continue = head.expects_continue
        self._body: bytes | bytearray = b""

    def begin(self) -> None:
        """Ask for the body, if that is waited for."""
        if self._expects_continue and not self._body:
            self._expects_continue = False
            self._line.write(CONTINUE)

    def feed(self, data: bytes) -> DoorAnswer | None:
        """Collect the body, up to what a door takes."""
        if not self._body:
            self._body = data
        elif isinstance(self._body, bytearray):
            self._body += data
        else:
            self._body = bytearray(self._body + data)
        return refused(TOO_LARGE) if len(self._body) > _MOST else None

    def end(self) -> None:
        """Have it judged."""
        self._expects_continue = False
        body, self._body = bytes(self._body), b""
        self.take(body)

    def take(self, body: bytes) -> None:
        """Have a whole body judged."""
        self._desk.take(body, self._is_json or body[:1] == b"{", self)

    def answered(self, answer: DoorAnswer) -> None:
        """The door's answer is known."""
        self.answer = answer
        self._line.answered(self)

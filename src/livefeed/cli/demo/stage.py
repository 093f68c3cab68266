"""The demo's stage: the notifier's database, read only, and its process, over a socket of the demo's own."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from livefeed.app.inbox import InboxRow, list_inbox, post_key
from livefeed.cli.demo.keeper import Report
from livefeed.cli.halves import APPLICATION
from livefeed.clock import SystemClock
from livefeed.durable.lanes import list_lanes
from livefeed.durable.store import Reader, Tx, open_readonly
from livefeed.errors import SettingsError, StoreError
from livefeed.notifier import archive, decisions
from livefeed.notifier.decisions import Line, Ruling
from livefeed.portal.web.scene.stage import Account, Arrival, Content, Heard, Judgement, Process, Step
from livefeed.settings import DatabaseUrl
from livefeed.wire.events import PostUpdated
from livefeed.wire.ids import MemberId, PostId

T = TypeVar("T")

VARIABLE: Final = "LIVEFEED_DEMO_STAGE"
"""What the demo hands its portal: JSON of `Handed`."""

_NEWEST: Final = 30


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the stage is found.

    Attributes:
        control: Descriptor of the socket to the keeper, inherited.
        notifier_db: URL of the notifier's database.
        portal_db: URL of the portal's own.
        app_url: Where the notifier answers.
    """

    control: int
    notifier_db: str
    portal_db: str
    app_url: str


def handed_over(environ: Mapping[str, str] = os.environ) -> "DemoStage | None":
    """The stage that the demo gave this process; None outside the demo."""
    text = environ.get(VARIABLE, "")
    return DemoStage(msgspec.json.decode(text, type=Handed)) if text else None


class DemoStage:
    """Implements `livefeed.portal.web.scene.stage.Stage` for the demo."""

    def __init__(self, handed: Handed) -> None:
        self._handed = handed
        self._line = _Line(handed.control)
        self._notifier = _Glance(handed.notifier_db, APPLICATION[0])
        self._portal = _Glance(handed.portal_db, ())

    @property
    def app_url(self) -> str:
        """Where the notifier answers."""
        return self._handed.app_url

    async def process(self) -> Process:
        """Where its process stands."""
        report = await self._line.report()
        return Process(state=report.state, pid=report.pid, since_ms=report.since_ms)

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._line.order("kill")

    async def start(self) -> None:
        """Start it again."""
        await self._line.order("start")

    async def account(self, portal: MemberId, post: PostId) -> Account:
        """What its database says of ``post``; nothing as long as there is none."""
        found = await self._notifier.read(lambda tx: _account(tx, portal, post))
        return found or Account()

    async def changes(self) -> str:
        """A word that is another one once either half has committed, or the process has changed."""
        report = await self._line.report()
        return f"{await self._portal.changes()}-{await self._notifier.changes()}-{report.since_ms}"


class _Line:
    """The line to the keeper; it is opened when it is first used."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._answers: asyncio.Queue[Report] = asyncio.Queue()
        self._last: Report | None = None

    async def report(self) -> Report:
        """Where the process stands, as it was last told."""
        return self._last or await self.order("state")

    async def order(self, word: str) -> Report:
        """Send one order and wait until it is obeyed.

        Raises:
            SettingsError: The keeper is gone; so will this process be.
        """
        async with self._lock:
            writer = self._writer or await self._open()
            try:
                writer.write(f"{word}\n".encode("ascii"))
                await writer.drain()
            except OSError as exc:
                raise SettingsError(f"the demo does not answer: {exc}") from exc
            return await self._answers.get()

    async def _open(self) -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=self._descriptor))
        self._writer = writer
        self._listening = asyncio.create_task(self._listen(reader))
        return writer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            report = msgspec.json.decode(line, type=Report)
            self._last = report
            if report.is_answer:
                self._answers.put_nowait(report)


class _Glance:
    """A database that is looked into, as soon as there is one; one look at a time, in a thread."""

    def __init__(self, url: str, rooms: tuple[str, ...]) -> None:
        self._url, self._rooms = DatabaseUrl.parse(url), rooms
        self._lock = threading.Lock()
        self._reader: Reader | None = None

    async def read(self, query: Callable[[Tx], T]) -> T | None:
        """The answer; None as long as there is no such database."""
        return await asyncio.to_thread(self._look, lambda reader: reader.read(query))

    async def changes(self) -> int:
        """A number that is another one once somebody has committed; 0 without a database."""
        return await asyncio.to_thread(self._look, lambda reader: reader.changes()) or 0

    def _look(self, look: Callable[[Reader], T]) -> T | None:
        with self._lock:
            try:
                self._reader = self._reader or open_readonly(self._url, self._rooms, clock=SystemClock())
            except StoreError:
                return None
            return look(self._reader)


def _account(tx: Tx, portal: MemberId, post: PostId) -> Account:
    events = list_inbox(tx, portal=portal, post=post, limit=_NEWEST)
    newest = next((row for row in events if row.event == PostUpdated.wire_name), None)
    ruling = decisions.find(tx, portal, post)
    lanes = {lane.key: lane.due_at_ms for lane in list_lanes(tx) if lane.name == "inbox"}
    return Account(
        arrival=None if newest is None else _arrival(newest, lanes.get(post_key(post))),
        judgement=None if ruling is None else _judgement(tx, portal, post, ruling),
        waiting=len(lanes),
    )


def _arrival(row: InboxRow, due_at_ms: int | None) -> Arrival:
    steps = [Step(name=step.step, at_ms=step.at_ms) for step in row.steps]
    return Arrival(seq=row.seq, at_ms=steps[0].at_ms, state=row.state, steps=steps, due_at_ms=due_at_ms)


def _judgement(tx: Tx, portal: MemberId, post: PostId, ruling: Ruling) -> Judgement:
    old = archive.version(tx, portal, post, ruling.from_version)
    new = archive.version(tx, portal, post, ruling.to_version)
    return Judgement(
        seq=ruling.seq,
        events=ruling.events,
        silence="" if ruling.silence is None else str(ruling.silence),
        old=Content(title=old.title, text=old.text),
        new=Content(title=new.title, text=new.text),
        heard=[_heard(line) for line in decisions.who(tx, portal, post)],
    )


def _heard(line: Line) -> Heard:
    return Heard(
        person=line.person,
        is_told=line.is_told,
        reason="" if line.reason is None else str(line.reason),
        why=line.why,
        state=line.state or "",
        calls=line.calls,
        settled_at_ms=line.settled_at_ms,
    )

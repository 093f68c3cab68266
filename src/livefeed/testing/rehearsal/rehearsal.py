"""The process's side: a portal with the door, the postman and the clock of a test, and a way to tell it."""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from livefeed.clock import SystemClock
from livefeed.durable.entries import LANES
from livefeed.durable.lanes import list_lanes, next_due
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.net.http import HttpClient
from livefeed.portal import lifecycle, portals
from livefeed.portal.admin import Admin
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Binding
from livefeed.portal.events.sender import USER_AGENT
from livefeed.portal.portals import Directory, PortalRow
from livefeed.portal.server import HANDLER_TIMEOUT_S, Portal, PortalOptions
from livefeed.secrets import KeyRing
from livefeed.testing.faults.conditions import begin, end, renamed
from livefeed.testing.faults.door import FaultyDoor, Receive, Scope, Send
from livefeed.testing.faults.guests import Guests
from livefeed.testing.faults.plan import Faults, Plan, Step
from livefeed.testing.faults.postman import FaultyPostman
from livefeed.testing.faults.scene import Scene
from livefeed.testing.rehearsal.journal import (
    Entered,
    Journal,
    Left,
    Line,
    Saw,
    Stepped,
    Turned,
    read_journal,
    steps_of,
)
from livefeed.testing.rehearsal.words import PATH, Wish
from livefeed.testing.seen import Called, Delivery, Given, Refreshed, Seen

_HOUR_MS: Final = 3_600_000
_LOOK_S: Final = 0.01
_LATE_S: Final = 0.05
_MOST_LANES: Final = 1 << 30


class ShiftedClock(SystemClock):
    """The machine's clock, turned ahead."""

    ahead_ms = 0

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, and those it was turned by."""
        return super().now_ms() + self.ahead_ms


class Rehearsal:
    """What a rehearsal has beside the portal itself; it goes on where its journal ends.

    Attributes:
        clock: The portal's.
    """

    def __init__(self, path: Path) -> None:
        """Go on with the journal at ``path``."""
        self._past: Final[list[Line]] = list(read_journal(path))
        self._journal: Final = Journal(path)
        self.clock: Final = ShiftedClock()
        self.clock.ahead_ms = sum(line.by_ms for line in self._past if isinstance(line, Turned))

    @contextlib.asynccontextmanager
    async def portal(
        self, store: Store, keys: KeyRing, options: PortalOptions, url: str
    ) -> AsyncGenerator["RehearsedPortal"]:
        """The portal of a rehearsal, as an ASGI application; ``url`` is where it listens."""
        scene = Scene(self.clock, note=self._note)
        row = await store.read(portals.default)
        if row is None:
            raise SettingsError("a rehearsal needs a portal; make one with: livefeed portal init")
        admin = Admin(store=store, keys=keys, clock=self.clock, directory=await Directory.load(store))

        async def uninstall(client_id: str, clean: bool) -> None:
            await admin.run("app_remove", {"client_id": client_id, "clean": clean})

        guests = Guests(store, keys, row.member_id)
        http = HttpClient(
            allow_private=options.allow_private, timeout_s=HANDLER_TIMEOUT_S, user_agent=USER_AGENT
        )
        postman = FaultyPostman(http, scene, guests=guests, uninstall=uninstall)
        portal = Portal(store=store, keys=keys, clock=self.clock, options=options, postman=postman)
        door = FaultyDoor(portal.asgi, scene, portal=row.member_id, keys=keys, guests=guests)
        made = RehearsedPortal(self, store=store, scene=scene, postman=postman, door=door, row=row, url=url)
        made.token = options.admin_token
        await made.resume(self._past)
        late = asyncio.create_task(_deliver_late(postman))
        try:
            yield made
        finally:
            late.cancel()
            await http.close()
            self._journal.close()

    def write(self, line: Line) -> None:
        """Let the test know, now and after a restart."""
        self._journal.write(line)

    def _note(self, what: Seen | Given) -> None:
        match what:
            case Delivery():
                self.write(Saw(delivery=what))
            case Called():
                self.write(Saw(called=what))
            case Refreshed():
                self.write(Saw(refreshed=what))
            case Given():
                self.write(Saw(given=what))


class RehearsedPortal:
    """An ASGI application: the portal, and the wishes of the test that has the administrator's token."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        *,
        store: Store,
        scene: Scene,
        postman: FaultyPostman,
        door: FaultyDoor,
        row: PortalRow,
        url: str,
    ) -> None:
        self.store: Final = store
        self.scene: Final = scene
        self.door: Final = door
        self.row = row
        self.token = ""
        self._rehearsal = rehearsal
        self._postman = postman
        self._url = url
        self._blocks: dict[int, Faults] = {}
        self._wishes: Mapping[str, Callable[[Wish], Awaitable[object]]] = {
            "enter": self._enter,
            "leave": self._leave,
            "turn": self._turn,
            "deliver": self._deliver,
            "settle": self._settle,
            "bind": self._bind,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self.door(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"authorization", b"")
        wish = self._wishes.get(scope["path"].removeprefix(PATH))
        if wish is None or not hmac.compare_digest(given, b"Bearer " + self.token.encode()):
            await _answer(send, 404 if wish is None else 401, None)
            return
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        try:
            done = await wish(msgspec.json.decode(bytes(body), type=Wish))
        except (lifecycle.Refused, SettingsError, msgspec.DecodeError) as exc:
            await _answer(send, 400, str(exc))
        else:
            await _answer(send, 200, done)

    async def resume(self, past: list[Line]) -> None:
        """Go on where the process ended: with its faults in force, and tokens that have expired."""
        for line in past:
            if isinstance(line, Saw) and line.given is not None:
                self.scene.take(line.given)
        left = {line.number for line in past if isinstance(line, Left)}
        for line in past:
            if isinstance(line, Entered) and line.number not in left:
                await self._begin(line.number, line.plan, steps_of(past, line.number))

    async def move(self, *, is_renamed: bool) -> None:
        """Give the portal its other name, or its own again."""
        url = renamed(self._url) if is_renamed else self._url
        self.row = await self.store.write(lambda tx: portals.move(tx, self.row.member_id, url))

    async def _begin(self, number: int, plan: Plan, past: list[Step]) -> None:
        faults = Faults.from_plan(plan, past, partial(self._step, number))
        self._blocks[number] = faults
        await begin(self, faults)

    def _step(self, number: int, step: Step) -> None:
        self._rehearsal.write(Stepped(number=number, step=step))

    async def _enter(self, wish: Wish) -> bool:
        assert wish.plan is not None, "a block that begins has a plan"
        await self._until_idle()  # what was due before is none of its business
        self._rehearsal.write(Entered(number=wish.number, plan=wish.plan))
        await self._begin(wish.number, wish.plan, [])
        return True

    async def _leave(self, wish: Wish) -> bool:
        await self._until_idle()
        self._rehearsal.write(Left(number=wish.number))
        await end(self, self._blocks.pop(wish.number))
        await self._postman.release()
        return True

    async def _turn(self, wish: Wish) -> bool:
        await self._turn_by(wish.by_ms)
        return True

    async def _turn_by(self, by_ms: int) -> None:
        self._rehearsal.write(Turned(by_ms=by_ms))
        self._rehearsal.clock.ahead_ms += by_ms
        await self.store.write(lambda tx: tx.wake(LANES))

    async def _deliver(self, _: Wish) -> bool:
        await self._until_idle()
        while await self._postman.release():
            await self._until_idle()
        return True

    async def _until_idle(self) -> None:
        # The lane of a delivery that is under way is gone when its application is uninstalled meanwhile.
        while await self.store.read(_has_work) or self._postman.under_way:
            await asyncio.sleep(_LOOK_S)

    async def _settle(self, wish: Wish) -> bool:
        """Whether nothing is due any more within so many hours."""
        clock = self._rehearsal.clock
        end_ms = clock.now_ms() + round(wish.hours * _HOUR_MS)
        while True:
            await self._deliver(wish)
            moments = [await self.store.read(next_due), self._postman.next_due_ms()]
            due = [moment for moment in moments if moment is not None]
            if not due or min(due) > end_ms:
                return not due
            await self._turn_by(max(0, min(due) - clock.now_ms()))

    async def _bind(self, wish: Wish) -> int:
        def unit(tx: Tx) -> int:
            tx.serialize(self.row.member_id)
            app = lifecycle.present(tx, self.row, wish.client_id)
            event, url, owner = wish.event.upper(), wish.url, app.installer
            return handlers.bind(
                tx, app, Binding(event=event, url=url, auth_type=handlers.ACTING_USER, owner=owner)
            )

        return await self.store.write(unit)


def _has_work(tx: Tx) -> bool:
    due_ms = next_due(tx)
    is_due = due_ms is not None and due_ms <= tx.now_ms
    return is_due or bool(list_lanes(tx, state="leased", limit=_MOST_LANES))


async def _deliver_late(postman: FaultyPostman) -> None:
    """What was held back until a moment comes when it is there, asked for or not."""
    while True:
        await asyncio.sleep(_LATE_S)
        await postman.release_late()


async def _answer(send: Send, status: int, document: object) -> None:
    body = msgspec.json.encode(document)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

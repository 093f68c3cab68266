"""``/live``: tells an open page that something its person may see has changed, never what."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from livefeed.clock import Clock
from livefeed.durable.attempts import ATTEMPTS
from livefeed.durable.entries import LANES
from livefeed.durable.store import Store
from livefeed.errors import StoreError
from livefeed.portal.access import PEOPLE
from livefeed.portal.events.handlers import TOPIC as HANDLERS
from livefeed.portal.live.topics import BELL, FEED, SESSIONS, bell_of, feeds_of
from livefeed.portal.people.people import Person
from livefeed.portal.web.desk import Desk
from livefeed.ui.streams import HEARTBEAT_S, Full, Stream, Streams, serve
from livefeed.wire.ids import MemberId, decimal

_ALL: Final[Mapping[str, str]] = {
    FEED: "posts",
    BELL: "bell",
    ATTEMPTS: "deliveries",
    LANES: "deliveries",
    HANDLERS: "deliveries",
}
_OF_ADMINISTRATORS: Final = (ATTEMPTS, LANES, HANDLERS)
_RETRY_AFTER_S: Final = 30
_WORDS: Final = {
    401: "sign in first\n",
    429: "too many of your pages are open\n",
    503: "too many pages are open; try again later\n",
}


class LiveEndpoint:
    """The ASGI application at ``/live``; browsers reach it with ``EventSource``."""

    def __init__(
        self, desk: Desk, clock: Clock, streams: Streams, *, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        """Listen from now on; must be called in the loop that serves."""
        self._desk = desk
        self._clock = clock
        self._streams = streams
        self._heartbeat_s = heartbeat_s
        self._changed_at = dict.fromkeys(_ALL.values(), clock.now_ms())  # before that nobody knows
        for topic, name in _ALL.items():
            desk.store.listen(topic, _noting(self._changed_at, name, clock))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one open page until it is closed."""
        request = Request(scope, receive)
        try:
            me = await self._desk.whose(request)
        except StoreError:
            await _refusal(503)(scope, receive, send)
            return
        if me is None:
            await _refusal(401)(scope, receive, send)
            return
        portal = self._desk.portal(request).member_id
        stream = self._streams.open((portal, me.id))
        if isinstance(stream, Full):
            await _refusal(stream.status)(scope, receive, send)
            return
        ears = _Ears(self._desk.store, portal, stream)
        try:
            await self._serve(request, me, stream, ears, send)
        finally:
            ears.close()
            self._streams.forget(stream)

    async def _serve(self, request: Request, me: Person, stream: Stream, ears: "_Ears", send: Send) -> None:
        await ears.follow(me)
        self._tell_missed(stream, me, decimal(request.query_params.get("since", "")))

        async def may_go_on() -> bool:
            try:
                now = await self._desk.whose(request)
                if now is not None and ears.are_stale:
                    await ears.follow(now)
            except StoreError:
                return False  # the browser comes back by itself
            return now is not None and now.id == me.id

        await serve(stream, request.receive, send, may_go_on=may_go_on, heartbeat_s=self._heartbeat_s)

    def _tell_missed(self, stream: Stream, me: Person, since_ms: int | None) -> None:
        """Tell what may have changed since the page was made."""
        for name, changed_at in self._changed_at.items():
            is_his = me.is_admin or name != "deliveries"
            if is_his and since_ms is not None and since_ms <= changed_at:
                stream.tell(name)


class _Ears:
    """What one open page listens to."""

    def __init__(self, store: Store, portal: MemberId, stream: Stream) -> None:
        self._store = store
        self._portal = portal
        self._stream = stream
        self._ends: list[Callable[[], None]] = []
        self.are_stale = False

    async def follow(self, me: Person) -> None:
        """Listen to what concerns ``me``: to his posts by the codes he holds now.

        What was listened to before is heard until then, so that nothing is missed in between.
        """
        before = len(self._ends)
        self.are_stale = False
        self._listen(PEOPLE, self._regrant)
        self._listen(SESSIONS, self._stream.look)
        feeds = await self._store.read(lambda tx: feeds_of(tx, self._portal, me.viewer))
        for topic in feeds:
            self._listen(topic, self._telling(_ALL[FEED]))
        self._listen(bell_of(self._portal, me.id), self._telling(_ALL[BELL]))
        for topic in _OF_ADMINISTRATORS if me.is_admin else ():
            self._listen(topic, self._telling(_ALL[topic]))
        for end in self._ends[:before]:
            end()
        del self._ends[:before]

    def close(self) -> None:
        """Hear nothing more."""
        for end in self._ends:
            end()
        self._ends.clear()

    def _listen(self, topic: str, callback: Callable[[], None]) -> None:
        self._ends.append(self._store.listen(topic, callback))

    def _telling(self, name: str) -> Callable[[], None]:
        return lambda: self._stream.tell(name)

    def _regrant(self) -> None:
        self.are_stale = True
        self._stream.tell(_ALL[FEED])


def live_routes(desk: Desk, clock: Clock, streams: Streams) -> list[BaseRoute]:
    """The route of the event stream."""
    return [Route("/live", LiveEndpoint(desk, clock, streams), methods=["GET"])]


def _refusal(status: int) -> Response:
    headers = {"retry-after": str(_RETRY_AFTER_S), "cache-control": "no-store"}
    return PlainTextResponse(_WORDS[status], status, headers)


def _noting(changed_at: dict[str, int], name: str, clock: Clock) -> Callable[[], None]:
    def note() -> None:
        changed_at[name] = clock.now_ms()

    return note

"""The ingest door: an event is proved genuine and committed before it is answered.

A bare ASGI application, to be mounted anywhere.
"""

from dataclasses import dataclass

from livefeed.app.exchange import (
    ACCEPTED,
    BODY_TIMEOUT_S,
    BUSY,
    NOT_GENUINE,
    TO_BE_CONFIRMED,
    TOO_SLOW,
    UNAVAILABLE,
    Disconnected,
    DoorAnswer,
    Patience,
    Receive,
    Scope,
    Send,
    read_request,
    refused,
    respond,
    unreadable,
)
from livefeed.app.inbox import Received, read_event
from livefeed.app.installs.leaving import Leaving
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.payments import is_unproved, put_aside
from livefeed.app.runtime import Runtime
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.store import Store
from livefeed.errors import StoreBusy, StoreError, WireError
from livefeed.failpoints import failpoint, is_mutated
from livefeed.wire.events import AppUninstalled, typed
from livefeed.wire.headings import Heading


@dataclass(frozen=True, slots=True)
class Departure:
    """A genuine event that ends the portal's installation."""

    portal: KnownPortal
    received: Received


@dataclass(frozen=True, slots=True)
class Doubt:
    """Not genuine, as far as this process knows: another one may have heard of the portal a moment ago.

    Or a payment, which comes with nothing to be judged by.
    """

    body: bytes
    is_json: bool


class Door:
    """The door for events: judges them by member_id and application_token alone, and stores them."""

    def __init__(self, runtime: Runtime, leaving: Leaving, *, body_timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._runtime = runtime
        self._leaving = leaving
        self._path = runtime.settings.events_path.encode()
        self._patience = Patience(body_timeout_s)

    @property
    def path(self) -> bytes:
        """The one path at which it is found."""
        return self._path

    @property
    def store(self) -> Store:
        """Where arrivals are stored."""
        return self._runtime.store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing but 2xx means that the event is not stored."""
        try:
            answer = await self._receive(scope, receive, send)
        except Disconnected:
            return
        if answer is not None:
            await respond(send, answer, None if answer is TOO_SLOW else receive)

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> DoorAnswer | None:
        """The answer; None if it was given already."""
        request = await read_request(scope, receive, self._patience)
        if isinstance(request, DoorAnswer):
            return request
        verdict = self.judge(*request)
        if isinstance(verdict, Doubt):
            verdict = await self.judge_again(verdict)
        match verdict:
            case DoorAnswer() as answer:
                return answer
            case Departure() as departure:
                return await self.leave(departure)
            case Arrival() as arrival if is_mutated("ack-before-commit"):
                await respond(send, ACCEPTED)
                await self._store(arrival)
                return None
            case Arrival() as arrival:
                return await self._store(arrival)

    def judge(self, body: bytes, is_json: bool) -> Arrival | Departure | Doubt | DoorAnswer:
        """What becomes of one body: it is stored, ends an installation, is refused, or nobody knows yet."""
        try:
            received = read_event(body, is_json)
            heading = received.heading
            portal = self._runtime.portals.judge(heading.member_id, heading.application_token)
            is_unsure = self._runtime.portals.is_shared or self._is_to_be_confirmed(heading)
            if is_unsure and (portal is None or not portal.is_active):
                return Doubt(body, is_json)
            return self._judged(received, portal)
        except WireError as exc:
            return refused(unreadable(exc))

    async def judge_again(self, doubt: Doubt) -> Arrival | Departure | DoorAnswer:
        """Judge with what every process has committed before."""
        try:
            received = read_event(doubt.body, doubt.is_json)
            heading = received.heading
            portal = await self._runtime.portals.judge_again(heading.member_id, heading.application_token)
            if self._is_to_be_confirmed(heading):
                await put_aside(self._runtime, heading.member_id)
                return TO_BE_CONFIRMED
            return self._judged(received, portal)
        except WireError as exc:
            return refused(unreadable(exc))
        except StoreError as exc:
            return not_stored(exc)

    def _is_to_be_confirmed(self, heading: Heading) -> bool:
        return self._runtime.confirms_payments and is_unproved(heading)

    def _judged(self, received: Received, portal: KnownPortal | None) -> Arrival | Departure | DoorAnswer:
        """What becomes of an event that this portal has sent, or nobody.

        Raises:
            WireError: It is genuine, and no event.
        """
        if portal is None:
            return refused(NOT_GENUINE)
        received.proved()
        if received.heading.event == AppUninstalled.wire_name:
            return Departure(portal, received)
        if not portal.is_active:
            return refused(NOT_GENUINE)
        return self._arrival(portal, received)

    def _arrival(self, portal: KnownPortal, received: Received) -> Arrival:
        event = received.heading.event
        return Arrival(
            portal.member_id,
            received.key(),
            event,
            received.seal(self._runtime.portal_keys, portal.member_id),
            self._runtime.clock.now_ms(),
            "door",
            portal.inbox,
            event not in self._runtime.coalesced,
        )

    async def _store(self, arrival: Arrival) -> DoorAnswer:
        failpoint("app.ingest.genuine")
        try:
            await self.store.write_row(append_arrivals, arrival)
        except StoreError as exc:
            return not_stored(exc)
        failpoint("app.ingest.committed")
        return ACCEPTED

    async def leave(self, departure: Departure) -> DoorAnswer:
        """Stop the portal; it is answered after the commit."""
        try:
            event = typed(departure.received.envelope())
            assert isinstance(event, AppUninstalled), "its name says so"
            await self._leaving.leave(departure.portal, event)
        except WireError as exc:
            return refused(unreadable(exc))
        except StoreError as exc:
            return not_stored(exc)
        return ACCEPTED


def not_stored(exc: StoreError) -> DoorAnswer:
    """The answer to an event that could not be committed."""
    return refused(BUSY if isinstance(exc, StoreBusy) else UNAVAILABLE)

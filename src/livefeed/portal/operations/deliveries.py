"""Operations on what is sent: handlers paused, resumed, tried; events sent again, dead letters put back."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec

from livefeed.durable import consumers, dead
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.events.log import resending
from livefeed.portal.events.log.resending import Resent
from livefeed.portal.lifecycle import Refused
from livefeed.portal.operations.office import (
    ADMINISTRATOR,
    MOST,
    Asked,
    Document,
    Number,
    Office,
    OperationSpec,
    active_person,
)
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import HandlerId, PostId, UserId

_SLICES: Final = 20
"""Units of one request; a handler may have missed much more."""


class HandlerState(Asked, frozen=True, kw_only=True):
    """Pause a handler, or resume it: what waits goes out then."""

    handler: Number
    state: Literal["active", "paused"]


class DeadReplay(Asked, frozen=True, kw_only=True):
    """Put dead letters back: one, those of a handler, or all since a time; by default all of every portal."""

    id: Number | None = None
    handler: Number | None = None
    since_ms: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0


async def set_handler_state(office: Office, portal: PortalRow, asked: HandlerState) -> Document:
    """Pause or resume a handler."""
    return await office.write(portal, lambda tx: _set_handler_state(tx, portal, asked))


async def replay(office: Office, portal: PortalRow, asked: DeadReplay) -> Document:
    """Put dead letters back, a slice a unit."""
    count = 0
    for _ in range(_SLICES):
        some = await office.write(portal, lambda tx: _replay(tx, portal, asked))
        count += some
        if asked.id is not None or not some:
            break
    return {"replayed": count}


class Resend(Asked, frozen=True, kw_only=True):
    """Send events to a handler again: one, by ``seq``, or all since a time.

    Attributes:
        handler: To whom.
        seq: Which event.
        since_ms: Those that happened since, in ms since the epoch.
        after: Go on after this event, as the document of the time before says.
        only_missing: Only those that were not delivered.
    """

    handler: Number
    seq: Number | None = None
    since_ms: Annotated[int, msgspec.Meta(ge=0, le=MOST)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0
    only_missing: bool = False


class HandlerTest(Asked, frozen=True, kw_only=True):
    """Send a handler a test event: its own, about ``post``, or about none that exists if none is named."""

    handler: Number
    post: Number = resending.NO_POST
    user: Number = ADMINISTRATOR


async def resend(office: Office, portal: PortalRow, asked: Resend) -> Document:
    """Queue events again, in slices; ``done`` is false where more is left."""
    if (asked.seq is None) == (asked.since_ms is None):
        raise Refused("name either one event or the time since which events are sent again")
    if asked.seq is not None:
        seq = asked.seq
        queued = await office.write(
            portal, lambda tx: resending.resend(tx, _receiver(tx, portal, asked.handler), seq)
        )
        return {"resent": 1, "seq": queued, "through": seq, "done": True}
    since_ms, after, count = asked.since_ms or 0, asked.after, 0
    for _ in range(_SLICES):
        slice_ = await office.write(portal, _slice(portal, asked, since_ms, after))
        count, after = count + slice_.count, slice_.through
        if slice_.is_done:
            return {"resent": count, "seq": None, "through": after, "done": True}
    return {"resent": count, "seq": None, "through": after, "done": False}


async def test_handler(office: Office, portal: PortalRow, asked: HandlerTest) -> Document:
    """Queue a test event for one handler."""

    def unit(tx: Tx) -> int:
        actor = UserId(asked.user)
        active_person(tx, portal, actor)
        found = _receiver(tx, portal, asked.handler)
        return resending.send_test(tx, found, actor=actor, post=PostId(asked.post), language=portal.language)

    return {"handler": asked.handler, "seq": await office.write(portal, unit)}


def _receiver(tx: Tx, portal: PortalRow, handler: int) -> handlers.Handler:
    return resending.receiver(tx, portal.member_id, HandlerId(handler))


def _slice(portal: PortalRow, asked: Resend, since_ms: int, after: int) -> Callable[[Tx], Resent]:
    return lambda tx: resending.resend_since(
        tx,
        _receiver(tx, portal, asked.handler),
        since_ms=since_ms,
        after=after,
        only_missing=asked.only_missing,
    )


def _handler(tx: Tx, portal: PortalRow, handler: int) -> handlers.Handler:
    found = handlers.find(tx, portal.member_id, HandlerId(handler))
    if found is None or found.state == "unbound":
        raise Refused(f"there is no bound handler {handler} on this portal")
    return found


def _set_handler_state(tx: Tx, portal: PortalRow, asked: HandlerState) -> Document:
    found = _handler(tx, portal, asked.handler)
    consumer = consumers.get(tx, found.consumer)
    if consumer is None or consumer.state == "withheld":
        raise Refused(f"handler {asked.handler} is withheld: its application's installation is not finished")
    consumers.set_state(tx, found.consumer, asked.state)
    return {"handler": asked.handler, "state": asked.state}


def _replay(tx: Tx, portal: PortalRow, asked: DeadReplay) -> int:
    # Letters are numbered over all portals of the server: without a name, those of every portal are meant.
    of_portal = None if asked.portal is None else portal.member_id
    if asked.id is not None:
        if dead.replay(tx, asked.id, portal=of_portal, amend=resending.put_back) is None:
            raise Refused(f"there is no dead letter {asked.id}, or its handler is gone")
        return 1
    consumer = None if asked.handler is None else _handler(tx, portal, asked.handler).consumer
    return dead.replay_all(
        tx, portal=of_portal, consumer=consumer, since_ms=asked.since_ms, amend=resending.put_back
    )


OPERATIONS: Final = (
    OperationSpec(name="handler_state", asked=HandlerState, run=set_handler_state),
    OperationSpec(name="handler_test", asked=HandlerTest, run=test_handler),
    OperationSpec(name="dead_replay", asked=DeadReplay, run=replay),
    OperationSpec(name="resend", asked=Resend, run=resend),
)

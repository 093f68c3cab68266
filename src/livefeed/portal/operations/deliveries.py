"""Operations on what is sent: handlers paused and resumed, dead letters put back."""

from typing import Annotated, Final, Literal

import msgspec

from livefeed.durable import consumers, dead
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.lifecycle import Refused
from livefeed.portal.operations.office import MOST, Asked, Document, Number, Office, OperationSpec
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import HandlerId


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
    return await office.store.write(lambda tx: _set_handler_state(tx, portal, asked))


async def replay(office: Office, portal: PortalRow, asked: DeadReplay) -> Document:
    """Put dead letters back."""
    return await office.store.write(lambda tx: _replay(tx, portal, asked))


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


def _replay(tx: Tx, portal: PortalRow, asked: DeadReplay) -> Document:
    # Letters are numbered over all portals of the server: without a name, those of every portal are meant.
    of_portal = None if asked.portal is None else portal.member_id
    if asked.id is not None:
        if dead.replay(tx, asked.id, portal=of_portal) is None:
            raise Refused(f"there is no dead letter {asked.id}")
        return {"replayed": 1}
    consumer = None if asked.handler is None else _handler(tx, portal, asked.handler).consumer
    return {"replayed": dead.replay_all(tx, portal=of_portal, consumer=consumer, since_ms=asked.since_ms)}


OPERATIONS: Final = (
    OperationSpec(name="handler_state", asked=HandlerState, run=set_handler_state),
    OperationSpec(name="dead_replay", asked=DeadReplay, run=replay),
)

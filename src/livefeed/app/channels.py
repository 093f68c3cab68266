"""Channels: how the application heard of a change, and the way into the inbox for what no event told.

A change is told by an event at the door, fetched from the queue of offline events, or found by the sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from livefeed.app.inbox import post_key, seal_entry
from livefeed.client.safes.keys import PortalKeys
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import append
from livefeed.durable.store import Tx
from livefeed.wire.auth import Auth
from livefeed.wire.events import Envelope, Event, post_data
from livefeed.wire.ids import MemberId, PostId

Channel: TypeAlias = Literal["event", "offline", "sweep"]
"""event: it came to the door · offline: it was fetched from the offline queue · sweep: nothing told of it."""

_FOUND_BY: Final = "found_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A change that did not come to the door.

    Attributes:
        post: Of which post.
        event: The wire name of the event that would have told of it.
        since_ms: The moment of the change, or the last one before which it cannot have happened.
    """

    post: PostId
    event: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """`Found`, ready to be appended; sealing is no work for a unit."""

    found: Found
    body: bytes


def seal(keys: PortalKeys, member_id: MemberId, found: Found, channel: Channel) -> Sealed:
    """The body of the inbox entry: an event without tokens, whose ``ts`` is the moment of the change."""
    envelope = Envelope(
        event=found.event,
        data=post_data(found.post),
        ts=found.since_ms // 1000,
        auth=Auth(member_id=member_id),
        extra={_FOUND_BY: channel},
    )
    return Sealed(found=found, body=seal_entry(keys, member_id, envelope))


def append_found(
    tx: Tx, member_id: MemberId, found: Sequence[Sealed], inbox: ConsumerId, channel: Channel
) -> None:
    """Append what was found to the inbox, as if its events had come."""
    for one in found:
        append(
            tx,
            portal=member_id,
            key=post_key(one.found.post),
            kind=one.found.event,
            body=one.body,
            source=channel,
            consumers=[inbox],
        )


def channel_of(events: Sequence[Event]) -> Channel:
    """How the application heard of a run of events: at the door, if one of them came there.

    What comes to the door has proved itself with an application_token, what was found here has none: nobody
    outside can claim to be a sweep.
    """
    channels = {_channel(event) for event in events}
    return "event" if "event" in channels else "offline" if "offline" in channels else "sweep"


def _channel(event: Event) -> Channel:
    envelope = event.envelope
    if envelope.auth.application_token:
        return "event"
    match envelope.extra.get(_FOUND_BY):
        case "offline":
            return "offline"
        case "sweep":
            return "sweep"
        case _:
            return "event"

"""The portal's side of the scene: the newest edit of a post, and where its event stands in the queue."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from livefeed.durable import consumers
from livefeed.durable.attempts import Attempt, list_attempts
from livefeed.durable.consumers import Consumer
from livefeed.durable.entries import Entry, list_entries
from livefeed.durable.lanes import LaneRow, list_lanes
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.events.deliveries import entries_of
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import POST_KEY
from livefeed.portal.feed import versions
from livefeed.portal.feed.posts import UPDATED
from livefeed.portal.feed.reading import Post
from livefeed.portal.feed.versions import Version

DeliveryState: TypeAlias = Literal["unbound", "waiting", "leased", "backing_off", "delivered", "dead"]
"""unbound: the application hears no edits · the others: as of deliveries."""

_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where the newest edit's event stands.

    Attributes:
        handler: Whose; None: nobody's.
        state: See `DeliveryState`.
        last: The newest attempt of this event, or of the one before it in its lane; None: none was made.
        waiting: How many edits of this post have not been delivered.
        next_try_ms: When the portal tries again; None: nothing waits for a time.
    """

    handler: Handler | None
    state: DeliveryState
    last: Attempt | None = None
    waiting: int = 0
    next_try_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The newest edit of a post.

    Attributes:
        event: Its event in the queue.
        version: What it made of the post.
        delivery: Where the event stands.
    """

    event: Entry
    version: Version
    delivery: Delivery


def newest_edit(tx: Tx, post: Post, app_url: str) -> Edit | None:
    """The newest edit of ``post`` as the application at ``app_url`` gets it; None before the first."""
    entries = list_entries(tx, portal=post.portal, key=f"{POST_KEY}{post.id}", limit=_MOST)
    event = next((entry for entry in entries if entry.kind == UPDATED), None)
    if event is None:
        return None
    version = versions.of_post(tx, post.portal, post.id)[0]
    return Edit(event=event, version=version, delivery=_delivery(tx, post, event, app_url))


def handler_of(tx: Tx, post: Post, app_url: str) -> Handler | None:
    """The handler of edits that the application at ``app_url`` has bound."""
    bound = [
        handler
        for handler in handlers.every(tx, post.portal)
        if handler.event == UPDATED and handler.unbound_at is None and handler.url.startswith(f"{app_url}/")
    ]
    return bound[-1] if bound else None


def _delivery(tx: Tx, post: Post, event: Entry, app_url: str) -> Delivery:
    handler = handler_of(tx, post, app_url)
    if handler is None:
        return Delivery(handler=None, state="unbound")
    attempts = list_attempts(tx, portal=post.portal, key=event.key, consumer=handler.consumer, limit=_MOST)
    lane = next((one for one in list_lanes(tx, consumer=handler.consumer) if one.key == event.key), None)
    if lane is None or lane.head < event.seq:
        last = next((one for one in attempts if one.seq == event.seq), None)
        return Delivery(
            handler=handler, state="dead" if last and last.state == "dead" else "delivered", last=last
        )
    waiting = entries_of(tx, lane)
    first = waiting[0].seq if waiting else event.seq
    return Delivery(
        handler=handler,
        state=lane.state,
        last=next((one for one in attempts if one.seq == first), None),
        waiting=len(waiting),
        next_try_ms=_next_try(lane, consumers.get(tx, handler.consumer)),
    )


def _next_try(lane: LaneRow, consumer: Consumer | None) -> int | None:
    """A handler that is down is probed for all its lanes at once."""
    if lane.state == "leased" or consumer is None:
        return None
    return consumer.ready_at_ms if consumer.fails else lane.due_at_ms

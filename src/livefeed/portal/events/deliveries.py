"""Deliveries as people see them: one row an attempt, and one for what still waits."""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from livefeed.clock import at_utc
from livefeed.durable import deliveries
from livefeed.durable.attempts import Attempt
from livefeed.durable.consumers import ConsumerId, get, list_consumers
from livefeed.durable.deliveries import ATTEMPTED, EXPIRED, PENDING, Delivery, Wanted
from livefeed.durable.entries import Entry, before_moment, list_entries
from livefeed.durable.lanes import LaneRow
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.events.outbox import INSTALL, POST_KEY, post_of
from livefeed.wire.ids import MemberId

State: TypeAlias = Literal["waiting", "leased", "backing_off", "delivered", "dead", "withheld", "expired"]

_MOST: Final = 1_000


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, or one delivery that waits for its first or its next.

    Attributes:
        seq: The event.
        handler: ``event_handler_id``; None: an install URL.
        post: The post; None: an application's own event.
        attempt: 1 for the first; 0: none was made.
        webhook_id: The same for all attempts of one delivery; None under the faithful policy.
        sent_at: ISO 8601 with milliseconds; None: not sent.
        status: HTTP status; None: no answer.
        error: ``connect``, ``timeout``, ``tls``, ``reset``, ``blocked``, ``status``, ``too_large`` or None.
        ms: How long it took.
        state: What it led to.
    """

    seq: int
    handler: int | None
    post: int | None
    attempt: int
    webhook_id: str | None
    sent_at: str | None
    status: int | None
    error: str | None
    ms: int | None
    state: State


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the queue."""

    seq: int
    event: str
    post: int | None
    at: str
    source: str


def list_deliveries(
    tx: Tx,
    *,
    portal: MemberId,
    post: int | None = None,
    handler: int | None = None,
    since_ms: int | None = None,
    state: State | None = None,
) -> list[DeliveryRow]:
    """Deliveries of one portal, oldest event first; each argument that is given narrows; the newest 1,000.

    Args:
        tx: The unit.
        portal: Whose.
        post: About this post.
        handler: To this handler.
        since_ms: Of events since then.
        state: Rows in this state.
    """
    names = consumers_of(tx, portal)
    wanted = Wanted(
        portal=portal,
        consumers=[one for one, name in names.items() if handler is None or name == handler],
        key=None if post is None else f"{POST_KEY}{post}",
        attempted=[one for one in ATTEMPTED if state in (None, one)],
        pending=[one for one in PENDING if state in (None, one)],
        with_expired=state in (None, "expired"),
        after=before_moment(tx, since_ms or 0),
    )
    rows: list[DeliveryRow] = []
    for place in reversed(deliveries.places(tx, wanted, limit=_MOST)):
        found = deliveries.find(tx, place)
        if found is not None:
            rows += _rows(found, names[place.consumer])
    chosen = [row for row in rows if state is None or row.state == state]
    chosen.sort(key=lambda row: (row.seq, row.handler or 0, row.attempt))
    return chosen[-_MOST:]


def list_events(
    tx: Tx, *, portal: MemberId, post: int | None = None, since_ms: int | None = None
) -> list[EventRow]:
    """The events of one portal, newest last; at most 1,000."""
    key = None if post is None else f"{POST_KEY}{post}"
    found = list_entries(tx, portal=portal, key=key, since_ms=since_ms or 0, limit=_MOST)
    return [
        EventRow(
            seq=entry.seq,
            event=entry.kind,
            post=post_of(entry.key),
            at=moment(entry.at_ms),
            source=entry.source,
        )
        for entry in reversed(found)
    ]


def moment(at_ms: int) -> str:
    """``2026-03-17T14:29:15.250+00:00``."""
    return at_utc(at_ms).isoformat(timespec="milliseconds")


def consumers_of(tx: Tx, portal: MemberId) -> dict[ConsumerId, int | None]:
    """Everyone who is or was sent to: handlers by their number, install URLs as None."""
    found: dict[ConsumerId, int | None] = {one.consumer: one.id for one in handlers.every(tx, portal)}
    found.update((consumer, None) for consumer in _installs(tx, portal))
    return found


def _installs(tx: Tx, portal: MemberId) -> list[ConsumerId]:
    known = list_consumers(tx, portal=portal)
    return [consumer.id for consumer in known if consumer.name.startswith(INSTALL)]


def entries_of(tx: Tx, lane: LaneRow) -> list[Entry]:
    """What a lane still has to deal with, in order."""
    consumer = get(tx, lane.consumer)
    kind = None if consumer is None else consumer.kind
    found = list_entries(tx, portal=lane.portal, key=lane.key, limit=_MOST)
    return [
        entry
        for entry in reversed(found)
        if lane.cursor < entry.seq <= lane.head
        and kind in (None, entry.kind)
        and entry.only in (None, lane.consumer)
    ]


def _rows(found: Delivery, handler: int | None) -> Iterator[DeliveryRow]:
    for one in found.attempts:
        yield _attempt_row(one, handler)
    standing, letter = found.standing, found.letter
    if standing is not None and not (found.attempts and standing.state == "backing_off"):
        yield _bare_row(found, handler, standing.state, attempt=standing.attempt)
    if letter is not None and letter.reason == EXPIRED:
        yield _bare_row(found, handler, "expired")


def _attempt_row(one: Attempt, handler: int | None) -> DeliveryRow:
    was_sent = one.attempt > 0
    return DeliveryRow(
        seq=one.seq,
        handler=handler,
        post=post_of(one.key),
        attempt=one.attempt,
        webhook_id=one.webhook_id or None,
        sent_at=moment(one.sent_at_ms) if was_sent else None,
        status=one.status,
        error=one.error,
        ms=one.ms if was_sent else None,
        state=msgspec.convert(one.state, State),
    )


def _bare_row(found: Delivery, handler: int | None, state: State, *, attempt: int = 0) -> DeliveryRow:
    """A row without an attempt."""
    return DeliveryRow(
        seq=found.place.seq,
        handler=handler,
        post=post_of(found.key),
        attempt=attempt,
        webhook_id=None,
        sent_at=None,
        status=None,
        error=None,
        ms=None,
        state=state,
    )

"""Deliveries as people see them: one row an attempt, and one for what still waits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from livefeed.clock import at_utc
from livefeed.durable.attempts import Attempt, list_attempts
from livefeed.durable.consumers import ConsumerId, get, list_consumers
from livefeed.durable.dead import list_dead
from livefeed.durable.entries import Entry, list_entries
from livefeed.durable.lanes import LaneRow, list_lanes
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.events.outbox import INSTALL, POST_KEY, post_of
from livefeed.wire.ids import MemberId

State: TypeAlias = Literal["waiting", "leased", "backing_off", "delivered", "dead", "withheld", "expired"]

EXPIRED: Final = "expired"
"""The reason of a dead letter that became too old."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Which deliveries: ``names`` has every consumer concerned, ``only`` the one of a chosen handler."""

    portal: MemberId
    names: dict[ConsumerId, int | None]
    only: ConsumerId | None
    key: str | None
    since_ms: int

    def has(self, consumer: ConsumerId, key: str) -> bool:
        return consumer in self.names and self.key in (None, key)


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
    """Deliveries of one portal, oldest event first; each argument that is given narrows; at most 1,000."""
    names = _consumers(tx, portal)
    if handler is not None:
        names = {consumer: name for consumer, name in names.items() if name == handler}
    wanted = _Wanted(
        portal=portal,
        names=names,
        only=next(iter(names), None) if handler is not None else None,
        key=None if post is None else f"{POST_KEY}{post}",
        since_ms=since_ms or 0,
    )
    if not names:
        return []
    rows = [*_attempted(tx, wanted), *_pending(tx, wanted), *_expired(tx, wanted)]
    chosen = [row for row in rows if state is None or row.state == state]
    chosen.sort(key=lambda row: (row.seq, row.handler or 0, row.attempt))
    return chosen[-_MOST:]


def list_events(
    tx: Tx, *, portal: MemberId, post: int | None = None, since_ms: int | None = None
) -> list[EventRow]:
    """The events of one portal, newest last; at most 1,000."""
    found = _entries(tx, portal, None if post is None else f"{POST_KEY}{post}", since_ms or 0)
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


def _consumers(tx: Tx, portal: MemberId) -> dict[ConsumerId, int | None]:
    """Everyone who is or was sent to: handlers by their number, install URLs as None."""
    found: dict[ConsumerId, int | None] = {one.consumer: one.id for one in handlers.every(tx, portal)}
    found.update((consumer, None) for consumer in _installs(tx, portal))
    return found


def _installs(tx: Tx, portal: MemberId) -> list[ConsumerId]:
    known = list_consumers(tx, portal=portal)
    return [consumer.id for consumer in known if consumer.name.startswith(INSTALL)]


def _entries(tx: Tx, portal: MemberId, key: str | None, since_ms: int) -> list[Entry]:
    if key is not None:
        return list_entries(tx, portal=portal, key=key, since_ms=since_ms, limit=_MOST)
    every = list_entries(tx, since_ms=since_ms, limit=_MOST)
    return [entry for entry in every if entry.portal == portal]


def _attempted(tx: Tx, wanted: _Wanted) -> Iterable[DeliveryRow]:
    attempts = list_attempts(
        tx,
        portal=None if wanted.key is None else wanted.portal,
        key=wanted.key,
        consumer=wanted.only,
        since_ms=wanted.since_ms,
        limit=_MOST,
    )
    return [_attempt_row(one, wanted.names[one.consumer]) for one in attempts if one.consumer in wanted.names]


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


def _pending(tx: Tx, wanted: _Wanted) -> Iterable[DeliveryRow]:
    """What waits for its first attempt, and what is under way; the attempts tell of what backs off."""
    for lane in list_lanes(tx, consumer=wanted.only, limit=_MOST):
        if not wanted.has(lane.consumer, lane.key):
            continue
        for place, entry in enumerate(entries_of(tx, lane)):
            if entry.at_ms >= wanted.since_ms and (place or lane.state != "backing_off"):
                yield _pending_row(entry, lane, wanted.names[lane.consumer], is_first=place == 0)


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


def _pending_row(entry: Entry, lane: LaneRow, handler: int | None, *, is_first: bool) -> DeliveryRow:
    return DeliveryRow(
        seq=entry.seq,
        handler=handler,
        post=post_of(entry.key),
        attempt=lane.attempt if is_first else 0,
        webhook_id=None,
        sent_at=None,
        status=None,
        error=None,
        ms=None,
        state="leased" if is_first and lane.state == "leased" else "waiting",
    )


def _expired(tx: Tx, wanted: _Wanted) -> Iterable[DeliveryRow]:
    """What was given up because it became too old."""
    letters = list_dead(tx, portal=wanted.portal, consumer=wanted.only, since_ms=wanted.since_ms, limit=_MOST)
    for letter in letters:
        if letter.reason == EXPIRED and wanted.has(letter.consumer, letter.key):
            yield DeliveryRow(
                seq=letter.seq,
                handler=wanted.names[letter.consumer],
                post=post_of(letter.key),
                attempt=0,
                webhook_id=None,
                sent_at=None,
                status=None,
                error=None,
                ms=None,
                state="expired",
            )

"""Watching: are all handlers of a portal still bound, and does it queue offline events for us."""

from typing import Any, Final

import msgspec

from livefeed import telemetry
from livefeed.client.rest import RestClient
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.errors import Fault
from livefeed.wire.ids import MemberId

_SQL: Final = sql.load("livefeed.app.installs", "watching.sql")


class HandlerWatch(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a portal's handlers.

    Attributes:
        checked_at: When the portal was last asked, ms; None: never.
        lost: The events whose handlers were gone, and were bound again, the last time that any were.
        lost_at: When that was.
    """

    checked_at: int | None = None
    lost: tuple[str, ...] = ()
    lost_at: int | None = None


class OfflineQueue(msgspec.Struct, frozen=True, kw_only=True):
    """How a portal's queue of offline events is fetched.

    Attributes:
        is_bound: Whether the portal queues for us.
        detail: Why not, in the portal's words.
        fetched: How many records came from it so far.
        fetched_at: When it last answered, ms; None: never.
    """

    is_bound: bool
    detail: str
    fetched: int
    fetched_at: int | None


async def bind_queued(client: RestClient, events: frozenset[str], bound: frozenset[str]) -> str:
    """Have ``events`` queued at the portal; tells why they are not, empty if they are.

    Source: api-reference/events/offline-events.md

    Raises:
        Fault: The portal may do it later.
        TransportError: It gave no usable answer.
    """
    for event in sorted(events - bound):
        try:
            await client.call("event.bind", {"event": event, "event_type": "offline"})
        except Fault as fault:
            if fault.retryable:
                raise
            return str(fault)
    return ""


def note_handlers(tx: Tx, portal: MemberId, lost: frozenset[str]) -> None:
    """Remember that the portal was asked for its handlers, and which were gone."""
    _SQL.checked(tx.conn, portal=portal, lost=",".join(sorted(lost)) or None, now=tx.now_ms)
    if lost:
        tx.count(telemetry.handlers_lost, len(lost))


def note_queue(tx: Tx, portal: MemberId, refused: str) -> None:
    """Remember whether the portal queues for us; ``refused`` says why not."""
    _SQL.set_queue(tx.conn, portal=portal, state="refused" if refused else "bound", detail=refused)


def note_fetched(tx: Tx, portal: MemberId, count: int) -> None:
    """Remember that so many records came from the queue."""
    _SQL.fetched(tx.conn, portal=portal, count=count, now=tx.now_ms)


def handlers_of(tx: Tx, portal: MemberId) -> HandlerWatch:
    """What was seen of a portal's handlers."""
    row: Any = _SQL.watch(tx.conn, portal=portal)
    if row is None:
        return HandlerWatch()
    lost = tuple(row["lost"].split(",")) if row["lost"] else ()
    return HandlerWatch(checked_at=row["checked_at"], lost=lost, lost_at=row["lost_at"])


def queue_of(tx: Tx, portal: MemberId) -> OfflineQueue | None:
    """How a portal's queue is fetched; None if it was never asked to queue."""
    row: Any = _SQL.queue(tx.conn, portal=portal)
    if row is None:
        return None
    return OfflineQueue(
        is_bound=row["state"] == "bound",
        detail=row["detail"],
        fetched=row["fetched"],
        fetched_at=row["fetched_at"],
    )


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase what is known of a portal."""
    _SQL.forget_watch(tx.conn, portal=portal)
    _SQL.forget_queue(tx.conn, portal=portal)

"""Which changes are queued for which application: ``event.bind`` with ``event_type=offline`` says it."""

from collections.abc import Collection
from typing import Final

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import granted
from livefeed.wire.faults import CoreError, HandlerAlreadyBound
from livefeed.wire.ids import AppId, MemberId, UserId

MOST_SOURCES: Final = 100
"""For how many sources an application may have an event queued: each makes a record of every change."""

_sql = load("livefeed.portal.offline", "offline.sql")


class OfflineBinding(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is queued for an application.

    Attributes:
        id: Its number; no one outside sees it.
        event: ``ONLIVEFEEDPOSTUPDATE``.
        connector: ``auth_connector``; empty: the queue without a source.
        auth_type: As it was given.
    """

    id: int
    event: str
    connector: str
    auth_type: UserId


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Where a change is kept: of which application, and for which source."""

    app: AppId
    connector: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a change: an application, over the exchange channel that it names.

    Source: api-reference/events/offline-events.md
    """

    app: AppId
    connector: str

    def excludes(self, queue: Queue) -> bool:
        """Whether ``queue`` is the one of this very channel: what came over it is not sent back."""
        return self.app == queue.app and self.connector == queue.connector


def bind(tx: Tx, app: App, event: str, connector: str, *, auth_type: UserId, owner: UserId) -> None:
    """Queue ``event`` for ``app`` from now on.

    Raises:
        HandlerAlreadyBound: It is queued for this source already.
        CoreError: It is queued for too many others.
    """
    if sum(one.event == event for one in of_app(tx, app)) >= MOST_SOURCES:
        raise CoreError(f"Unable to set event handler: an event is queued for {MOST_SOURCES} sources at most")
    added = _sql.add_binding(
        tx.conn,
        portal=app.portal,
        app=app.id,
        event=event,
        connector=connector,
        auth_type=auth_type,
        owner=owner,
        now=tx.now_ms,
    )
    if not added:
        raise HandlerAlreadyBound


def unbind(tx: Tx, app: App, *, event: str, connector: str | None, auth_type: UserId | None) -> int:
    """Queue no longer what matches; an empty event, or None, matches any.

    Returns:
        How many bindings that were. What is in the queue stays there.
    """
    matching = [
        one
        for one in of_app(tx, app)
        if event in ("", one.event)
        and connector in (None, one.connector)
        and auth_type in (None, one.auth_type)
    ]
    for one in matching:
        _sql.remove_binding(tx.conn, id=one.id)
    return len(matching)


def of_app(tx: Tx, app: App) -> list[OfflineBinding]:
    """What is queued for an application."""
    return [
        OfflineBinding(id=number, event=event, connector=connector, auth_type=UserId(auth_type))
        for number, event, connector, auth_type in _sql.bindings_of_app(tx.conn, app=app.id)
    ]


def queues_of(tx: Tx, portal: MemberId, event: str, scope: str | None) -> Collection[Queue]:
    """Where ``event``, which needs ``scope``, is to be kept; nothing before an installation is complete."""
    return [
        Queue(app=AppId(row["app"]), connector=row["connector"])
        for row in _sql.queues(tx.conn, portal=portal, event=event)
        if scope is None or scope in granted(row["scope"])
    ]


def forget(tx: Tx, app: App) -> None:
    """Queue nothing for an application any more: each version binds anew, as with handlers.

    Source: api-reference/events/event-bind.md
    """
    _sql.remove_bindings(tx.conn, app=app.id)

"""Handlers: who is told of which event, at which address; each bound one is a consumer of the clockwork.

A handler is bound by an application, with ``event.bind``, or it is an event of an outgoing webhook.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import msgspec

from livefeed.durable import consumers
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps.outgoing import Outgoing
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import granted
from livefeed.wire.events import APP_EVENTS, POST_EVENTS
from livefeed.wire.faults import HandlerAlreadyBound
from livefeed.wire.ids import AppId, HandlerId, MemberId, UserId, WebhookId

TOPIC: Final = "handlers"
"""Woken by every unit after which something else is to be sent, or to somebody else."""

ACTING_USER: Final = UserId(0)
"""``auth_type`` of a handler that gets the tokens of whoever caused the event (contract A-43)."""

CAP: Final = 32
"""Deliveries to one handler at a time."""

HandlerState: TypeAlias = Literal["bound", "unbound"]

_SCOPE_OF: Final = dict.fromkeys(POST_EVENTS, "log")
_sql = load("livefeed.portal.events", "events.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What ``event.bind`` asks for: ``auth_type`` is whose tokens the handler gets."""

    event: str
    url: str
    auth_type: UserId
    owner: UserId


class Handler(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A handler that is or was bound; ``reason`` says why it no longer is.

    It belongs to an application or to an outgoing webhook: of ``app`` and ``webhook`` one is None.
    """

    id: HandlerId
    portal: MemberId
    app: AppId | None
    webhook: WebhookId | None
    event: str
    url: str
    auth_type: UserId
    owner: UserId
    consumer: ConsumerId
    state: HandlerState
    reason: str
    bound_at: int
    unbound_at: int | None


_decode: Final = msgspec.json.Decoder(list[Handler]).decode


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody to be told of an event; a withheld one is only counted."""

    consumer: ConsumerId
    is_withheld: bool


def scope_of(event: str) -> str | None:
    """The scope an application needs to hear of ``event``; None: any may."""
    return _SCOPE_OF.get(event)


def available(scopes: frozenset[str]) -> list[str]:
    """The events an application with ``scopes`` may bind, in the order of the documentation."""
    return [*APP_EVENTS, *(event for event in POST_EVENTS if scope_of(event) in scopes)]


def bind(tx: Tx, app: App, binding: Binding) -> HandlerId:
    """Bind a handler and return its ``event_handler_id``.

    Raises:
        HandlerAlreadyBound: The application has bound the same already.
    """
    same = _sql.same_handler(
        tx.conn, app=app.id, event=binding.event, url=binding.url, auth_type=binding.auth_type
    )
    if same is not None:
        raise HandlerAlreadyBound
    return _add(tx, app.portal, binding, app=app.id, is_withheld=app.state == "withheld")


def bind_webhook(tx: Tx, webhook: Outgoing, event: str) -> HandlerId:
    """Bind an outgoing webhook to ``event``, which it is not bound to; it never gets tokens."""
    binding = Binding(event=event, url=webhook.url, auth_type=ACTING_USER, owner=webhook.person)
    return _add(tx, webhook.portal, binding, webhook=webhook.id)


def unbind(tx: Tx, handler: Handler, *, reason: str) -> None:
    """Unbind at once: what waits for the handler is dropped, what is being sent cannot be repeated."""
    _sql.unbind(tx.conn, id=handler.id, reason=reason, now=tx.now_ms)
    consumers.retire(tx, handler.consumer)
    tx.wake(TOPIC)


def unbind_keeping_queue(tx: Tx, handler: Handler, *, reason: str) -> None:
    """Unbind, but let what was appended for the handler in this unit still go out: a farewell."""
    _sql.unbind(tx.conn, id=handler.id, reason=reason, now=tx.now_ms)
    tx.wake(TOPIC)


def redirect(tx: Tx, webhook: Outgoing) -> None:
    """An outgoing webhook was changed: what waits for its handlers goes where it now lives."""
    _sql.redirect(tx.conn, portal=webhook.portal, webhook=webhook.id, url=webhook.url, owner=webhook.person)
    tx.wake(TOPIC)


def release(tx: Tx, app: App) -> None:
    """The installation is complete: the handlers that were withheld are told from now on."""
    for handler in bound_of_app(tx, app.id):
        consumers.set_state(tx, handler.consumer, "active")
    tx.wake(TOPIC)


def listeners(tx: Tx, portal: MemberId, event: str, *, app: AppId | None = None) -> list[Listener]:
    """Who is to be told of ``event``: all that have the scope, or those of one application."""
    scope = scope_of(event)
    return [
        Listener(row["consumer"], row["state"] == "withheld")
        for row in _sql.bound(tx.conn, portal=portal, event=event)
        if (app is None or row["app"] == app) and (scope is None or _may_hear(row, scope))
    ]


def bound_of_app(tx: Tx, app: AppId) -> list[Handler]:
    """The bound handlers of an application."""
    return [_handler(row) for row in _sql.bound_of_app(tx.conn, app=app)]


def bound_of_webhook(tx: Tx, webhook: Outgoing) -> list[Handler]:
    """The bound handlers of an outgoing webhook."""
    rows = _sql.bound_of_webhook(tx.conn, portal=webhook.portal, webhook=webhook.id)
    return [_handler(row) for row in rows]


def find(tx: Tx, portal: MemberId, handler_id: HandlerId) -> Handler | None:
    """The handler with this id, an unbound one too."""
    row = _sql.handler(tx.conn, portal=portal, id=handler_id)
    return None if row is None else _handler(row)


def find_by_consumer(tx: Tx, consumer: ConsumerId) -> Handler | None:
    """The handler behind a consumer, an unbound one too."""
    row = _sql.handler_of_consumer(tx.conn, consumer=consumer)
    return None if row is None else _handler(row)


def of_consumers(tx: Tx, ids: Iterable[ConsumerId]) -> dict[ConsumerId, Handler]:
    """The handlers behind consumers, unbound ones too, with one statement."""
    found = _sql.handlers_of_consumers(tx.conn, consumers=msgspec.json.encode(list(ids)).decode())
    return {one.consumer: one for one in _decode(found)}


def every(tx: Tx, portal: MemberId) -> list[Handler]:
    """The handlers of a portal, unbound ones too."""
    return [_handler(row) for row in _sql.handlers(tx.conn, portal=portal)]


def person_epoch(tx: Tx, portal: MemberId, person: UserId) -> int | None:
    """The epoch that tokens of ``person`` carry; None if he is dismissed or never was."""
    return _sql.person_epoch(tx.conn, portal=portal, person=person)


def _add(
    tx: Tx,
    portal: MemberId,
    binding: Binding,
    *,
    app: AppId | None = None,
    webhook: WebhookId | None = None,
    is_withheld: bool = False,
) -> HandlerId:
    handler_id = _sql.add_handler(
        tx.conn,
        portal=portal,
        app=app,
        webhook=webhook,
        event=binding.event,
        url=binding.url,
        auth_type=binding.auth_type,
        owner=binding.owner,
        now=tx.now_ms,
    )
    consumer = consumers.register(
        tx,
        portal=portal,
        name=f"handler:{handler_id}",
        kind=binding.event,
        cap=CAP,
        state="withheld" if is_withheld else "active",
    )
    _sql.set_consumer(tx.conn, id=handler_id, consumer=consumer)
    tx.wake(TOPIC)
    return HandlerId(handler_id)


def _may_hear(row: Any, scope: str) -> bool:  # noqa: ANN401 - a row of the database
    """An outgoing webhook has no scopes: a person has chosen its events (contract 1.4)."""
    return row["app"] is None or scope in granted(row["scope"])


def _handler(row: Any) -> Handler:  # noqa: ANN401 - a row of the database
    return Handler(
        id=HandlerId(row["id"]),
        portal=MemberId(row["portal"]),
        app=row["app"],
        webhook=row["webhook"],
        event=row["event"],
        url=row["url"],
        auth_type=UserId(row["auth_type"]),
        owner=UserId(row["owner"]),
        consumer=ConsumerId(row["consumer"]),
        state=row["state"],
        reason=row["reason"],
        bound_at=row["bound_at"],
        unbound_at=row["unbound_at"],
    )

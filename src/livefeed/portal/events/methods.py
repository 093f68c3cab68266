"""Methods about events: ``event.bind``, ``event.get``, ``event.unbind``, ``events``, ``event.test``."""

from typing import Final

from livefeed.durable.store import Tx
from livefeed.net.http import is_http_url
from livefeed.portal.apps.methods import calling_app
from livefeed.portal.apps.registry import App
from livefeed.portal.call import Call, Method
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import ACTING_USER, Binding, Handler
from livefeed.portal.events.outbox import announce_test
from livefeed.portal.offline import bells, bindings
from livefeed.portal.offline.origins import connector_of
from livefeed.wire.apps import app_test_data
from livefeed.wire.calls import Answer
from livefeed.wire.events import APP_EVENTS, POST_EVENTS
from livefeed.wire.faults import (
    ArgumentError,
    BindNeedsAdministrator,
    BindNeedsHandler,
    BindOfflineNeedsAdministrator,
    CoreError,
    EventNotFound,
    UnbindNeedsAdministrator,
    UnbindOfflineNeedsAdministrator,
)
from livefeed.wire.form import JsonValue, encode
from livefeed.wire.ids import UserId

_MOST_URL: Final = 2_000
_MOST_TEST_BYTES: Final = 60_000
"""As they stand in the event: with its tokens that is less than the 64 KB an application takes."""


def bind(tx: Tx, call: Call) -> Answer:
    """Bind a handler; without administrator rights it gets the tokens of who binds it (contract A-11).

    Source: api-reference/events/event-bind.md

    Raises:
        EventNotFound: No such event, or its scope is not the application's (A-42).
        BindOfflineNeedsAdministrator: Offline events, and the caller is no administrator.
        BindNeedsAdministrator: ``auth_type`` is somebody else, and the caller is no administrator.
        BindNeedsHandler: No address.
        CoreError: It is no address, or a very long one.
    """
    app, caller = calling_app(tx, call), call.principal
    is_offline = _is_offline(call)
    if is_offline and not caller.is_admin:
        raise BindOfflineNeedsAdministrator
    event = call.params.text("event").strip().upper()
    if event not in handlers.available(app.scopes):
        raise EventNotFound
    if is_offline:
        return _bind_offline(tx, call, app, event)
    url = call.params.text("handler").strip()
    if not url:
        raise BindNeedsHandler
    if not is_http_url(url):
        raise CoreError("Unable to set event handler: the handler is not an absolute http or https URL")
    if len(url) > _MOST_URL:
        raise CoreError(f"Unable to set event handler: its URL has at most {_MOST_URL} characters")
    asked = UserId(call.params.integer("auth_type"))
    if not caller.is_admin:
        if asked not in (ACTING_USER, caller.user_id):
            raise BindNeedsAdministrator
        asked = caller.user_id
    elif asked != ACTING_USER and handlers.person_epoch(tx, app.portal, asked) is None:
        raise ArgumentError("AUTH_TYPE is not an active user of this portal")
    bound = handlers.bind(tx, app, Binding(event=event, url=url, auth_type=asked, owner=caller.user_id))
    if event == bells.EVENT:
        bells.set_pause(tx, bound, bells.pause_ms(call.params))
    return Answer(result=True)


def _bind_offline(tx: Tx, call: Call, app: App, event: str) -> Answer:
    """Queue an event for the application; only what happens to posts is queued.

    Source: api-reference/events/offline-events.md

    Raises:
        CoreError: The event is one of the application's own, of which nothing is to be fetched.
    """
    if event not in POST_EVENTS:
        raise CoreError(f"Unable to set event handler: {event} is not available as an offline event")
    asked = UserId(call.params.integer("auth_type"))
    bindings.bind(tx, app, event, connector_of(call), auth_type=asked, owner=call.principal.user_id)
    return Answer(result=True)


def get(tx: Tx, call: Call) -> Answer:
    """The bound handlers; a user without administrator rights sees those that are his.

    Offline events have no address; ``connector_id`` names their source (A-12).

    Source: api-reference/events/event-get.md
    """
    rows: list[JsonValue] = [
        {"event": handler.event, "handler": handler.url, "auth_type": str(handler.auth_type), "offline": 0}
        for handler in _visible(tx, call)
    ]
    if call.principal.is_admin:
        rows += [
            {
                "event": one.event,
                "handler": "",
                "auth_type": str(one.auth_type),
                "offline": 1,
                "connector_id": one.connector,
            }
            for one in bindings.of_app(tx, calling_app(tx, call))
        ]
    return Answer(result=rows)


def unbind(tx: Tx, call: Call) -> Answer:
    """Unbind the handlers that match every parameter given, and count them (contract A-13).

    Source: api-reference/events/event-unbind.md

    Raises:
        UnbindOfflineNeedsAdministrator: Offline events, and the caller is no administrator.
        UnbindNeedsAdministrator: ``auth_type`` is somebody else, and the caller is no administrator.
    """
    params, caller = call.params, call.principal
    auth_type = UserId(params.integer("auth_type")) if params.has("auth_type") else None
    if _is_offline(call):
        if not caller.is_admin:
            raise UnbindOfflineNeedsAdministrator
        event = params.text("event").strip().upper()
        connector = connector_of(call) if params.has("auth_connector") else None
        app = calling_app(tx, call)
        count = bindings.unbind(tx, app, event=event, connector=connector, auth_type=auth_type)
        return Answer(result={"count": count})
    if not caller.is_admin and auth_type not in (None, ACTING_USER, caller.user_id):
        raise UnbindNeedsAdministrator
    matching = [handler for handler in _visible(tx, call) if _matches(handler, call, auth_type)]
    for handler in matching:
        handlers.unbind(tx, handler, reason=f"event.unbind by user {caller.user_id}")
    return Answer(result={"count": len(matching)})


def events(tx: Tx, call: Call) -> Answer:
    """The events of a scope, all events, or those the application may bind.

    Source: api-reference/events/events.md
    """
    app = calling_app(tx, call)
    if call.params.has("scope"):
        scope = call.params.text("scope").strip().lower()
        return Answer(result=[event for event in POST_EVENTS if handlers.scope_of(event) == scope])
    if call.params.flag("full"):
        return Answer(result=[*APP_EVENTS, *POST_EVENTS])
    return Answer(result=[*handlers.available(app.scopes)])


def test(tx: Tx, call: Call) -> Answer:
    """Raise ONAPPTEST for the application's own handlers, with the parameters of this call.

    Source: api-reference/events/test-handler.md

    Raises:
        ArgumentError: There are so many that no application would take the event.
    """
    app = calling_app(tx, call)
    query = call.params.to_wire()
    if len(encode({"data": app_test_data(query=query, language=call.portal.language)})) > _MOST_TEST_BYTES:
        raise ArgumentError(f"The parameters of a test have at most {_MOST_TEST_BYTES} bytes")
    announce_test(tx, app, actor=call.principal.user_id, query=query, language=call.portal.language)
    return Answer(result=1)


def _visible(tx: Tx, call: Call) -> list[Handler]:
    app, caller = calling_app(tx, call), call.principal
    bound = handlers.bound_of_app(tx, app.id)
    return bound if caller.is_admin else [one for one in bound if one.auth_type == caller.user_id]


def _matches(handler: Handler, call: Call, auth_type: UserId | None) -> bool:
    event, url = call.params.text("event").strip().upper(), call.params.text("handler").strip()
    # A user without rights has no handlers of the acting user: 0 means his own to him.
    wanted = call.principal.user_id if auth_type == ACTING_USER and not call.principal.is_admin else auth_type
    return (
        event in ("", handler.event)
        and url in ("", handler.url)
        and (wanted is None or wanted == handler.auth_type)
    )


def _is_offline(call: Call) -> bool:
    return call.params.text("event_type").strip().lower() == "offline"


METHODS: Final = (
    Method(name="event.bind", fn=bind, writes=True, needs_app=True),
    Method(name="event.get", fn=get, needs_app=True),
    Method(name="event.unbind", fn=unbind, writes=True, needs_app=True),
    Method(name="events", fn=events, needs_app=True),
    Method(name="event.test", fn=test, writes=True, needs_app=True),
)

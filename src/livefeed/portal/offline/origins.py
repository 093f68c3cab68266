"""Origins: over which exchange channel a call is made, so that a channel is not told of its own changes.

Source: api-reference/events/offline-events.md
"""

from typing import Final

from livefeed.portal.call import Call
from livefeed.portal.offline.bindings import Origin
from livefeed.wire.faults import ArgumentError

CONNECTOR_CHARS: Final = 255


def connector_of(call: Call) -> str:
    """``auth_connector``: the source; empty for none.

    Raises:
        ArgumentError: It is too long.
    """
    connector = call.params.text("auth_connector").strip()
    if len(connector) > CONNECTOR_CHARS:
        raise ArgumentError(f"AUTH_CONNECTOR has at most {CONNECTOR_CHARS} characters")
    return connector


def origin_of(call: Call) -> Origin | None:
    """Whose channel a call came over; None for a webhook, and for one that names no source."""
    app, connector = call.principal.app, connector_of(call)
    return Origin(app=app.id, connector=connector) if app is not None and connector else None

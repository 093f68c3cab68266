"""Errors of ``event.*`` and of what needs an application.

Source: api-reference/events/event-bind.md, event-unbind.md, test-handler.md,
api-reference/common/system/app-info.md
"""

from livefeed.errors import Fault
from livefeed.wire.faults.system import AccessDenied, ArgumentError, CoreError


class EventNotFound(Fault):
    """There is no such event, or it is outside the scopes of the app."""

    code = "ERROR_EVENT_NOT_FOUND"
    status = 400
    description = "Event not found"


class AppContextRequired(AccessDenied):
    """Only an app may call this, not a webhook (A-10)."""

    status = 400
    description = "Access denied! Application context required"


class BindOfflineNeedsAdministrator(AccessDenied):
    """``event_type=offline`` by a user who is no administrator."""

    status = 403
    description = "Access denied! Offline events binding requires administrator access rights"


class BindNeedsAdministrator(AccessDenied):
    """``auth_type`` of somebody else by a user who is no administrator."""

    status = 403
    description = "Access denied! Event binding with AUTH_TYPE requires administrator access rights"


class FeatureNeedsCode(Fault):
    """``feature.get`` without ``CODE``.

    Source: api-reference/common/system/feature-get.md
    """

    code = "CODE_EMPTY"
    status = 400
    description = "CODE can't be empty"


class UnbindOfflineNeedsAdministrator(AccessDenied):
    """The same for ``event.unbind``."""

    status = 403
    description = "Access denied! Offline events unbinding requires administrator access rights"


class UnbindNeedsAdministrator(AccessDenied):
    """The same for ``event.unbind``."""

    status = 403
    description = "Access denied! Event unbinding with AUTH_TYPE requires administrator access rights"


class HandlerAlreadyBound(CoreError):
    """The same handler is bound already (A-62)."""

    status = 400
    description = "Unable to set event handler: Handler already binded"


class BindNeedsHandler(ArgumentError):
    """A handler or a widget is bound without ``handler`` (A-41)."""

    status = 400
    description = "Argument 'HANDLER' is null or empty"
    argument = "HANDLER"

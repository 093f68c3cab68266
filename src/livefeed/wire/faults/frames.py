"""Errors of widgets and of the settings of applications.

Source: api-reference/widgets/placement-bind.md, placement-unbind.md, placement-list.md,
api-reference/widgets/universal/index.md, api-reference/common/settings/app-option-set.md; contract 5.13
"""

from livefeed.errors import Fault
from livefeed.wire.faults.system import ArgumentError, CoreError, WrongAuthType


class WidgetsNeedApp(WrongAuthType):
    """Only an application has widgets, not a webhook."""

    status = 403
    description = "Current authorization type is denied for this method Application context required"


class PlacementMissing(ArgumentError):
    """``PLACEMENT`` was not given."""

    status = 400
    description = "Argument 'PLACEMENT' is null or empty"
    argument = "PLACEMENT"


class PlacementNotText(ArgumentError):
    """``PLACEMENT`` is a list or a mapping."""

    status = 400
    description = "The value of an argument 'PLACEMENT' must be of type string"
    argument = "PLACEMENT"


class PlacementNotFound(Fault):
    """There is no such place, or it is outside the scopes of the application."""

    code = "ERROR_PLACEMENT_NOT_FOUND"
    status = 400
    description = "Placement not found"


class PlacementUserMode(Fault):
    """``USER_ID`` for a place that is the same for everybody."""

    code = "ERROR_PLACEMENT_USER_MODE"
    status = 400
    description = "User mode is not available"


class PlacementMaxCount(Fault):
    """A second handler for a place that takes one."""

    code = "ERROR_PLACEMENT_MAX_COUNT"
    status = 400
    description = "Placement max count"


class PlacementAlreadyBound(CoreError):
    """The application has bound the same already."""

    status = 400
    description = "Unable to set placement handler: Handler already binded"


class SettingsEmpty(Fault):
    """``options`` is missing or empty."""

    code = "ArgumentNullException"
    status = 400
    description = "options is empty"


class SettingsAccess(Fault):
    """Settings may not be touched; the description says why."""

    code = "AccessException"
    status = 400
    description = "User authorization required"


class SettingsNeedApp(SettingsAccess):
    """Only an application has settings, not a webhook (A-66)."""

    description = "Application context required"


class SettingsNeedAdministrator(SettingsAccess):
    """What everybody shares is set by an administrator."""

    description = "Administrator authorization required"

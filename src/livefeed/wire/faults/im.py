"""Errors of ``im.notify.*``.

Source: api-reference/chats/notifications/*.md; contract 7.4
"""

from livefeed.errors import Fault
from livefeed.wire.faults.system import AccessDenied, WrongAuthType


class UserIdEmpty(Fault):
    """No recipient."""

    code = "USER_ID_EMPTY"
    status = 400
    description = "User ID can't be empty"


class MessageEmpty(Fault):
    """No text."""

    code = "MESSAGE_EMPTY"
    status = 400
    description = "Message can't be empty"


class AttachOversize(Fault):
    """ATTACH has more than 60,000 characters."""

    code = "ATTACH_OVERSIZE"
    status = 400
    description = "You have exceeded the maximum allowable size of attach"


class AttachWrong(Fault):
    """ATTACH cannot be read."""

    code = "ATTACH_ERROR"
    status = 400
    description = "Incorrect attach params"


class NotForSessions(WrongAuthType):
    """Called with the session of a browser (A-53)."""

    status = 403
    description = "Access for this method not allowed by session authorization."


class ClientIdMissing(AccessDenied):
    """A webhook has to say CLIENT_ID beside TAG and SUB_TAG."""

    status = 403
    description = "Access denied! Client ID not specified"


class ParamsWrong(Fault):
    """The parameters do not say what is meant."""

    code = "PARAMS_ERROR"
    status = 400
    description = "Incorrect params"


class LastIdWithoutType(Fault):
    """Only one of LAST_ID and LAST_TYPE was given."""

    code = "LAST_ID_AND_LAST_TYPE"
    status = 400
    description = "Parameters LAST_ID and LAST_TYPE should be used together."


class LastIdIsText(Fault):
    """LAST_ID is not a number."""

    code = "LAST_ID_STRING"
    status = 400
    description = "Last notification ID can't be string"

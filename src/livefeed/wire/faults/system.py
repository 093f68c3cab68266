"""Errors that any REST method can answer.

Source: _includes/system-errors.md, settings/performance/limits.md; contract 5.8
"""

from livefeed.errors import Fault


class InternalServerError(Fault):
    """The portal failed; the call may have happened."""

    code = "INTERNAL_SERVER_ERROR"
    status = 500
    description = "Internal server error"
    retryable = True


class UnexpectedAnswer(Fault):
    """The answer is not what the REST of a portal answers."""

    code = "ERROR_UNEXPECTED_ANSWER"
    status = 500
    description = "Server returned an unexpected response"
    retryable = True


class QueryLimitExceeded(Fault):
    """More calls than the bucket of this portal and address drains."""

    code = "QUERY_LIMIT_EXCEEDED"
    status = 503
    description = "Too many requests"
    retryable = True


class OverloadLimit(Fault):
    """REST of this portal is blocked by hand."""

    code = "OVERLOAD_LIMIT"
    status = 503
    description = "REST API is blocked due to overload"
    retryable = True


class OperationTimeLimit(Fault):
    """This method has used up its running time of ten minutes."""

    code = "OPERATION_TIME_LIMIT"
    status = 429
    description = "Method is blocked due to operation time limit"
    retryable = True


class BatchMethodNotAllowed(Fault):
    """A batch within a batch, or a file within one."""

    code = "ERROR_BATCH_METHOD_NOT_ALLOWED"
    status = 405
    description = "Method is not allowed for batch usage"


class BatchLengthExceeded(Fault):
    """What a call of a batch beyond the fiftieth gets (A-56)."""

    code = "ERROR_BATCH_LENGTH_EXCEEDED"
    status = 400
    description = "Max batch length exceeded"


class NoAuthFound(Fault):
    """No token, one that does not exist, or a wrong webhook code."""

    code = "NO_AUTH_FOUND"
    status = 401
    description = "Wrong authorization data"


class ExpiredToken(Fault):
    """The access token is over; refresh it and call again."""

    code = "expired_token"
    status = 401
    description = "The access token provided has expired"


class InvalidRequest(Fault):
    """A webhook called without TLS."""

    code = "INVALID_REQUEST"
    status = 400
    description = "Https required"


class AccessDenied(Fault):
    """Not permitted; the description says what."""

    code = "ACCESS_DENIED"
    status = 403
    description = "Access denied!"


class CommercialPlanRequired(AccessDenied):
    """REST is not part of this portal's plan."""

    description = "REST API is available only on commercial plans"


class InvalidCredentials(Fault):
    """The user lacks rights; some pages show it with 401 (A-25)."""

    code = "INVALID_CREDENTIALS"
    status = 403
    description = "Invalid request credentials"


class ManifestNotAvailable(Fault):
    """There is no manifest."""

    code = "ERROR_MANIFEST_IS_NOT_AVAILABLE"
    status = 404
    description = "Manifest is not available"


class InsufficientScope(Fault):
    """The token or webhook does not have the scope of the method."""

    code = "insufficient_scope"
    status = 403
    description = "The request requires higher privileges than provided by the webhook token"


class UserAccessError(Fault):
    """This user may not use the app."""

    code = "user_access_error"
    status = 403
    description = "The user does not have access to the application"


class PortalDeleted(Fault):
    """The portal is no more."""

    code = "PORTAL_DELETED"
    status = 500
    description = "Portal was deleted"


class MethodNotFound(Fault):
    """There is no such method."""

    code = "ERROR_METHOD_NOT_FOUND"
    status = 404
    description = "Method not found!"


class MethodConfirmWaiting(Fault):
    """An administrator has yet to allow this method."""

    code = "METHOD_CONFIRM_WAITING"
    status = 401
    description = "Waiting for confirmation"


class MethodConfirmDenied(Fault):
    """An administrator has refused this method."""

    code = "METHOD_CONFIRM_DENIED"
    status = 403
    description = "Method call denied"


class WrongAuthType(Fault):
    """The method does not take this kind of authorization."""

    code = "WRONG_AUTH_TYPE"
    status = 403
    description = "Current authorization type is denied for this method"


class ArgumentError(Fault):
    """A parameter is missing or cannot be read; the description says which."""

    code = "ERROR_ARGUMENT"
    status = 400
    description = "Wrong argument"


class CoreError(Fault):
    """A rule of the portal was broken; the description says which."""

    code = "ERROR_CORE"
    status = 400
    description = "Error"

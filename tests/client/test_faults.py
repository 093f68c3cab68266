"""Each documented system error reaches the caller as a class of its own (contract 5.8)."""

import pytest

from livefeed.errors import Fault
from livefeed.wire import faults

from .conftest import Caller
from .fake_portal import Refusal

SYSTEM = [
    (500, "INTERNAL_SERVER_ERROR", "Internal server error", faults.InternalServerError),
    (500, "ERROR_UNEXPECTED_ANSWER", "Server returned an unexpected response", faults.UnexpectedAnswer),
    (503, "QUERY_LIMIT_EXCEEDED", "Too many requests", faults.QueryLimitExceeded),
    (
        405,
        "ERROR_BATCH_METHOD_NOT_ALLOWED",
        "Method is not allowed for batch usage",
        faults.BatchMethodNotAllowed,
    ),
    (400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded", faults.BatchLengthExceeded),
    (401, "NO_AUTH_FOUND", "Wrong authorization data", faults.NoAuthFound),
    (400, "INVALID_REQUEST", "Https required", faults.InvalidRequest),
    (503, "OVERLOAD_LIMIT", "REST API is blocked due to overload", faults.OverloadLimit),
    (403, "ACCESS_DENIED", "REST API is available only on commercial plans", faults.CommercialPlanRequired),
    (403, "INVALID_CREDENTIALS", "Invalid request credentials", faults.InvalidCredentials),
    (401, "INVALID_CREDENTIALS", "Invalid request credentials", faults.InvalidCredentials),
    (404, "ERROR_MANIFEST_IS_NOT_AVAILABLE", "Manifest is not available", faults.ManifestNotAvailable),
    (403, "insufficient_scope", "The request requires higher privileges", faults.InsufficientScope),
    (403, "user_access_error", "The user does not have access to the application", faults.UserAccessError),
    (500, "PORTAL_DELETED", "Portal was deleted", faults.PortalDeleted),
    (429, "OPERATION_TIME_LIMIT", "", faults.OperationTimeLimit),
    (404, "ERROR_METHOD_NOT_FOUND", "Method not found!", faults.MethodNotFound),
    (401, "METHOD_CONFIRM_WAITING", "Waiting for confirmation", faults.MethodConfirmWaiting),
    (403, "METHOD_CONFIRM_DENIED", "Method call denied", faults.MethodConfirmDenied),
    (403, "WRONG_AUTH_TYPE", "Access for this method not allowed", faults.WrongAuthType),
    (402, "SOMETHING_OF_A_CUSTOM_METHOD", "Pay", faults.UnknownFault),
]


def method_of(status: int, code: str) -> str:
    return f"{code.lower()}.{status}"


def refusing(refusal: Refusal):
    def refuse(_params: object) -> None:
        raise refusal

    return refuse


async def test_each_is_raised_by_a_call_and_told_by_a_batch(caller: Caller):
    for status, code, text, _ in SYSTEM:
        caller.portal.methods[method_of(status, code)] = refusing(Refusal(status, code, text))

    for status, code, text, kind in SYSTEM:
        with pytest.raises(Fault) as caught:
            await caller.client.call(method_of(status, code))
        told = (caught.value.status, caught.value.code, caught.value.description)
        assert (type(caught.value), *told) == (kind, status, code, text)

    commands = {method_of(status, code): (method_of(status, code), {}) for status, code, _, _ in SYSTEM}
    results = await caller.client.batch(commands)
    assert [type(result) for result in results.values()] == [kind for *_, kind in SYSTEM]

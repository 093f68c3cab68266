"""Code, status and class of an error are one and the same in both directions."""

import json
from typing import Any

import pytest

from livefeed.errors import Fault
from livefeed.wire import faults
from livefeed.wire.calls import fault_body, read_answer
from livefeed.wire.faults import ALL_FAULTS, AccessDenied, UnknownFault, UpdateFailed, fault_of
from wire.documented import errors


@pytest.mark.parametrize("kind", ALL_FAULTS, ids=lambda kind: kind.__name__)
def test_every_fault_comes_back_as_its_class(kind: type[Fault]):
    sent = kind()

    with pytest.raises(Fault) as caught:
        read_answer(sent.status, fault_body(sent))

    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status, caught.value.description) == (
        kind.code,
        kind.status,
        kind.description,
    )


@pytest.mark.parametrize("documented", errors(), ids=lambda one: f"{one['fault']}: {one['source']}")
def test_documented_errors_have_their_class(documented: dict[str, Any]):
    fault = fault_of(documented["status"], documented["error"], documented["error_description"])

    assert type(fault).__name__ == documented["fault"]
    assert json.loads(fault_body(fault)) == {
        "error": documented["error"],
        "error_description": documented["error_description"],
    }
    assert fault.status == documented["status"]


def test_no_two_faults_look_alike():
    shapes = [(kind.code, kind.description) for kind in ALL_FAULTS]

    assert len(shapes) == len(set(shapes))


def test_every_fault_is_exported():
    assert {kind.__name__ for kind in ALL_FAULTS} <= set(faults.__all__)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ACCESS_DENIED", AccessDenied), ("SONET_CONTROLLER_LIVEFEED_BLOGPOST_UPDATE_ERROR", UpdateFailed)],
)
def test_a_known_code_with_an_unknown_text_is_the_general_error_of_the_code(code: str, kind: type[Fault]):
    fault = fault_of(403, code, "another text")

    assert type(fault) is kind
    assert fault.description == "another text"


@pytest.mark.parametrize(
    ("status", "is_retryable"), [(400, False), (404, False), (429, True), (500, True), (503, True)]
)
def test_an_unknown_code_is_kept_as_it_came(status: int, is_retryable: bool):
    fault = fault_of(status, "SEARCH_TEXT_ERROR", "x")

    assert isinstance(fault, UnknownFault)
    assert (fault.code, fault.status, fault.description, fault.retryable) == (
        "SEARCH_TEXT_ERROR",
        status,
        "x",
        is_retryable,
    )


def test_a_received_status_does_not_change_the_class():
    fault_of(401, "INVALID_CREDENTIALS", "Invalid request credentials")

    assert faults.InvalidCredentials.status == 403


def test_a_message_names_status_code_and_text():
    assert str(faults.ExpiredToken()) == "401 expired_token: The access token provided has expired"
    assert str(faults.WrongPost()) == "400 (no code): Wrong post ID"

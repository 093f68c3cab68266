"""`livefeed.app.verify`, alone: what proves an event, and what does not."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.app.verify import NotGenuine, verify
from livefeed.errors import LivefeedError, SettingsError, WireError
from livefeed.secrets import Secret
from livefeed.wire.events import AppUninstalled, PostUpdated, UnknownEvent

from .bodies import APPLICATION_TOKEN, AUTH, MEMBER, event_body, uninstall_body

OTHER = "f" * 32


def test_a_genuine_event_comes_back_typed_and_shows_no_token():
    event = verify(event_body(), application_token=APPLICATION_TOKEN, member_id=MEMBER)

    assert isinstance(event, PostUpdated)
    assert (event.post_id, event.envelope.auth.access_token) == (205, AUTH["access_token"])
    assert not any(AUTH[name] in repr(event) for name in AUTH if name.endswith("_token"))


@pytest.mark.parametrize(
    "tokens",
    [
        {"application_token": Secret(APPLICATION_TOKEN)},
        {"application_token": [OTHER, APPLICATION_TOKEN]},
        {"application_token": OTHER, "previous_token": APPLICATION_TOKEN},
        {"application_token": APPLICATION_TOKEN, "member_id": {OTHER, MEMBER}},
    ],
)
def test_any_of_several_tokens_and_portals_will_do(tokens):
    assert isinstance(verify(uninstall_body(), "application/x-www-form-urlencoded", **tokens), AppUninstalled)


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (event_body(application_token=OTHER), {}),
        (event_body(application_token=None), {}),
        (event_body(application_token=""), {"previous_token": ""}),
        (event_body(application_token=None), {"application_token": ["", Secret("")]}),
        (event_body(application_token=APPLICATION_TOKEN + "0"), {}),
        (event_body(member_id=OTHER), {}),
        (event_body(member_id=None), {}),
        (event_body(), {"application_token": []}),
        (event_body(), {"member_id": []}),
        (event_body(auth={"application_token": {"0": APPLICATION_TOKEN}, "member_id": MEMBER}), {}),
    ],
)
def test_what_proves_nothing_is_not_genuine_and_the_error_says_no_secret(body: bytes, more):
    given = {"application_token": APPLICATION_TOKEN, "member_id": MEMBER, **more}

    with pytest.raises(NotGenuine) as refused:
        verify(body, **given)
    assert APPLICATION_TOKEN not in str(refused.value)


def test_text_is_read_as_the_bytes_that_it_was():
    body = event_body().decode()

    assert isinstance(verify(body, None, application_token=APPLICATION_TOKEN), PostUpdated)


@pytest.mark.parametrize("token", ["", None, Secret("")])
def test_without_a_token_to_compare_with_it_says_so_and_refuses_nobody(token: Any):
    with pytest.raises(SettingsError, match="is the variable set"):
        verify(event_body(), application_token=token)


def test_json_and_events_without_a_type_are_read_too():
    wire = {"event": "onCrmDealUpdate", "data": {"FIELDS": {"ID": "12"}}, "auth": AUTH}
    event = verify(
        msgspec.json.encode(wire), "application/json; charset=utf-8", application_token=APPLICATION_TOKEN
    )

    assert isinstance(event, UnknownEvent)
    assert (event.name, event.data) == ("ONCRMDEALUPDATE", {"FIELDS": {"ID": "12"}})


@pytest.mark.parametrize(
    "body",
    [b"", b"event=", b"%zz", b"{}", b"{", event_body(post="x"), b"a=b&" * 2000, b"event=E&" + bytes(70_000)],
)
def test_what_is_no_event_is_a_wire_error(body: bytes):
    with pytest.raises(WireError):
        verify(body, application_token=APPLICATION_TOKEN)


@given(body=st.binary(max_size=200), content_type=st.sampled_from([None, "", "application/json", "a/b"]))
def test_no_bytes_make_it_raise_anything_else_or_pass(body: bytes, content_type: str | None):
    with pytest.raises(LivefeedError):
        verify(body, content_type, application_token=APPLICATION_TOKEN)


def test_importing_it_opens_starts_and_configures_nothing():
    program = """
import builtins, logging, os, threading, sys
opened = []
def audit(name, arguments):
    if name == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        opened.append(arguments[0])
    if name.startswith(("socket.", "sqlite3.", "subprocess.")):
        opened.append(name)
sys.dont_write_bytecode = True
sys.addaudithook(audit)
from livefeed.app.verify import verify
assert not opened, opened
assert threading.active_count() == 1
assert not logging.getLogger().handlers
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30)

    assert done.returncode == 0, done.stderr.decode()

"""Tokens and installations look as their pages show them."""

import json

import msgspec
import pytest

from livefeed.errors import WireError
from livefeed.wire.apps import (
    AppInfo,
    Install,
    app_test_data,
    install_data,
    scope_list,
    scopes_of,
    uninstall_data,
    update_data,
)
from livefeed.wire.faults import InvalidGrant, InvalidRequestOauth, PaymentRequired, UnexpectedAnswer
from livefeed.wire.form import as_form
from livefeed.wire.ids import AppId, ClientId, MemberId, UserId
from livefeed.wire.oauth import (
    CodeExchange,
    Refresh,
    TokenRequest,
    read_token_answer,
    read_token_request,
    token_address,
    token_params,
)
from livefeed.wire.params import Params
from wire.documented import answer, event

REFRESH = Refresh(client_id=ClientId("local.1.2"), client_secret="s3cret", refresh_token="r3fresh")
EXCHANGE = CodeExchange(client_id=ClientId("local.1.2"), client_secret="s3cret", code="c0de")


@pytest.mark.parametrize("request_", [REFRESH, EXCHANGE])
def test_a_token_request_survives(request_: TokenRequest):
    assert read_token_request(Params(token_params(request_))) == request_


@pytest.mark.parametrize("request_", [REFRESH, EXCHANGE])
def test_each_missing_parameter_is_named(request_: TokenRequest):
    params = token_params(request_)
    for name in params:
        with pytest.raises(InvalidRequestOauth):
            read_token_request(Params({key: value for key, value in params.items() if key != name}))


def test_another_grant_type_is_refused():
    with pytest.raises(InvalidRequestOauth, match="grant_type"):
        read_token_request(Params({"grant_type": "password"}))


@pytest.mark.parametrize("name", ["token_first", "token_refreshed"])
def test_the_documented_tokens_are_read_and_written_key_for_key(name: str):
    documented = answer(name)
    tokens = read_token_answer(200, json.dumps(documented).encode())

    assert json.dumps(tokens.to_wire()) == json.dumps(documented)


def test_only_a_refreshed_answer_says_whose_tokens_they_are():
    first = read_token_answer(200, json.dumps(answer("token_first")).encode())
    refreshed = read_token_answer(200, json.dumps(answer("token_refreshed")).encode())

    assert (first.user_id, first.expires) == (None, None)
    assert (refreshed.user_id, refreshed.expires) == (UserId(67), 1780319382)


@pytest.mark.parametrize("status", [200, 400, 401, 402])
def test_the_code_of_an_error_counts_and_not_the_status(status: int):
    with pytest.raises(InvalidGrant):
        read_token_answer(status, b'{"error":"invalid_grant","error_description":"x"}')
    with pytest.raises(PaymentRequired):
        read_token_answer(status, b'{"error":"PAYMENT_REQUIRED","error_description":"Payment required"}')


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"access_token":"x"}', b"\xff"])
def test_an_answer_without_tokens_is_unexpected(body: bytes):
    with pytest.raises(UnexpectedAnswer):
        read_token_answer(200, body)


def test_no_secret_shows_in_a_repr():
    shown = repr([REFRESH, EXCHANGE, read_token_answer(200, json.dumps(answer("token_first")).encode())])

    for secret in ("s3cret", "r3fresh", "c0de", "s1morf", "4f9k4j"):
        assert secret not in shown


def test_the_token_endpoint_stands_beside_rest():
    assert token_address("https://oauth.bitrix.info/rest/") == "https://oauth.bitrix.info/oauth/token/"
    assert token_address("http://localhost:8024/rest") == "http://localhost:8024/oauth/token/"


@pytest.mark.parametrize("address", ["", "https://oauth.bitrix.info/", "/rest/", "https://x/rest/api/"])
def test_an_address_of_another_form_is_a_wire_error(address: str):
    with pytest.raises(WireError):
        token_address(address)


def test_the_documented_app_info_is_read_and_written():
    result = answer("app_info")["result"]

    assert AppInfo.from_wire(result).to_wire() == result
    assert AppInfo.from_wire(result).install is None


def test_one_answer_carries_both_shapes():
    info = AppInfo(
        id=AppId(5),
        code="local.1.2",
        status="L",
        is_installed=True,
        license="en_ent10000",
        client_id=ClientId("local.1.2"),
        scope="im,log,user",
        expires="2026-03-17T15:29:15+00:00",
        user_id=UserId(7),
        install=Install(
            member_id=MemberId("a223c6b3710f85df22e9377d6c4f7553"),
            domain="portal.example",
            client_endpoint="https://portal.example/rest/",
            status="L",
            scope="im,log,user",
            is_installed=True,
            uri="",
        ),
    )
    wire = json.loads(msgspec.json.encode(info.to_wire()))

    assert AppInfo.from_wire(wire) == info
    assert list(wire["install"]) == [
        "installed",
        "version",
        "status",
        "scope",
        "domain",
        "uri",
        "client_endpoint",
        "member_id",
        "member_type",
    ]


def test_an_authorization_server_may_answer_alone():
    info = AppInfo.from_wire(
        {
            "client_id": "app.1",
            "scope": ["log", "im"],
            "user_id": "3",
            "install": {"member_id": "m", "scope": "log"},
        }
    )

    assert (info.client_id, info.user_id, info.scope, info.install) == (
        "app.1",
        3,
        "im,log",
        Install(member_id=MemberId("m"), scope="log", member_type=""),
    )


@pytest.mark.parametrize("result", [None, [], {}, {"x": 1}])
def test_what_is_no_app_info_is_a_wire_error(result: object):
    with pytest.raises(WireError):
        AppInfo.from_wire(result)


def test_scopes_are_written_with_commas_and_read_with_any_separator():
    assert scopes_of("imconnector, imopenlines log") == {"imconnector", "imopenlines", "log"}
    assert scope_list(["user,log", "im log"]) == "im,log,user"


def test_the_data_of_the_application_events_is_that_of_their_pages():
    installed, updated, removed = (
        as_form(event(name))["data"] for name in ("app_install", "app_update", "app_uninstall")
    )

    assert install_data(version="1.0.0", language="de") == installed
    assert update_data(version="2.1.0", previous_version="2.0.3", language="de") == updated
    assert uninstall_data(language="de", should_clean=True) == removed
    assert app_test_data(query={"any": "data", "n": 1}, language="en") == {
        "QUERY": {"any": "data", "n": "1"},
        "LANGUAGE_ID": "en",
    }

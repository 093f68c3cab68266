"""An event survives the way through a typed value, whatever keys it has."""

import itertools
import json

import msgspec
import pytest

from livefeed.errors import TooLarge, WireError
from livefeed.wire.auth import Auth, parse_auth
from livefeed.wire.events import (
    APP_EVENTS,
    POST_EVENTS,
    AppInstalled,
    AppMethodConfirmed,
    AppPayment,
    AppTest,
    AppUninstalled,
    AppUpdated,
    Envelope,
    PostAdded,
    PostDeleted,
    PostUpdated,
    UnknownEvent,
    encode_envelope,
    envelope_form,
    from_json,
    parse_envelope,
    parse_json_envelope,
    post_data,
    to_json,
    typed,
)
from livefeed.wire.form import Form, as_form, decode, encode
from livefeed.wire.ids import HandlerId, MemberId, PostId, UserId
from wire.documented import EVENTS, body, event

SEED = Envelope(
    event="ONLIVEFEEDPOSTUPDATE",
    handler_id=HandlerId(731),
    data=post_data(PostId(205)),
    ts=1743000379,
    auth=Auth(
        access_token="s6p6eclrvim6da22ft9ch94ekreb52lv",
        expires_in=3600,
        scope="log",
        domain="some-domain.bitrix24.com",
        server_endpoint="https://oauth.bitrix.info/rest/",
        status="L",
        client_endpoint="https://some-domain.bitrix24.com/rest/",
        member_id=MemberId("a223c6b3710f85df22e9377d6c4f7553"),
        refresh_token="4s386p3q0tr8dy89xvmt96234v3dljg8",
        application_token="51856fefc120afa4b628cc82d3935cce",
    ),
)

AUTH_KEYS = sorted(set(Auth.__struct_fields__) - {"extra"})


def auth_value(key: str) -> str:
    return "3600" if key in {"expires_in", "expires", "user_id"} else f"value of {key}"


def test_the_seed_event_encodes_to_the_documented_bytes():
    assert encode_envelope(SEED) == body("post_update")


def test_the_documented_bytes_parse_to_the_seed_event():
    assert parse_envelope(decode(body("post_update"), strict=True)) == SEED


def test_the_webhook_event_encodes_to_the_documented_bytes():
    envelope = parse_envelope(decode(body("post_update_webhook"), strict=True))

    assert encode_envelope(envelope) == body("post_update_webhook")
    assert envelope.auth.access_token is None


@pytest.mark.parametrize("name", EVENTS)
def test_every_documented_event_survives(name: str):
    form = as_form(event(name))

    assert envelope_form(parse_envelope(form)) == form


@pytest.mark.parametrize(
    "name", [name for name in EVENTS if name not in {"imconnector_message", "bot_message"}]
)
def test_every_documented_event_keeps_the_bytes_of_its_page(name: str):
    raw = encode(event(name))

    assert encode_envelope(parse_envelope(decode(raw, strict=True))) == raw


@pytest.mark.parametrize("name", EVENTS)
def test_every_documented_event_is_read_as_json_too(name: str):
    assert parse_json_envelope(json.dumps(event(name)).encode()) == parse_envelope(as_form(event(name)))


@pytest.mark.parametrize("name", EVENTS)
def test_every_documented_event_survives_storage(name: str):
    envelope = parse_envelope(as_form(event(name)))

    assert from_json(to_json(envelope)) == envelope


@pytest.mark.parametrize("kept", range(len(AUTH_KEYS) + 1))
def test_every_subset_of_auth_keys_survives_with_unknown_ones_beside_it(kept: int):
    for keys in itertools.combinations(AUTH_KEYS, kept):
        auth: Form = {key: auth_value(key) for key in keys}
        auth |= {"new_key": "new", "deep": {"er": "x"}}
        form: Form = {"event": "ONLIVEFEEDPOSTUPDATE", "auth": auth}

        parsed = parse_envelope(decode(encode(form), strict=True))

        assert envelope_form(parsed) == form
        assert all((getattr(parsed.auth, key) is not None) == (key in keys) for key in AUTH_KEYS)


@pytest.mark.parametrize(
    "keys",
    [c for n in range(5) for c in itertools.combinations(("event_handler_id", "data", "ts", "auth"), n)],
)
def test_every_key_but_event_may_be_absent(keys: tuple[str, ...]):
    whole = as_form(event("post_update"))
    form: Form = {key: value for key, value in whole.items() if key in ("event", *keys)}

    assert envelope_form(parse_envelope(form)) == form


def test_unknown_top_level_keys_survive():
    form = as_form({**event("post_update"), "eventId": "7", "bot": {"id": "1"}})

    assert parse_envelope(form).extra == {"eventId": "7", "bot": {"id": "1"}}
    assert envelope_form(parse_envelope(form)) == form


@pytest.mark.parametrize("form", [{}, {"event": ""}, {"event": {"a": "1"}}, {"data": {"x": "1"}}])
def test_without_a_name_it_is_no_event(form: Form):
    with pytest.raises(WireError, match="event"):
        parse_envelope(form)


def test_the_name_counts_in_any_case():
    assert parse_envelope({"event": "OnLiveFeedPostUpdate"}).event == "ONLIVEFEEDPOSTUPDATE"


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "007", "9" * 19, "٣"])
def test_a_number_that_is_none_is_kept_as_it_came(value: str):
    form: Form = {"event": "E", "event_handler_id": value, "ts": value, "auth": {"expires_in": value}}

    envelope = parse_envelope(form)

    assert (envelope.handler_id, envelope.ts, envelope.auth.expires_in) == (None, None, None)
    assert envelope_form(envelope) == form


def test_a_block_that_is_text_is_kept_as_it_came():
    form: Form = {"event": "E", "data": "x", "auth": "y"}

    envelope = parse_envelope(form)

    assert (envelope.data, envelope.auth) == ({}, Auth())
    assert envelope_form(envelope) == form


def test_empty_values_count_as_absent():
    auth = parse_auth({"access_token": "", "expires_in": "", "application_token": ""})

    assert auth == Auth()


def test_parsing_does_not_change_what_it_reads():
    form = as_form({**event("post_update"), "ts": "no number"})
    before = json.dumps(form)
    parse_envelope(form)

    assert json.dumps(form) == before


@pytest.mark.parametrize("text", ["log", "crm,entity", "imconnector, imopenlines", "a b", "", "a,,b ,c"])
def test_scopes_are_read_with_any_separator(text: str):
    assert Auth(scope=text).scopes() == frozenset(text.replace(",", " ").split())


def test_extended_keys_stand_behind_application_token():
    auth = msgspec.structs.replace(SEED.auth, user_id=UserId(5), expires=1743003979)

    raw = encode_envelope(msgspec.structs.replace(SEED, auth=auth))

    assert raw == body("post_update") + b"&auth%5Buser_id%5D=5&auth%5Bexpires%5D=1743003979"


def test_without_tokens_the_other_keys_keep_their_order():
    auth = msgspec.structs.replace(SEED.auth, access_token=None, expires_in=None, refresh_token=None)

    names = list(decode(encode_envelope(msgspec.structs.replace(SEED, auth=auth)), strict=True)["auth"])

    assert names == [
        "scope",
        "domain",
        "server_endpoint",
        "status",
        "client_endpoint",
        "member_id",
        "application_token",
    ]


@pytest.mark.parametrize("kind", [PostAdded, PostUpdated, PostDeleted])
def test_a_post_event_has_its_type_and_post(kind: type[PostAdded | PostUpdated | PostDeleted]):
    envelope = Envelope(event=kind.wire_name, data=post_data(PostId(205)))

    assert typed(envelope) == kind(post_id=PostId(205), envelope=envelope)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"FIELDS": "x"},
        {"FIELDS": {}},
        {"FIELDS": {"POST_ID": "x"}},
        {"FIELDS": {"POST_ID": "0"}},
        {"FIELDS": {"POST_ID": {"a": "1"}}},
        {"FIELDS": {"POST_ID": "-5"}},
    ],
)
def test_a_post_event_without_a_post_is_refused(data: Form):
    with pytest.raises(WireError, match="POST_ID"):
        typed(Envelope(event="ONLIVEFEEDPOSTADD", data=data))


def test_the_application_events_have_their_types():
    install = typed(parse_envelope(as_form(event("app_install"))))
    update = typed(parse_envelope(as_form(event("app_update"))))
    uninstall = typed(parse_envelope(as_form(event("app_uninstall"))))

    assert isinstance(install, AppInstalled)
    assert (install.version, install.is_active, install.is_installed, install.language) == (
        "1.0.0",
        True,
        True,
        "de",
    )
    assert isinstance(update, AppUpdated)
    assert (update.version, update.previous_version) == ("2.1.0", "2.0.3")
    assert isinstance(uninstall, AppUninstalled)
    assert uninstall.should_clean
    assert uninstall.envelope.auth.access_token is None


def test_an_unfinished_installation_says_so():
    event_ = typed(Envelope(event="ONAPPINSTALL", data={"INSTALLED": "N", "ACTIVE": "N"}))

    assert isinstance(event_, AppInstalled)
    assert (event_.is_installed, event_.is_active) == (False, False)


def test_a_test_event_has_its_query():
    envelope = Envelope(event="ONAPPTEST", data={"QUERY": {"any": "data"}, "LANGUAGE_ID": "en"})

    assert typed(envelope) == AppTest(query={"any": "data"}, language="en", envelope=envelope)


def test_a_payment_is_read_as_documented():
    envelope = parse_envelope(as_form(event("app_payment")))

    payment = typed(envelope)

    assert payment == AppPayment(
        code="bitrix.gds_company",
        version="1",
        status="S",
        is_expired=False,
        days=28,
        language="de",
        envelope=envelope,
    )
    ended = typed(Envelope(event="ONAPPPAYMENT", data={"PAYMENT_EXPIRED": "Y", "DAYS": ""}))
    assert isinstance(ended, AppPayment)
    assert (ended.is_expired, ended.days) == (True, None)


def test_a_confirmed_method_is_read_as_documented_and_its_token_stays_a_secret():
    confirmed = typed(parse_envelope(as_form(event("app_method_confirm"))))

    assert isinstance(confirmed, AppMethodConfirmed)
    assert (confirmed.method, confirmed.is_confirmed, confirmed.language) == (
        "voximplant.user.get",
        True,
        "de",
    )
    assert confirmed.token.reveal() == event("app_method_confirm")["data"]["TOKEN"]
    assert confirmed.token.reveal() not in repr(confirmed)


@pytest.mark.parametrize("name", ["ONCRMDEALADD", "ONUSERADD", "ANYTHING"])
def test_an_event_without_a_type_is_unknown_and_whole(name: str):
    envelope = Envelope(event=name, data={"x": "1"})

    assert typed(envelope) == UnknownEvent(envelope=envelope)


def test_wire_names_are_those_of_the_documentation():
    assert POST_EVENTS == ("ONLIVEFEEDPOSTADD", "ONLIVEFEEDPOSTUPDATE", "ONLIVEFEEDPOSTDELETE")
    assert (AppInstalled.wire_name, AppUpdated.wire_name, AppUninstalled.wire_name, AppTest.wire_name) == (
        "ONAPPINSTALL",
        "ONAPPUPDATE",
        "ONAPPUNINSTALL",
        "ONAPPTEST",
    )
    assert APP_EVENTS[0] == "ONAPPUNINSTALL"


def test_no_secret_shows_in_a_repr():
    shown = repr(
        typed(msgspec.structs.replace(SEED, auth=msgspec.structs.replace(SEED.auth, extra={"k": "hidden"})))
    )

    assert "a223c6b3710f85df22e9377d6c4f7553" in shown
    for secret in ("s6p6ec", "4s386p", "51856f", "hidden"):
        assert secret not in shown


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"1", b'"x"', b"{", b'{"event":1}x', b"\xff", b'{"event":""}', b'{"a":NaN}']
)
def test_json_that_is_no_event_is_refused(raw: bytes):
    with pytest.raises(WireError):
        parse_json_envelope(raw)


@pytest.mark.parametrize("depth", [50, 1_000, 30_000])
def test_deep_json_is_refused(depth: int):
    with pytest.raises(TooLarge):
        parse_json_envelope(b'{"event":"E","data":' + b'{"a":' * depth + b"1" + b"}" * (depth + 1))


def test_long_json_is_refused():
    with pytest.raises(TooLarge):
        parse_json_envelope(b'{"event":"' + b"x" * 70_000 + b'"}')


def test_a_nul_in_json_is_refused_but_its_spelling_is_not():
    with pytest.raises(WireError, match="NUL"):
        parse_json_envelope(rb'{"event":"E","x":["a\u0000b"]}')

    assert parse_json_envelope(rb'{"event":"E","x":"a\\u0000b"}').extra == {"x": "a\\u0000b"}

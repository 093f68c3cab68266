from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form import encode
from livefeed.wire.frames import FrameRequest, frame_fields, frame_query, read_frame

MEMBER = "da45a03b265edd8787f8a258d793cc5d"
REQUEST = FrameRequest(
    domain="portal.bitrix24.com",
    is_https=True,
    language="en",
    app_sid="dd8cec11e347088fe87c44870a9f1dba",
    access_token="066df06500653f8c0026aad400000001f0f107",
    expires_in=3600,
    refresh_token="f6eb176600653f8c0026aad400000001f0f107",
    server_endpoint="https://oauth.bitrix.info/rest/",
    application_token="51856fefc120afa4b628cc82d3935cce",
    scope="log,user,placement",
    member_id=MEMBER,
    status="L",
    placement="LIVEFEED_POST",
    options={"POST_ID": "205", "URI": "/posts/205"},
)


def written(request: FrameRequest) -> tuple[bytes, bytes]:
    return urlencode(frame_query(request)).encode(), encode(frame_fields(request))


def fields(**changed: str) -> bytes:
    return encode({"AUTH_ID": "a", "member_id": MEMBER, **changed})


def test_the_keys_stand_in_the_documented_order():
    assert ["DOMAIN", "PROTOCOL", "LANG", "APP_SID"] == list(frame_query(REQUEST))
    assert [
        "AUTH_ID",
        "AUTH_EXPIRES",
        "REFRESH_ID",
        "SERVER_ENDPOINT",
        "APPLICATION_TOKEN",
        "APPLICATION_SCOPE",
        "member_id",
        "status",
        "PLACEMENT",
        "PLACEMENT_OPTIONS",
    ] == list(frame_fields(REQUEST))


def test_what_is_written_is_read_again():
    assert REQUEST == read_frame(*written(REQUEST))


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9), st.integers(-9, 9)
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.booleans(),
)
def test_any_options_and_any_address_survive(options, domain, is_https):
    request = msgspec.structs.replace(REQUEST, options=options, domain=domain, is_https=is_https)

    assert request == read_frame(*written(request))


def test_no_secret_is_in_the_repr():
    shown = repr(REQUEST)

    assert not any(
        secret in shown for secret in (REQUEST.access_token, REQUEST.refresh_token, REQUEST.application_token)
    )


@pytest.mark.parametrize("missing", ["AUTH_ID", "member_id"])
def test_without_token_or_portal_it_is_no_opening(missing: str):
    with pytest.raises(WireError, match=missing):
        read_frame(b"", fields(**{missing: ""}))


@pytest.mark.parametrize("options", ["", "[]", "{}", "null", "0"])
def test_empty_options_are_none(options: str):
    assert {} == read_frame(b"", fields(PLACEMENT_OPTIONS=options)).options


@pytest.mark.parametrize(
    "options", ["[1]", "1", '"x"', "{", "nan", "[" * 3000, '{"a":' * 700 + "1" + "}" * 700]
)
def test_options_that_are_no_object_are_refused(options: str):
    with pytest.raises(WireError):
        assert not read_frame(b"", fields(PLACEMENT_OPTIONS=options))


@pytest.mark.parametrize(
    "body",
    [
        fields(PLACEMENT_OPTIONS='{"a":"' + "x" * 5000 + '"}'),
        fields(AUTH_ID="a" * 3000),
        fields(x="y" * 70_000),
        b"&".join(b"a%d=1" % number for number in range(2000)),
    ],
)
def test_what_is_too_long_is_refused(body: bytes):
    with pytest.raises(TooLarge):
        read_frame(b"", body)


@pytest.mark.parametrize(
    "body", [b"AUTH_ID=%zz", b"AUTH_ID=%ff&member_id=x", b"AUTH_ID=a&AUTH_ID=b", b"AUTH_ID=%00"]
)
def test_a_body_no_browser_writes_is_refused(body: bytes):
    with pytest.raises(WireError):
        read_frame(b"", body)


def test_the_address_may_have_keys_of_its_own():
    assert "ru" == read_frame(b"LANG=ru&mine[a]=%zz&mine=2", fields()).language


@pytest.mark.parametrize(
    ("given", "life"), [("", 3600), ("60", 60), ("-1", 3600), ("99999999", 3600), ("x", 3600)]
)
def test_a_token_lives_an_hour_at_most(given: str, life: int):
    assert life == read_frame(b"", fields(AUTH_EXPIRES=given)).expires_in

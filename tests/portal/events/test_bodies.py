"""The bytes of an event are those of the codec, and their keys those of the documentation."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.portal.apps.registry import App
from livefeed.portal.events.bodies import Bodies, Templates, Tokens
from livefeed.portal.portals import PortalRow
from livefeed.wire.events import POST_EVENTS, encode_envelope, post_data
from livefeed.wire.form import decode
from livefeed.wire.ids import AppId, ClientId, HandlerId, MemberId, PostId, UserId

MEMBER = MemberId("a223c6b3710f85df22e9377d6c4f7553")
SECRET = "51856fefc120afa4b628cc82d3935cce"
ALWAYS = ["scope", "domain", "server_endpoint", "status", "client_endpoint", "member_id"]
AuthKeys = Literal["documented", "extended", "minimal"]


def app_with(auth_keys: AuthKeys, scope: str = "im,log") -> App:
    return App(
        id=AppId(5), portal=MEMBER, client_id=ClientId("local.1.2"), name="a", secret_hash=b"",
        sealed_token=b"", handler_url="", install_url="", scope=scope, has_interface=False,
        auth_keys=auth_keys, status="L", version=1, state="installed", epoch=1, installer=UserId(1),
        created_at=0, redirect_uri="", paid_until=None, release="1.0.0",
    )  # as one block # fmt: skip


def portal_at(url: str) -> PortalRow:
    host = url.partition("://")[2]
    return PortalRow(member_id=MEMBER, host=host, public_url=url, name="x", language="en", is_default=True)


def expected_keys(auth_keys: AuthKeys, tokens: Tokens | None) -> list[str]:
    keys = ["access_token", "expires_in"] if tokens else []
    keys += ALWAYS
    if tokens and auth_keys != "minimal":
        keys.append("refresh_token")
    keys.append("application_token")
    if tokens and auth_keys == "extended":
        keys += ["user_id", "expires"]
    return keys


words = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=56, max_size=56).map(str.encode)
tokens = st.none() | st.builds(Tokens, access=words, refresh=words, user=st.integers(1, 2**31).map(UserId))
urls = st.sampled_from(
    ["http://127.0.0.1:8024", "https://feed.example.com", "https://some~domain.bitrix24.com"]
)


@given(
    auth_keys=st.sampled_from(["documented", "extended", "minimal"]),
    tokens=tokens,
    event=st.sampled_from(POST_EVENTS),
    url=urls,
    handler=st.integers(1, 10**9).map(HandlerId),
    post=st.integers(1, 10**15).map(PostId),
    ts=st.integers(1, 4 * 10**9),
)
def test_a_filled_template_is_what_the_codec_encodes_and_has_the_documented_keys(
    auth_keys: AuthKeys,
    tokens: Tokens | None,
    event: str,
    url: str,
    handler: HandlerId,
    post: PostId,
    ts: int,
) -> None:
    bodies = Bodies(portal_at(url), app_with(auth_keys), SECRET, event, handler)
    body = bodies.of_post(post, ts, tokens)
    assert body == encode_envelope(bodies.envelope(post_data(post), ts, tokens))
    form = decode(body, strict=True)
    auth = form["auth"]
    assert isinstance(auth, dict)
    assert list(form) == ["event", "event_handler_id", "data", "ts", "auth"]
    assert list(auth) == expected_keys(auth_keys, tokens)
    assert (form["event"], form["event_handler_id"], form["ts"]) == (event, str(handler), str(ts))
    assert form["data"] == {"FIELDS": {"POST_ID": str(post)}}
    assert (auth["scope"], auth["application_token"]) == ("log", SECRET)
    if tokens is not None:
        assert auth["access_token"] == tokens.access.decode()
    if tokens is not None and auth_keys == "extended":
        assert (auth["user_id"], auth["expires"]) == (str(tokens.user), str(ts + 3600))


@given(
    auth_keys=st.sampled_from(["documented", "extended", "minimal"]),
    given_to=st.lists(tokens, min_size=2, max_size=3, unique=True),
    deliveries=st.lists(
        st.tuples(st.sampled_from([11, 12, None]), st.integers(1, 9), st.integers(1, 2), st.integers(0, 1)),
        min_size=2,
        max_size=12,
    ),
)
def test_handlers_that_share_templates_never_get_the_tokens_time_or_number_of_another_delivery(
    auth_keys: AuthKeys,
    given_to: list[Tokens | None],
    deliveries: list[tuple[int | None, int, int, int]],
) -> None:
    portal, app, shared = portal_at("http://127.0.0.1:8024"), app_with(auth_keys), Templates()
    event = "ONLIVEFEEDPOSTUPDATE"
    all_bodies = {
        number: Bodies(portal, app, SECRET, event, None if number is None else HandlerId(number), shared)
        for number in (11, 12, None)
    }
    for handler, post, ts, person in deliveries:
        bodies, whose = all_bodies[handler], given_to[person]
        fresh = encode_envelope(bodies.envelope(post_data(PostId(post)), ts, whose))
        assert fresh == bodies.of_post(PostId(post), ts, whose)


def test_the_sample_of_the_documentation_comes_out_byte_for_byte() -> None:
    portal = portal_at("https://some-domain.bitrix24.com")
    bodies = Bodies(portal, app_with("documented"), SECRET, "ONLIVEFEEDPOSTUPDATE", HandlerId(731))
    sent = Tokens(
        access=b"s6p6eclrvim6da22ft9ch94ekreb52lv",
        refresh=b"4s386p3q0tr8dy89xvmt96234v3dljg8",
        user=UserId(1),
    )
    # Source: api-reference/log/events/on-live-feed-post-update.md; here the portal authorizes by itself.
    assert bodies.of_post(PostId(205), 1_743_000_379, sent) == (
        b"event=ONLIVEFEEDPOSTUPDATE&event_handler_id=731&data%5BFIELDS%5D%5BPOST_ID%5D=205&ts=1743000379"
        b"&auth%5Baccess_token%5D=s6p6eclrvim6da22ft9ch94ekreb52lv&auth%5Bexpires_in%5D=3600&auth%5Bscope%5D=log"
        b"&auth%5Bdomain%5D=some-domain.bitrix24.com"
        b"&auth%5Bserver_endpoint%5D=https%3A%2F%2Fsome-domain.bitrix24.com%2Frest%2F&auth%5Bstatus%5D=L"
        b"&auth%5Bclient_endpoint%5D=https%3A%2F%2Fsome-domain.bitrix24.com%2Frest%2F"
        b"&auth%5Bmember_id%5D=a223c6b3710f85df22e9377d6c4f7553"
        b"&auth%5Brefresh_token%5D=4s386p3q0tr8dy89xvmt96234v3dljg8"
        b"&auth%5Bapplication_token%5D=51856fefc120afa4b628cc82d3935cce"
    )


@pytest.mark.parametrize("auth_keys", ["documented", "extended", "minimal"])
def test_a_farewell_never_carries_tokens(auth_keys: AuthKeys) -> None:
    bodies = Bodies(
        portal_at("https://a.example"), app_with(auth_keys), SECRET, "ONAPPUNINSTALL", HandlerId(7)
    )
    sent = Tokens(access=b"a" * 56, refresh=b"r" * 56, user=UserId(1))
    form = decode(bodies.of_app({"LANGUAGE_ID": "en", "CLEAN": "1"}, 1, sent), strict=True)
    assert form["auth"] == {
        "domain": "a.example",
        "server_endpoint": "https://a.example/rest/",
        "client_endpoint": "https://a.example/rest/",
        "member_id": MEMBER,
        "application_token": SECRET,
    }


@pytest.mark.parametrize("auth_keys", ["documented", "minimal"])
def test_an_installation_names_every_scope_and_always_brings_a_refresh_token(auth_keys: AuthKeys) -> None:
    bodies = Bodies(portal_at("https://a.example"), app_with(auth_keys), SECRET, "ONAPPINSTALL", None)
    sent = Tokens(access=b"a" * 56, refresh=b"r" * 56, user=UserId(1))
    form = decode(bodies.of_app({"VERSION": "1.0.0"}, 1, sent), strict=True)
    auth = form["auth"]
    assert isinstance(auth, dict)
    assert "event_handler_id" not in form
    assert (auth["scope"], auth["refresh_token"]) == ("im,log", "r" * 56)


def test_an_extended_installation_has_a_handler_number_for_those_who_insist_on_one() -> None:
    bodies = Bodies(portal_at("https://a.example"), app_with("extended"), SECRET, "ONAPPINSTALL", None)
    form = decode(bodies.of_app({"VERSION": "1.0.0"}, 1, None), strict=True)
    assert form["event_handler_id"] == "0"

"""Whatever of the auth block is missing, and whatever is added: an edit comes from the door to the bell."""

from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scratch import in_memory

from livefeed.app.ingest import Door
from livefeed.clock import ManualClock
from livefeed.wire.form import encode

from .conftest import open_house, small_company
from .fake_portal import MEMBER, serving

PROOF = {"member_id": MEMBER, "application_token": "t" * 32}
OPTIONAL = {
    "expires_in": "3600",
    "scope": "log",
    "domain": "some-domain.bitrix24.com",
    "server_endpoint": "https://oauth.bitrix.info/rest/",
    "status": "F",
    "client_endpoint": "https://elsewhere.example/rest/",
    "refresh_token": "stranger",
    "expires": "1743000000",
    "client_id": "local.other",
    "access_token": "event-1",
    "user_id": "1",
}
UNKNOWN = st.dictionaries(
    st.text("abcxyz_", min_size=1, max_size=8).map("x_".__add__),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=10),
    max_size=3,
)


@st.composite
def cases(draw):
    auth = {**PROOF, **{key: OPTIONAL[key] for key in draw(st.sets(st.sampled_from(sorted(OPTIONAL))))}}
    body = {
        "event": "ONLIVEFEEDPOSTUPDATE",
        "data": {"FIELDS": {"POST_ID": "5"}},
        "auth": {**auth, **draw(UNKNOWN)},
    }
    optional = {"event_handler_id": "731", "ts": "1743000000"}
    return {
        **body,
        **{key: optional[key] for key in draw(st.sets(st.sampled_from(sorted(optional))))},
        **draw(UNKNOWN),
    }


async def post(door: Door, body: bytes) -> int:
    statuses = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        statuses.append(message.get("status"))

    headers = [
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", b"%d" % len(body)),
    ]
    await door({"type": "http", "method": "POST", "path": "/events", "headers": headers}, receive, send)
    return statuses[0]


async def tell_all(events, path):
    portal = small_company()
    portal.tokens["event-1"] = 1
    async with serving(portal), open_house(path, portal, ManualClock()) as house:
        await house.install()
        door = Door(house.running.runtime, house.running.leaving)
        for number, event in enumerate(events):
            portal.edit(5, text=f"Holidays: from {number + 100} to 14 June")
            assert await post(door, encode(event)) == 200
            await house.work()
            auth = event["auth"]
            who = "Alex Admin" if {"access_token", "user_id"} & auth.keys() else "An automation"
            expected = f"{who} changed «Holidays» — you wrote it: Holidays: from "
            (text,) = portal.bell_of(2)
            assert text.startswith(expected)
            assert f"[b]{number + 100}[/b]" in text
            assert portal.bell_of(1) == []
    calls = [params.text("auth") for _, params in portal.calls]
    assert "stranger" not in calls


@settings(max_examples=8, deadline=None)
@given(st.lists(cases(), min_size=15, max_size=15))
def test_every_subset_of_the_auth_keys_comes_from_the_door_to_the_bell(events):
    with TemporaryDirectory(dir=in_memory()) as path:
        anyio.run(tell_all, events, Path(path))

"""Bad input at the application's doors in the running house: refused in one form, and edits still arrive."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.app.bodies import event_body, install_body, uninstall_body

from livefeed.net.http import HttpAnswer
from livefeed.portal.apps import registry
from livefeed.secrets import KeyRing

from .conftest import Town

FORM = "application/x-www-form-urlencoded"
STRANGER = "s" * 32


class Callers:
    """Whoever can reach the application's doors; ``genuine`` knows what the portal knows."""

    def __init__(self, town: Town, member_id: str, application_token: str) -> None:
        self.town = town
        self.settings = town.notifier.running.app.settings
        self.genuine = {"member_id": member_id, "application_token": application_token}

    async def post(self, path: str, body: bytes, content_type: str = FORM) -> HttpAnswer:
        url = self.settings.public_url + path
        return await self.town.http.send("POST", url, body=body, headers={"content-type": content_type})

    async def raw(self, *parts: bytes) -> bytes:
        url = urlsplit(self.settings.public_url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        for part in parts:
            writer.write(part)
            await writer.drain()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def stored(self) -> int:
        """How many events came in by the door."""
        store = self.town.notifier.running.runtime.store
        count = "SELECT count(*) FROM entry WHERE source = 'door'"
        return await store.read(lambda tx: tx.execute(count).fetchone()[0])


@pytest.fixture
async def callers(town: Town) -> Callers:
    client_id = town.notifier.running.app.settings.client_id
    app = await town.store.read(lambda tx: registry.find_by_client_id(tx, client_id))
    assert app is not None
    return Callers(town, app.portal, app.application_token(KeyRing([b"k" * 32])).reveal())


async def still_tells(town: Town) -> None:
    """An edit after all that reaches the author's bell."""
    post = await town.call(2, "log.blogpost.add", POST_TITLE="After", POST_MESSAGE="7 chairs", DEST=["UA"])
    await town.settle()
    await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE="8 chairs", POST_TITLE="After")
    await town.settle()
    assert any("[s]7[/s] [b]8[/b]" in text for text in await town.bell(2))


def error_in(answer: HttpAnswer) -> tuple[int, str]:
    document: dict[str, Any] = json.loads(answer.body)
    assert document["status"] == "error"
    assert set(document) <= {"status", "error", "error_description"}
    return answer.status, document["error"]


UNREADABLE = {
    "broken percent-encoding": b"event=X&x=%zz",
    "half a percent-encoding": b"event=X&x=%4",
    "a key given twice": b"event=X&event=Y",
    "bytes that are no UTF-8": b"event=X&x=%FF",
    "raw bytes that are no UTF-8": b"event=X&x=\xff",
    "a scalar that is a list too": b"event=X&a=1&a[x]=2",
    "a NUL": b"event=X&x=a%00b",
    "no event": b"hello",
    "nothing": b"",
}
TOO_LARGE = {
    "10,000 keys": b"event=X&" + b"&".join(b"k%d=1" % n for n in range(10_000)),
    "depth 1,000": b"event=X&a" + b"[x]" * 1_000 + b"=1",
    "10 MB": b"event=X&x=" + b"a" * 10_000_000,
}


@pytest.mark.parametrize("path", ["/events", "/install"])
async def test_what_no_portal_sends_is_refused_at_both_doors_and_the_house_works_on(
    callers: Callers, path: str
):
    before = await callers.stored()
    for what, body in UNREADABLE.items():
        assert error_in(await callers.post(path, body)) == (400, "not_an_event"), what
    for what, body in TOO_LARGE.items():
        assert error_in(await callers.post(path, body)) == (413, "too_large"), what

    assert await callers.stored() == before
    await still_tells(callers.town)


async def test_what_is_not_proved_changes_nothing_and_learns_nothing(callers: Callers):
    before = await callers.stored()
    member, token = callers.genuine["member_id"], callers.genuine["application_token"]
    answers = [
        await callers.post("/events", body(**keys))
        for body in (event_body, uninstall_body)
        for keys in (
            {"member_id": member, "application_token": STRANGER},
            {"member_id": member, "application_token": None},
            {"member_id": member, "application_token": token.upper()},
            {"member_id": STRANGER, "application_token": token},
            {"member_id": None, "application_token": token},
        )
    ]

    assert {error_in(answer) for answer in answers} == {(403, "invalid_application_token")}
    assert len({answer.body for answer in answers}) == 1
    assert token.encode() not in answers[0].body
    assert await callers.stored() == before
    await still_tells(callers.town)


async def test_an_installation_nobody_proves_replaces_nothing(callers: Callers):
    for keys in (
        {},
        callers.genuine,
        {**callers.genuine, "access_token": None},
        {"member_id": STRANGER, "application_token": STRANGER},
    ):
        assert error_in(await callers.post("/install", install_body(**keys))) == (
            403,
            "installation_not_proved",
        )

    await still_tells(callers.town)


async def test_an_unknown_event_is_kept_and_settled_and_delays_nobody(callers: Callers):
    for name in ("ONCRMLEADADD", "Ж" * 40, "onlivefeedpostupdate2"):
        answer = await callers.post("/events", event_body(event=name, auth={}, **callers.genuine))
        assert answer.status == 200, answer.body
    await still_tells(callers.town)


async def test_an_event_about_a_post_nobody_knows_delays_nobody(callers: Callers):
    for post in (999_999, 10**17):
        assert (await callers.post("/events", event_body(post=post, **callers.genuine))).status == 200
    for post in ("0", "-1", "x", "9" * 30, {"a": "1"}):
        answer = await callers.post("/events", event_body(post=post, **callers.genuine))
        assert error_in(answer) == (400, "not_an_event")
    await still_tells(callers.town)


async def test_chunked_endless_and_broken_requests_end_with_one_answer(callers: Callers):
    head = b"POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    chunked = head + b"transfer-encoding: chunked\r\n\r\n"
    body = event_body(**callers.genuine)
    parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:99], body[99:])]

    assert (await callers.raw(chunked, *parts, b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert (await callers.raw(chunked, *[b"8000\r\n" + b"a" * 0x8000 + b"\r\n"] * 4)).startswith(
        b"HTTP/1.1 413"
    )
    assert (await callers.raw(chunked, b"zz\r\nhello\r\n")).startswith(b"HTTP/1.1 400")
    assert (await callers.raw(head + b"content-length: " + b"9" * 40 + b"\r\n\r\n")).startswith(b"HTTP/1.1 4")
    assert (await callers.raw(b"\x16\x03\x01 no http\r\n\r\n")).startswith(b"HTTP/1.1 400")
    await still_tells(callers.town)

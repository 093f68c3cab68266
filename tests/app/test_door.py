import asyncio
import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from tests.client.serving import serving
from tests.engines import of_a_file
from tests.metrics import Grown

from livefeed.app import App
from livefeed.app.contexts.context import Context
from livefeed.app.inbox import open_entry
from livefeed.app.ingest import Door
from livefeed.errors import StoreBusy, StoreUnavailable
from livefeed.secrets import Secret
from livefeed.wire.events import PostUpdated
from livefeed.wire.ids import MemberId

from .bodies import APPLICATION_TOKEN, AUTH, MEMBER, event_body, form
from .conftest import House, Opening

OK = {"status": "ok", "message": "event accepted"}
FORBIDDEN = {"status": "error", "error": "invalid_application_token"}


async def entries(house: House) -> list[dict]:
    return await house.rows("SELECT * FROM entry WHERE source = 'door' ORDER BY seq")


async def test_a_genuine_event_is_committed_and_answered_as_documented(house: House):
    answer = await house.event()

    assert (answer.status, json.loads(answer.body)) == (200, OK)
    (entry,) = await entries(house)
    assert (entry["portal"], entry["key"], entry["kind"]) == (MEMBER, "post:205", "ONLIVEFEEDPOSTUPDATE")


async def test_what_is_stored_holds_no_secret_in_clear_and_loses_nothing(house: House):
    await house.event(auth={**AUTH, "user_id": "7", "surprise": "kept"})

    (entry,) = await entries(house)
    for secret in ("access_token", "refresh_token", "application_token"):
        assert AUTH[secret].encode() not in entry["body"]
    envelope = open_entry(house.running.runtime.portal_keys, MemberId(MEMBER), entry["body"])
    assert envelope.auth.access_token == AUTH["access_token"]
    assert envelope.auth.extra == {"surprise": "kept"}


@of_a_file
async def test_no_secret_lies_in_the_database_file(house: House, tmp_path):
    await house.event()
    await house.running.runtime.store.close()

    written = b"".join(
        path.read_bytes() for path in tmp_path.glob("app.db*") if not path.name.endswith(".key")
    )
    for secret in (AUTH["access_token"], AUTH["refresh_token"], APPLICATION_TOKEN, *house.portal.live):
        assert secret.encode() not in written


async def test_an_event_as_json_is_accepted_too(house: House):
    document = {
        "event": "ONLIVEFEEDPOSTADD",
        "data": {"FIELDS": {"POST_ID": 205}},
        "ts": 1_743_000_379,
        "auth": {"member_id": MEMBER, "application_token": APPLICATION_TOKEN},
    }

    answer = await house.post("/events", json.dumps(document).encode(), content_type="application/json")

    assert answer.status == 200
    assert (await entries(house))[0]["kind"] == "ONLIVEFEEDPOSTADD"


async def test_raw_brackets_and_any_order_of_keys_are_accepted(house: House):
    body = (
        f"auth[application_token]={APPLICATION_TOKEN}&data[FIELDS][POST_ID]=205"
        f"&auth[member_id]={MEMBER}&event=onlivefeedpostupdate"
    )

    assert (await house.post("/events", body.encode())).status == 200


async def test_an_unknown_event_is_accepted_and_kept(house: House):
    assert (await house.event(event="ONCRMLEADADD")).status == 200
    assert [entry["kind"] for entry in await entries(house)] == ["ONCRMLEADADD"]


@pytest.mark.parametrize(
    "keys",
    [
        {"application_token": "x" * 32},
        {"application_token": None},
        {"application_token": ""},
        {"member_id": "f" * 32},
        {"member_id": None},
        {"member_id": "f" * 32, "application_token": "x" * 32},
        {"member_id": None, "application_token": None},
        {"application_token": APPLICATION_TOKEN.upper()},
        {"application_token": APPLICATION_TOKEN + "é"},
    ],
)
async def test_what_is_not_proved_gets_one_and_the_same_refusal(house: House, keys):
    grown = Grown()
    answer = await house.event(**keys)

    assert (answer.status, json.loads(answer.body)) == (403, FORBIDDEN)
    assert await entries(house) == []
    assert (0, 1) == (
        grown("entries_appended_total"),
        grown("events_refused_total", reason=FORBIDDEN["error"]),
    )


async def test_the_token_of_another_portal_opens_no_door(serve: Opening):
    house, other = await serve(many_portals=True), "b" * 32
    assert (await house.install()).status == 200
    house.portal.member_id = other
    assert (await house.install(member_id=other, application_token="o" * 32)).status == 200

    assert (await house.event(member_id=other, application_token="o" * 32)).status == 200
    assert (await house.event(application_token="o" * 32)).status == 403
    assert (await house.event(member_id=other)).status == 403
    assert [entry["portal"] for entry in await entries(house)] == [other]


@pytest.mark.parametrize("user", [1, 7])
async def test_the_tokens_of_an_event_never_replace_the_pair_of_the_installer(serve: Opening, user: int):
    app, callers = App.from_settings({}), []

    @app.on(PostUpdated)
    async def ask(ctx: Context) -> None:
        callers.append((await ctx.call("user.current"))["ID"])

    house = await serve(app)
    assert (await house.install()).status == 200
    await house.work()
    before, refreshes = await house.rows("SELECT * FROM token"), house.portal.refreshes
    access, refresh = house.portal.issue(user)

    assert (await house.event(access_token=access, refresh_token=refresh, user_id=user)).status == 200
    await house.work()

    assert callers == ["1"]
    assert await house.rows("SELECT * FROM token") == before
    assert house.portal.refreshes == refreshes


@pytest.mark.parametrize("ts", [b"0", b"-1", b"abc", b"9" * 30, b"1743000379.5", b"", None])
async def test_the_time_that_an_event_names_is_no_gate(house: House, ts: bytes | None):
    named = b"&ts=1743000379"
    body = event_body()
    assert named in body

    answer = await house.post("/events", body.replace(named, b"" if ts is None else b"&ts=" + ts))

    assert answer.status == 200
    assert len(await entries(house)) == 1


async def test_a_token_that_was_right_is_not_right_for_longer_than_the_portal_says(house: House):
    portals, keys = house.running.runtime.portals, house.running.runtime.keys
    assert (await house.event()).status == 200
    known = portals.get(MEMBER)
    assert portals.judge(MEMBER, APPLICATION_TOKEN) is known

    changed = dataclasses.replace(known, token=keys.hash("n" * 32), configured_token=keys.hash("c" * 32))
    portals.put(changed)

    assert portals.judge(MEMBER, APPLICATION_TOKEN) is None
    assert portals.judge(MEMBER, "n" * 32) is changed
    assert portals.judge(MEMBER, APPLICATION_TOKEN) is None
    portals.drop(MEMBER)
    assert portals.judge(MEMBER, "n" * 32) is None


async def test_a_token_in_its_overlap_is_right_until_that_ends(house: House):
    portals, keys = house.running.runtime.portals, house.running.runtime.keys
    known = portals.get(MEMBER)
    until = house.clock.now_ms() + 3_600_000
    portals.put(dataclasses.replace(known, previous_token=keys.hash("p" * 32), previous_until=until))
    assert portals.judge(MEMBER, "p" * 32) is not None
    assert portals.judge(MEMBER, "p" * 32) is not None

    house.clock.advance(3_601)

    assert portals.judge(MEMBER, "p" * 32) is None


def median_ns(judge: Callable[[], object]) -> float:
    taken: list[int] = []
    for _ in range(2_000):
        began = time.perf_counter_ns()
        judge()
        taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken)


async def test_both_refusals_take_the_same_time(house: House):
    portals = house.running.runtime.portals

    unknown = median_ns(lambda: portals.judge("f" * 32, "wrong"))
    wrong = median_ns(lambda: portals.judge(MEMBER, "wrong"))

    assert 0.5 < unknown / wrong < 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"event=",
        b"event=ONLIVEFEEDPOSTUPDATE&x=%zz",
        b"event=ONLIVEFEEDPOSTUPDATE&x=%",
        b"event=ONLIVEFEEDPOSTUPDATE&event=ONLIVEFEEDPOSTADD",
        b"event=ONLIVEFEEDPOSTUPDATE&x=%FF%FE",
        b"event=ONLIVEFEEDPOSTUPDATE&x=\xff\xfe",
        b"event=ONLIVEFEEDPOSTUPDATE&a=1&a[x]=2",
        b"event=ONLIVEFEEDPOSTUPDATE&x=a\x00b",
        b"event=ONLIVEFEEDPOSTUPDATE&x=a%00b",
        b"{",
        b"{}",
        b"[1]",
        b'{"event": "X", "a": "\\u0000"}',
    ],
)
async def test_what_is_no_event_is_refused_with_400(house: House, body: bytes):
    answer = await house.post("/events", body)

    document = json.loads(answer.body)
    assert (answer.status, document["status"], document["error"]) == (400, "error", "not_an_event")
    assert await entries(house) == []


@pytest.mark.parametrize("post", [None, "", "0", "abc", "-5", "9" * 30, {"x": "1"}])
async def test_a_post_event_without_a_usable_post_is_no_event(house: House, post):
    assert (await house.event(post=post)).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"&".join(b"k%d=1" % n for n in range(10_000)),
        b"event=X&a" + b"[x]" * 1_000 + b"=1",
        b"event=X&x=" + b"a" * 65_536,
        b"x" * (10 * 1024 * 1024),
    ],
    ids=["10,000 keys", "depth 1,000", "over 64 KB", "10 MB"],
)
async def test_what_is_too_large_is_refused_with_413(house: House, body: bytes):
    answer = await house.post("/events", body)

    assert (answer.status, json.loads(answer.body)["error"]) == (413, "too_large")


async def test_a_body_of_exactly_64_kb_is_read(house: House):
    body = event_body(event="ONCRMLEADADD", post=None)
    body += b"&x=" + b"a" * (65_536 - len(body) - 3)

    assert len(body) == 65_536
    assert (await house.post("/events", body)).status == 200


async def raw(address: str, *parts: bytes) -> bytes:
    """Send ``parts`` one after the other and read until the connection ends."""
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


HEAD = b"POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"


async def test_a_chunked_body_is_accepted(house: House):
    body = event_body()
    half = len(body) // 2
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:])]

    answer = await raw(house.url, HEAD + b"transfer-encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")


async def test_a_chunked_body_without_end_is_cut_at_64_kb(house: House):
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"

    answer = await raw(house.url, HEAD + b"transfer-encoding: chunked\r\n\r\n", chunk, chunk, chunk)

    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_length_beyond_64_kb_is_refused_before_the_body_is_sent(house: House):
    answer = await raw(house.url, HEAD + b"content-length: 70000\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_body_that_does_not_come_is_waited_for_a_limited_time(house: House):
    hasty = Door(house.running.runtime, house.running.leaving, body_timeout_s=0.05)
    async with serving(hasty) as url:
        answer = await raw(url, HEAD + b"content-length: 600\r\n\r\nevent=ONLIVE")

    assert answer.startswith(b"HTTP/1.1 408")
    assert await entries(house) == []


async def test_a_sender_that_leaves_in_the_middle_stores_nothing(house: House):
    url = urlsplit(house.url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(HEAD + b"content-length: 600\r\n\r\nevent=ONLIVE")
    await writer.drain()
    writer.transport.abort()

    assert (await house.event()).status == 200
    assert len(await entries(house)) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_refused(house: House, method: str):
    answer = await house.http.send(method, f"{house.url}/events")

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


class Failing:
    """A store that cannot commit."""

    def __init__(self, store, error: Exception) -> None:
        self.store, self.error = store, error

    def write_row(self, bulk, row):
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"), [(StoreBusy("full"), "busy"), (StoreUnavailable("disk full"), "unavailable")]
)
async def test_what_cannot_be_committed_is_answered_503_with_retry_after(house: House, error, code):
    runtime = dataclasses.replace(house.running.runtime, store=Failing(house.running.runtime.store, error))
    sent: list[dict] = []

    async def receive():
        return {"type": "http.request", "body": event_body(), "more_body": False}

    async def send(message):
        sent.append(message)

    await Door(runtime, house.running.leaving)({"method": "POST", "headers": []}, receive, send)

    assert sent[0]["status"] == 503
    assert int(dict(sent[0]["headers"])[b"retry-after"]) > 0
    assert json.loads(sent[1]["body"])["error"] == code


async def test_a_closed_database_is_answered_503(house: House):
    await house.running.runtime.store.close()

    assert (await house.event()).status == 503


async def test_a_portal_named_by_the_settings_needs_no_installation(serve: Opening):
    house = await serve(member_id=MEMBER, application_token=Secret(APPLICATION_TOKEN))

    assert (await house.event()).status == 200
    assert (await house.event(application_token="x" * 32)).status == 403
    assert await house.rows("SELECT * FROM token") == []


@of_a_file
async def test_an_event_of_nobody_needs_no_read_of_the_database(house: House):
    await house.running.runtime.store.close()

    assert (await house.event(member_id="f" * 32)).status == 403


async def test_a_flood_of_events_is_stored_event_by_event(house: House):
    answers = await asyncio.gather(*(house.event(post=1 + n % 20, ts=n) for n in range(200)))

    assert {answer.status for answer in answers} == {200}
    assert len(await entries(house)) == 200


async def test_two_equal_bodies_are_two_events(house: House):
    await house.event()
    await house.event()

    assert len(await entries(house)) == 2


def test_the_form_of_the_fixtures_is_the_documented_one():
    assert form({"a": {"b": "c d"}}) == b"a%5Bb%5D=c+d"

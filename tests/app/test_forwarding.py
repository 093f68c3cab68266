"""Forwarding: what another application is given, and what becomes of what it answers."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from tests.client.serving import serving
from tests.metrics import Grown

from livefeed.app.forwarding import Target, build
from livefeed.app.forwarding.targets import checked_url, signing_key
from livefeed.app.forwarding.verdicts import Reply, Try, judge, retry_after_of
from livefeed.durable import dead
from livefeed.durable.outcomes import Dead, Down
from livefeed.durable.schedule import Schedule
from livefeed.errors import SettingsError
from livefeed.secrets import Secret
from livefeed.settings import AppSettings
from livefeed.wire.ids import MemberId

from .bodies import AUTH, MEMBER, event_body
from .conftest import House, Opening

KEY = b"0123456789abcdef0123456789abcdef"


class Theirs:
    """An application that answers what a test says, 200 by default."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.refused_posts: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = (await receive())["body"]
        self.seen.append((headers, body))
        post = parse_qs(body.decode()).get("data[FIELDS][POST_ID]", [""])[0]
        status, more = (500, {}) if post in self.refused_posts else (200, {})
        if self.answers:
            status, more = self.answers.pop(0)
        given = [(name.encode(), value.encode()) for name, value in more.items()]
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": b"answered"})

    def posts(self) -> list[str]:
        return [parse_qs(body.decode())["data[FIELDS][POST_ID]"][0] for _, body in self.seen]


@pytest.fixture
async def theirs() -> AsyncIterator[Theirs]:
    made = Theirs()
    async with serving(made) as made.url:
        yield made


@pytest.fixture
async def door(serve: Opening, settings: AppSettings, theirs: Theirs) -> House:
    """It forwards to them, and is installed on the portal."""
    house = await serve(build(settings, Target(url=f"{theirs.url}/handler", key=KEY)))
    assert (await house.install()).status == 200
    await house.work()
    return house


async def test_the_installation_is_kept_here_and_the_event_goes_on_as_it_came(
    door: House, theirs: Theirs
) -> None:
    assert theirs.seen == []
    form = event_body() + b"&odd=%2f+%2F&last"
    json = b'{ "event": "ONCRMDEALADD", "data": {"FIELDS": {"ID": 7}}, "auth": %s }' % msgspec.json.encode(
        AUTH
    )

    assert (await door.post("/events", form)).status == 200
    assert (await door.post("/events", json, content_type="application/json; charset=utf-8")).status == 200
    await door.work()

    kinds = {body: headers["content-type"] for headers, body in theirs.seen}
    assert kinds == {form: "application/x-www-form-urlencoded", json: "application/json"}
    first = (await door.inbox())[0]
    assert [step.step for step in first.steps] == ["received", "verified", "installed", "finished"]


async def test_a_signature_that_any_library_of_standard_webhooks_verifies(
    door: House, theirs: Theirs
) -> None:
    await door.event()
    await door.work()

    headers, body = theirs.seen[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert int(headers["webhook-timestamp"]) == door.clock.now_ms() // 1000


async def test_a_fault_in_one_post_holds_up_this_post_alone(door: House, theirs: Theirs) -> None:
    theirs.refused_posts = {"205"}
    for post in (205, 205, 206, 207):
        await door.event(post=post)
    grown = Grown()
    await door.work()

    assert (2, 1) == (grown("forwards_total", result="taken"), grown("forwards_total", result="500"))
    assert sorted(theirs.posts()) == ["205", "206", "207"], "the second event of the post waits for the first"
    theirs.refused_posts = set()
    door.clock.advance(2)
    await door.work()
    assert theirs.posts().count("205") == 3
    ids = [headers["webhook-id"] for headers, body in theirs.seen if b"%5BPOST_ID%5D=205" in body]
    assert ids[0] == ids[1] != ids[2], "a repeated event has the id it had"


async def test_an_application_that_is_away_is_probed_with_one_event_at_the_time_it_asked_for(
    door: House, theirs: Theirs
) -> None:
    theirs.answers = [(503, {"retry-after": "120"})]
    await door.event(post=205)
    await door.work()
    for post in (206, 207, 208):
        await door.event(post=post)
    door.clock.advance(100)
    await door.work()
    assert len(theirs.seen) == 1

    theirs.answers = [(503, {})]
    door.clock.advance(60)
    await door.work()
    assert len(theirs.seen) == 2, "one probe"
    door.clock.advance(60)
    await door.work()
    assert sorted(set(theirs.posts())) == ["205", "206", "207", "208"]
    assert {row.state for row in await door.inbox()} == {"done"}


@pytest.mark.parametrize(
    "text", ["soon", "Wed, 21 Oct 2015 07:28:10 +99999999999", "Wed, 21 Oct 2015 99999999999:28:10 GMT"]
)
def test_a_retry_after_that_is_no_time_asks_for_nothing(text: str):
    assert retry_after_of(text, 0) is None


@pytest.mark.parametrize(("asked_s", "wait_s"), [(None, 60), (600.0, 600), (100_000.0, 3 * 3600)])
def test_an_application_that_was_away_for_hours_is_found_within_a_minute_of_its_return(
    asked_s: float | None, wait_s: int
) -> None:
    tried = Try(attempt=1, fails=40, first_at_ms=0, now_ms=0, draw=0.0)
    reply = Reply(status=None if asked_s is None else 503, detail="away", retry_after_s=asked_s)
    assert judge(Schedule(), tried, reply) == Down(probe_at_ms=wait_s * 1000, reason="away")


@pytest.mark.parametrize(("status", "probe_in_ms"), [(None, 60_000), (500, None)])
def test_who_is_still_away_when_an_event_is_given_up_is_probed_with_the_next(
    status: int | None, probe_in_ms: int | None
) -> None:
    now_ms = round(Schedule().give_up_s * 1000)
    tried = Try(attempt=40, fails=40, first_at_ms=0, now_ms=now_ms, draw=0.0)
    outcome = judge(Schedule(), tried, Reply(status=status, detail="no"))

    probe_at_ms = None if probe_in_ms is None else now_ms + probe_in_ms
    assert outcome == Dead(reason="given up after 40 attempts: no", probe_at_ms=probe_at_ms)


async def test_what_is_refused_for_three_days_becomes_a_dead_letter_that_keeps_its_id(
    door: House, theirs: Theirs
) -> None:
    theirs.refused_posts = {"205"}
    await door.event()
    for _ in range(60):
        await door.work()
        door.clock.advance(3 * 3600)
    store = door.running.runtime.store
    letters = await store.read(lambda tx: dead.list_dead(tx))
    assert [letter.reason.startswith("given up after") for letter in letters] == [True]

    theirs.refused_posts = set()
    await store.write(lambda tx: dead.replay(tx, letters[0].id))
    await door.work()
    assert len({headers["webhook-id"] for headers, _ in theirs.seen}) == 1
    assert (await door.inbox())[-1].state == "done"


async def test_an_event_that_another_process_has_sealed_is_read(door: House, theirs: Theirs) -> None:
    await door.event(post=205)
    door.running.runtime.portal_keys.forget(MemberId(MEMBER))
    await door.work()

    assert theirs.posts() == ["205"]


async def test_a_proved_installation_is_handed_on_without_tokens_where_that_is_wanted(
    serve: Opening, settings: AppSettings, theirs: Theirs
) -> None:
    house = await serve(build(settings, Target(url=theirs.url, takes_installs=True)))
    await house.install()
    await house.work()

    told = parse_qs(theirs.seen[0][1].decode())
    assert told["event"] == ["ONAPPINSTALL"]
    assert told["auth[member_id]"] == [MEMBER]
    assert not {"auth[access_token]", "auth[refresh_token]"} & told.keys()


def test_what_cannot_be_a_target_or_a_secret_is_refused_in_words() -> None:
    with pytest.raises(SettingsError, match="no http or https URL"):
        checked_url("localhost:3000")
    with pytest.raises(SettingsError, match="openssl rand"):
        signing_key(Secret("secret"))
    assert signing_key(Secret("whsec_" + base64.b64encode(KEY).decode())) == KEY

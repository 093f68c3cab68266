"""Deliveries in the developer area: filtered and paged, each with requests, answers and what comes next."""

import html
import re
import shlex
from typing import Any

import pytest

from livefeed.durable.store import Tx
from livefeed.portal import portals
from livefeed.portal.events import handlers
from livefeed.portal.events.log.resending import NO_POST
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import HandlerId

from ...browser import Browser, signed_in
from ...conftest import House
from ...site import App, Received, Site, standing

pytestmark = pytest.mark.anyio

LIST = "/developer/deliveries/"


async def consumer_of(site: Site, handler: int) -> int:
    def query(tx: Tx) -> int:
        found = handlers.find(tx, site.house.portal.member_id, HandlerId(handler))
        assert found is not None
        return found.consumer

    return await site.house.store.read(query)


async def page_of(site: Site, handler: int, seq: int | None = None) -> str:
    """The address of the newest delivery to a handler."""
    newest = max(row.seq for row in await site.rows(handler=handler))
    return f"{LIST}{seq or newest}/{await consumer_of(site, handler)}"


def shown(text: str, label: str) -> str:
    """What stands in a block of bytes."""
    found = re.findall(rf'<pre[^>]*aria-label="{label}"[^>]*>(.*?)</pre>', text, re.DOTALL)
    return html.unescape(found[-1])


def secrets_of(app: App, *received: Received) -> list[str]:
    tokens = [
        one.auth[name] for one in received for name in ("access_token", "refresh_token") if name in one.auth
    ]
    return [app.client_secret, app.application_token, app.signing_secret, *tokens]


def said(body: bytes, status: int = 500) -> list[bytes]:
    return [f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body]


@pytest.mark.parametrize("auth_keys", ["documented", "extended", "minimal"])
async def test_the_request_is_what_was_sent_with_dots_for_secrets(
    site: Site, admin: Browser, auth_keys: str
) -> None:
    app = await site.add_app(auth_keys=auth_keys)
    handler = await site.bind(app, "/events")
    await site.edit(1)
    (one,) = await site.send_due()
    site.house.clock.advance(86_400)
    text = (await admin.get(await page_of(site, handler))).text
    request = shown(text, "Request 1")
    head, _, body = request.partition("\n\n")
    expected = one.body.decode()
    for secret in secrets_of(app, one):
        expected = expected.replace(secret, "•" * len(secret))
    assert body == expected
    assert head.startswith("POST /events HTTP/1.1\n")
    named = dict(line.split(": ", 1) for line in head.split("\n")[1:])
    for name, value in named.items():
        assert name == "webhook-signature" or one.headers[name] == value
    assert named["webhook-signature"] == "v1," + "•" * 44
    assert list(one.headers) == list(named)
    assert len(named["webhook-signature"]) == len(one.headers["webhook-signature"])
    for secret in [*secrets_of(app, one), one.headers["webhook-signature"][3:]]:
        assert secret not in text
    assert "was changed since" not in text


async def test_a_request_without_tokens_is_shown_without_tokens(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1, actor=None)
    (one,) = await site.send_due()
    request = shown((await admin.get(await page_of(site, handler))).text, "Request 1")
    assert "access_token" not in request
    assert len(request.partition("\n\n")[2]) == len(one.body)


async def test_a_request_whose_application_has_changed_says_so(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1)
    await site.send_due()
    await site.run(lambda tx: tx.execute("UPDATE app SET auth_keys = 'minimal'"))
    assert "was changed since" in (await admin.get(await page_of(site, handler))).text


async def test_requests_to_a_webhook_and_to_an_install_url_are_shown_too(site: Site, admin: Browser) -> None:
    made = await site.do(
        "outgoing_add", user=1, url=site.receiver.url + "/hook", events=["ONLIVEFEEDPOSTUPDATE"]
    )
    app = await site.add_app(install_url=site.receiver.url + "/install")
    await site.edit(1)
    received = await site.send_due()
    assert {one.path for one in received} == {"/hook", "/install"}
    listed = (await admin.get(LIST)).text
    for page in re.findall(r'href="(/developer/deliveries/\d+/\d+)"', listed):
        text = (await admin.get(page)).text
        assert "•" * 32 in shown(text, "Request 1")
        for secret in [made["application_token"], made["signing_secret"], *secrets_of(app, *received)]:
            if secret:
                assert secret not in text


async def test_an_address_that_may_be_a_password_is_not_told(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app(), "/events/s3cret-path?key=s3cret")
    await site.edit(1)
    await site.send_due()
    page = await page_of(site, handler)
    for url in ("/developer/handlers/", f"/developer/handlers/{handler}", LIST, page, "/developer/apps/1"):
        assert "s3cret" not in (await admin.get(url)).text
    text = html.unescape((await admin.get(page)).text)
    assert f"POST /events/{'•' * 11}?{'•' * 10} HTTP/1.1" in text
    assert 'curl -X POST "$HANDLER_URL"' in text


async def test_the_answer_of_a_handler_stays_text_and_short(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    evil = b"<script>alert(1)</script></pre>\x00\x1b[31m\xff" + b"x" * 600
    site.receiver.answers["/h"] = said(evil)
    await site.edit(1)
    await site.send_due()
    text = (await admin.get(await page_of(site, handler))).text
    assert "<script>alert" not in text
    answer = shown(text, "Answer 1")
    assert answer.startswith("<script>alert(1)</script></pre>\ufffd\ufffd[31m\ufffd")
    assert "x" * 600 not in answer


async def test_an_answer_that_repeats_the_tokens_does_not_tell_them(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    await site.edit(1)
    site.receiver.will("/h", 500)
    (one,) = await site.send_due()
    site.receiver.answers["/h"] = said(
        f"token {one.auth['access_token']} and {app.application_token}".encode(), 200
    )
    site.house.clock.advance(5)
    (again,) = await site.send_due()
    assert again.auth["access_token"] == one.auth["access_token"]
    text = (await admin.get(await page_of(site, handler))).text
    assert shown(text, "Answer 2") == f"token {'*' * 56} and {'*' * 32}"
    stored = await site.run(lambda tx: [row[0] for row in tx.execute("SELECT answer FROM attempt")])
    assert all(secret.encode() not in (answer or b"") for secret in secrets_of(app, one) for answer in stored)


async def test_a_timeline_tells_each_attempt_and_the_next_try(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 500, 404, 404)
    await site.edit(1)
    await site.send_due()
    site.house.clock.advance(5)
    await site.send_due()
    text = (await admin.get(await page_of(site, handler))).text
    assert re.findall(r"<strong>(HTTP \d+)</strong>", text) == ["HTTP 500", "HTTP 404"]
    assert "answered with an error" in text
    assert "<strong>Next try</strong>" in text
    assert "failed, will be tried again" in text
    assert ">Send again<" not in text


async def test_a_failure_without_an_answer_is_told_in_words(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    await site.run(lambda tx: tx.execute("UPDATE handler SET url = 'http://127.0.0.1:1/x'"))
    await site.run(lambda tx: tx.wake(handlers.TOPIC))
    await site.edit(1)
    await site.send_due()
    text = (await admin.get(await page_of(site, handler))).text
    assert "<strong>no connection</strong>" in text
    assert "There was none." in text


async def test_a_delivery_sent_again_has_the_same_webhook_id_and_comes_after_what_waits(
    site: Site, admin: Browser
) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1, "first")
    (first,) = await site.send_due()
    page = await page_of(site, handler)
    await site.do("handler_state", handler=handler, state="paused")
    await site.edit(1, "second")
    done = await admin.submit(page + "/resend", seen_at=page)
    assert (done.status, done.headers["location"].startswith(LIST)) == (303, True)
    repeated = (await admin.get(done.headers["location"])).text
    assert "Waits behind an earlier event" in repeated or "The handler is paused" in repeated
    assert f'href="{page}"' in repeated
    await site.do("handler_state", handler=handler, state="active")
    got = [*await site.send_due(), *await site.send_due()]
    ids = [one.headers["webhook-id"] for one in got]
    assert ids[1] == first.headers["webhook-id"]
    assert ids[0] != ids[1]
    text = (await admin.get(done.headers["location"])).text
    assert f"<code>{ids[1]}</code>" in text


async def test_what_was_given_up_is_sent_again_once(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 404)
    await site.edit(1)
    (first,) = await site.send_due()
    site.house.clock.advance(4 * 86_400)
    await site.send_due()
    assert "given up" in (await admin.get(f"{LIST}?state=dead")).text
    site.receiver.will("/h", 200)
    page = await page_of(site, handler)
    await admin.submit(page + "/resend", seen_at=page)
    assert (await site.do("dead_replay", handler=handler))["replayed"] == 0
    assert [one.headers["webhook-id"] for one in await site.send_due()] == [first.headers["webhook-id"]]


async def test_what_waits_for_its_next_try_is_tried_at_once(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 404, 200)
    await site.edit(1)
    (first,) = await site.send_due()
    page = await page_of(site, handler)
    assert "Try now" in (await admin.get(page)).text
    assert [] == await site.send_due()
    done = await admin.submit(page + "/hurry", seen_at=page)
    assert (done.status, done.headers["location"]) == (303, page)
    assert [one.headers["webhook-id"] for one in await site.send_due()] == [first.headers["webhook-id"]]
    assert "Try now" not in (await admin.get(page)).text


async def test_events_since_a_time_are_sent_again_in_order(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1, "too early")
    await site.send_due()
    site.house.clock.advance(3_600)
    site.receiver.will("/h", 200, 404, 404)
    for text in ("one", "two"):
        await site.edit(1, text)
        await site.send_due()
    site.house.clock.advance(4 * 86_400)
    await site.send_due()
    site.receiver.will("/h", 200)
    page = f"/developer/handlers/{handler}"
    since = "2026-03-17T13:29"  # the portal's clock began at 12:29 UTC
    ids = list(dict.fromkeys(row.webhook_id for row in await site.rows(handler=handler)))
    missing = await admin.submit(page + "/resend", seen_at=page, since=since, only_missing="Y")
    assert missing.headers["location"] == f"{page}?count=1"
    assert [one.headers["webhook-id"] for one in await site.send_due()] == ids[2:]
    every = await admin.submit(page + "/resend", seen_at=page, since=since)
    assert every.headers["location"] == f"{page}?count=2"
    got = [*await site.send_due(), *await site.send_due()]
    assert [one.headers["webhook-id"] for one in got] == ids[1:]


@pytest.mark.parametrize(
    "since", ["", "yesterday", "9" * 40, "0000-00-00T00:00", "2026-13-01", "10000-01-01"]
)
async def test_a_time_that_is_none_sends_nothing(site: Site, admin: Browser, since: str) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1)
    await site.send_due()
    page = f"/developer/handlers/{handler}"
    answer = await admin.submit(page + "/resend", seen_at=page, since=since)
    assert answer.headers["location"] == f"{page}?said=unreadable"
    assert await site.send_due() == []


async def test_a_test_event_goes_to_one_handler_over_the_queue(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    one, two = await site.bind(app, "/one"), await site.bind(app, "/two", event="OnAppTest")
    await site.bind(app, "/other", event="OnAppTest")
    for handler, post in ((one, "0"), (one, "3"), (two, "")):
        page = f"/developer/handlers/{handler}"
        sent = await admin.submit(page + "/test", seen_at=page, post=post)
        assert "waiting" in (await admin.get(sent.headers["location"])).text
    got = await site.send_due()
    assert sorted((one.path, one.event) for one in got) == [
        ("/one", "ONLIVEFEEDPOSTUPDATE"),
        ("/one", "ONLIVEFEEDPOSTUPDATE"),
        ("/two", "ONAPPTEST"),
    ]
    assert sorted(one.post for one in got if one.path == "/one") == [3, NO_POST]


async def test_an_uninstallation_cannot_be_tried(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app(), event="OnAppUninstall")
    page = f"/developer/handlers/{handler}"
    answer = await admin.submit(page + "/test", seen_at=page)
    assert (answer.status, "would believe it" in answer.text) == (409, True)
    assert await site.send_due() == []


async def test_a_handler_is_paused_and_resumed(site: Site, admin: Browser) -> None:
    handler = await site.bind(await site.add_app())
    page = f"/developer/handlers/{handler}"
    await admin.submit(page + "/pause", seen_at=page)
    await site.edit(1)
    assert await site.send_due() == []
    assert "is paused" in (await admin.get(f"{LIST}?post=1&handler={handler}")).text
    await admin.submit(page + "/resume", seen_at=page)
    assert len(await site.send_due()) == 1


async def test_a_handler_that_is_down_shows_failures_and_the_next_probe(site: Site, admin: Browser) -> None:
    await site.bind(await site.add_app())
    site.receiver.will("/h", 200, 503, 503)
    for post in (1, 2):
        await site.edit(post)
        await site.send_due()
    text = (await admin.get("/developer/handlers/")).text
    assert "does not answer (1 in a row)" in text
    assert "asked again" in text
    assert "1 of 2 (50 %)" in text


async def test_deliveries_are_filtered_and_paged(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    one, two = await site.bind(app, "/one"), await site.bind(app, "/two", event="OnLiveFeedPostAdd")
    site.receiver.will("/one", 200, 404, 404)
    for number in range(60):
        await site.edit(1 + number % 2, f"text {number}")
        await site.send_due()
    deliveries = [row.seq for row in await site.rows(handler=one) if row.attempt in (0, 1)]

    async def seqs(query: str) -> list[int]:
        text = (await admin.get(LIST + query)).text
        return [int(seq) for seq in re.findall(r'href="/developer/deliveries/(\d+)/\d+"', text)]

    first = await seqs("")
    (older,) = re.findall(r"before=([\d.]+)", (await admin.get(LIST)).text)
    assert [*first, *await seqs(f"?before={older}")] == sorted(set(deliveries), reverse=True)
    assert len(first) == 50
    assert len(await seqs("?post=1")) == 30
    assert await seqs(f"?handler={two}") == []
    assert await seqs("?event=ONLIVEFEEDPOSTADD") == []
    assert len(await seqs("?state=delivered")) == 1
    assert len(await seqs("?state=backing_off")) == 2
    assert len(await seqs("?state=waiting")) == 50
    assert await seqs("?since=2030-01-01T00:00") == []
    assert len(await seqs("?since=2020-01-01T00:00&post=2")) == 30


@pytest.mark.parametrize(
    "query",
    [
        *("?post=x&handler=-1", "?post=" + "9" * 100, "?handler=%00", "?since=%00", "?since=9999-99-99"),
        *("?state=%3Cscript%3E", "?before=9.9.9", "?before=" + "9" * 50 + ".1", "?before=1." + "9" * 19),
        *("?event=%F0%9F%98%80", "?since=0001-01-01T00:00", "?since=10000-01-01T00:00", "?post=0&handler=0"),
    ],
)
async def test_the_list_takes_any_query(site: Site, admin: Browser, query: str) -> None:
    await site.bind(await site.add_app())
    await site.edit(1)
    answer = await admin.get(LIST + query)
    assert answer.status == 200
    assert "<script>" not in answer.text


async def test_the_command_for_a_shell_sends_the_same_bytes(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    handler = await site.bind(app, "/events")
    await site.edit(1)
    (one,) = await site.send_due()
    text = (await admin.get(await page_of(site, handler))).text
    command = html.unescape(re.findall(r'<pre[^>]*id="curl"[^>]*>(.*?)</pre>', text, re.DOTALL)[0])
    words = shlex.split(command)
    assert words[:4] == ["curl", "-X", "POST", site.receiver.url + "/events"]
    body = words[words.index("--data-raw") + 1]
    for name, secret in (
        ("$ACCESS_TOKEN", one.auth["access_token"]),
        ("$REFRESH_TOKEN", one.auth["refresh_token"]),
        ("$APPLICATION_TOKEN", app.application_token),
    ):
        body = body.replace(name, secret)
    assert body.encode() == one.body
    assert f"webhook-id: {one.headers['webhook-id']}" in words
    assert "webhook-signature: v1,$WEBHOOK_SIGNATURE" in words


async def founded(house: House) -> PortalRow:
    return await house.store.write(
        lambda tx: portals.create(tx, public_url="http://other.example:8024", name="Other")
    )


async def test_nothing_of_another_portal_can_be_reached(house: House) -> None:
    other = await founded(house)
    async with standing(house) as site:
        handler = await site.bind(await site.add_app())
        await site.edit(1)
        await site.send_due()
        page = await page_of(site, handler)

        def move(tx: Tx) -> None:
            for table in ("app", "handler", "consumer", "entry"):
                tx.execute(f"UPDATE {table} SET portal = ?", [other.member_id])

        await site.run(move)
        admin = await signed_in(house, 1, app=site.server.asgi)
        urls: list[str] = [
            page,
            f"/developer/handlers/{handler}",
            "/developer/apps/1",
            "/developer/apps/1/rotate",
        ]
        for url in urls:
            assert (await admin.get(url)).status == 404
        forms: Any = (page + "/resend", f"/developer/handlers/{handler}/pause", "/developer/apps/1/uninstall")
        for url in forms:
            assert (await admin.submit(url)).status == 404
        for url in (f"/developer/handlers/{handler}/test", f"/developer/handlers/{handler}/resend"):
            assert (await admin.submit(url, since="2020-01-01T00:00")).status == 409
        for url in ("/developer/", "/developer/handlers/", LIST):
            assert "Shop" not in (await admin.get(url)).text
        assert await site.send_due() == []

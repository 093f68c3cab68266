"""Outgoing webhooks: chosen events, five auth keys, a token of their own."""

import base64
import hashlib
import hmac
import sqlite3
from contextlib import closing
from importlib import resources

import pytest
from tests.wire.documented import body as documented

from livefeed.errors import LivefeedError
from livefeed.portal.events import handlers
from livefeed.portal.events.bodies import Bodies, Tokens
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import HandlerId, MemberId, PostId, UserId

from ..conftest import House
from ..site import Site, standing

pytestmark = pytest.mark.anyio

UPDATE = "ONLIVEFEEDPOSTUPDATE"
FIVE = ["domain", "client_endpoint", "server_endpoint", "member_id", "application_token"]


async def made(site: Site, *events: str, user: int = 3, **given: object) -> dict[str, object]:
    arguments = {"user": user, "url": site.receiver.url + "/out", "events": list(events or (UPDATE,))}
    return await site.do("outgoing_add", **{**arguments, **given})


async def refused(site: Site, operation: str, **arguments: object) -> str:
    with pytest.raises(LivefeedError) as caught:
        await site.do(operation, **arguments)
    return str(caught.value)


def test_an_event_comes_out_as_documented_byte_for_byte() -> None:
    member_id = MemberId("d897063e1ce7c5eb9f04b9751eef5915")
    url = "https://some-domain.bitrix24.com"
    portal = PortalRow(
        member_id=member_id, host=url[8:], public_url=url, name="x", language="en", is_default=True
    )
    token = "jvh9y1ulvt2m6k5or90v9mg8nn32ozas"
    bodies = Bodies(portal, None, token, UPDATE, HandlerId(975))
    # Source: api-reference/events/index.md; here the portal authorizes by itself.
    expected = documented("post_update_webhook").replace(b"oauth.bitrix.info", b"some-domain.bitrix24.com")
    assert bodies.of_post(PostId(205), 1_766_047_124, None) == expected
    never = Tokens(access=b"a" * 56, refresh=b"r" * 56, user=UserId(1))
    assert bodies.of_post(PostId(205), 1_766_047_124, never) == expected


async def test_an_edit_is_sent_with_the_five_keys_and_no_token_of_anybody(site: Site) -> None:
    webhook = await made(site)
    await site.edit(1, actor=1)
    (one,) = await site.send_due()
    portal = site.house.portal
    assert (one.path, one.event, one.post) == ("/out", UPDATE, 1)
    assert list(one.form) == ["event", "event_handler_id", "data", "ts", "auth"]
    assert one.form["event_handler_id"] == str(webhook["handlers"][UPDATE])
    assert list(one.auth) == FIVE
    assert one.auth["application_token"] == webhook["application_token"]
    assert (one.auth["domain"], one.auth["member_id"]) == (portal.domain, portal.member_id)
    assert one.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_its_token_is_as_documented_and_sealed_in_the_database(site: Site) -> None:
    token = (await made(site))["application_token"]
    assert len(token) == 32
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    rows = await site.run(lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM outgoing_webhook")])
    assert len(rows) == 1
    assert token not in repr(rows)


async def test_only_the_chosen_events_are_sent(site: Site) -> None:
    await made(site, "OnLiveFeedPostDelete", "onlivefeedpostadd")
    post = await site.house.call(1, "log.blogpost.add", POST_MESSAGE="new")
    await site.edit(post)
    await site.house.call(1, "log.blogpost.delete", POST_ID=post)
    events = sorted(one.event for one in await site.send_due())  # two handlers: nothing orders them
    assert events == ["ONLIVEFEEDPOSTADD", "ONLIVEFEEDPOSTDELETE"]


async def test_an_application_and_a_webhook_hear_of_the_same_event_each_in_its_own_form(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app, "/app")
    webhook = await made(site)
    await site.edit(1)
    told = {one.path: one.auth for one in await site.send_due()}
    assert "access_token" in told["/app"]
    assert list(told["/out"]) == FIVE
    assert told["/app"]["application_token"] != webhook["application_token"]


async def test_what_is_sent_is_signed_with_a_key_of_its_own(site: Site) -> None:
    webhook = await made(site)
    await site.edit(1)
    (one,) = await site.send_due()
    key = base64.b64decode(str(webhook["signing_secret"]).removeprefix("whsec_"))
    content = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode() + one.body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert one.headers["webhook-signature"] == f"v1,{expected}"
    again = await site.do("webhook_regenerate", id=webhook["id"], user=3)
    assert again["signing_secret"] != webhook["signing_secret"]


async def test_deliveries_and_why_tell_of_it_like_of_any_handler(site: Site) -> None:
    webhook = await made(site)
    (handler,) = webhook["handlers"].values()
    site.receiver.will("/out", 503, 200)
    await site.edit(1)
    assert await site.states(handler=handler) == ["waiting"]
    await site.send_due()
    assert await site.states(handler=handler) == ["backing_off"]
    assert "the handler answered 503" in await site.why(1, handler)
    site.house.clock.advance(90)
    await site.send_due()
    assert (await site.states(handler=handler))[-1] == "delivered"
    assert "was delivered" in await site.why(1, handler)
    assert "has had no" in await site.why(2, handler) or "Nothing has happened" in await site.why(2, handler)


async def test_an_edit_from_before_the_webhook_was_made_is_explained(site: Site) -> None:
    await site.edit(1)
    site.house.clock.advance(1)
    (handler,) = (await made(site))["handlers"].values()
    assert "was bound at" in await site.why(1, handler)


async def test_an_address_that_is_not_public_is_refused_at_sending(house: House) -> None:
    async with standing(house, allow_private=False) as site:
        await made(site)
        await site.edit(1)
        assert await site.send_due() == []
        assert [row.error for row in await site.rows()] == ["blocked"]


async def test_another_token_is_carried_by_what_is_sent_next(site: Site) -> None:
    webhook = await made(site)
    site.receiver.will("/out", 503, 200)
    await site.edit(1)
    (before,) = await site.send_due()
    again = await site.do("webhook_regenerate", id=webhook["id"], user=3)
    site.house.clock.advance(90)
    (after,) = await site.send_due()
    assert before.auth["application_token"] == webhook["application_token"]
    assert after.auth["application_token"] == again["application_token"] != webhook["application_token"]
    assert again["handlers"] == webhook["handlers"]
    assert again["user"] == 3


async def test_an_administrator_who_changes_a_foreign_webhook_owns_it_with_another_token(site: Site) -> None:
    webhook = await made(site)
    changed = await site.do("outgoing_change", id=webhook["id"], name="Taken over")
    assert changed["user"] == 1
    assert changed["application_token"] != webhook["application_token"]
    assert changed["handlers"] == webhook["handlers"]
    assert "there is no outgoing webhook" in await refused(site, "outgoing_show", id=webhook["id"], user=3)


async def test_its_creator_sees_its_token_again(site: Site) -> None:
    webhook = await made(site)
    assert await site.do("outgoing_show", id=webhook["id"], user=3) == webhook


async def test_what_waits_goes_to_the_new_address(site: Site) -> None:
    webhook = await made(site)
    site.receiver.will("/out", 503)
    await site.edit(1)
    await site.send_due()
    changed = await site.do("outgoing_change", id=webhook["id"], user=3, url=site.receiver.url + "/new")
    assert changed["application_token"] == webhook["application_token"]
    assert changed["handlers"] == webhook["handlers"]
    site.house.clock.advance(90)
    assert [one.path for one in await site.send_due()] == ["/new"]


async def test_events_are_taken_out_and_put_in_and_the_others_keep_their_handlers(site: Site) -> None:
    webhook = await made(site, "OnLiveFeedPostUpdate", "OnLiveFeedPostAdd")
    events = ["OnLiveFeedPostUpdate", "OnLiveFeedPostDelete"]
    changed = await site.do("outgoing_change", id=webhook["id"], user=3, events=events)
    assert sorted(changed["handlers"]) == ["ONLIVEFEEDPOSTDELETE", UPDATE]
    assert changed["handlers"][UPDATE] == webhook["handlers"][UPDATE]
    gone = webhook["handlers"]["ONLIVEFEEDPOSTADD"]
    assert "user 3 took the event out of the webhook" in await site.why(1, gone)


async def test_a_removed_webhook_is_sent_nothing_more_and_why_says_who_removed_it(site: Site) -> None:
    webhook = await made(site)
    (handler,) = webhook["handlers"].values()
    await site.edit(1)
    await site.do("webhook_remove", id=webhook["id"], user=3)
    await site.edit(1, "again")
    assert await site.send_due() == []
    assert "user 3 removed the webhook" in await site.why(1, handler)
    assert "there is no webhook" in await refused(site, "webhook_remove", id=webhook["id"], user=3)
    assert "there is no outgoing webhook" in await refused(site, "outgoing_change", id=webhook["id"])


async def test_an_address_that_answers_410_is_left_until_the_event_is_chosen_again(
    site: Site,
) -> None:
    webhook = await made(site)
    site.receiver.will("/out", 410, 200)
    await site.edit(1)
    await site.send_due()
    await site.edit(1, "again")
    assert await site.send_due() == []
    await site.do("outgoing_change", id=webhook["id"], user=3, events=[UPDATE])
    await site.edit(1, "once more")
    assert len(await site.send_due()) == 1


async def test_an_automations_edit_is_sent_too(site: Site) -> None:
    await made(site)
    await site.edit(1, actor=None)
    (one,) = await site.send_due()
    assert list(one.auth) == FIVE


async def test_applications_see_and_unbind_only_their_own_handlers(site: Site) -> None:
    app = await site.add_app()
    webhook = await made(site)
    token = await site.token(app)
    assert await site.call(token, "event.get") == []
    assert await site.call(token, "event.unbind") == {"count": 0}
    await site.do("app_remove", client_id=app.client_id)
    found = await site.run(lambda tx: handlers.every(tx, site.house.portal.member_id))
    assert [(one.webhook, one.app, one.state) for one in found] == [(webhook["id"], None, "bound")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://a.example/x"}, "is not an absolute http or https URL"),
        ({"url": ""}, "is not an absolute http or https URL"),
        ({"url": "http://a.example/" + "x" * 2_000}, "is not an absolute http or https URL"),
        ({"url": "http://a.example/\nx"}, "is not an absolute http or https URL"),
        ({"events": []}, "choose at least one event: ONLIVEFEEDPOSTADD"),
        ({"events": ["OnAppInstall"]}, "cannot be sent ONAPPINSTALL"),
        ({"events": ["OnLiveFeedPostUpdate", "x" * 3_000]}, "cannot be sent XXXX"),
        ({"user": 99}, "there is no active person 99"),
        ({"name": "a\tb"}, "the name is one line"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_clear_line(site: Site, given: dict[str, object], said: str):
    arguments = {"user": 3, "url": "http://a.example/x", "events": [UPDATE], **given}
    message = await refused(site, "outgoing_add", **arguments)
    assert said in message
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize(
    "operation", ["outgoing_change", "outgoing_show", "webhook_regenerate", "webhook_remove"]
)
async def test_somebody_elses_webhook_is_not_even_told_of(site: Site, operation: str) -> None:
    webhook = await made(site)
    absent = await refused(site, operation, id=10**6, user=4)
    assert await refused(site, operation, id=webhook["id"], user=4) == absent.replace(
        "1000000", str(webhook["id"])
    )


def test_handlers_of_before_keep_their_numbers_and_none_is_used_again() -> None:
    folder = resources.files("livefeed.portal").joinpath("migrations", "sqlite")
    with closing(sqlite3.connect(":memory:")) as conn:
        for name in ("0100.portals", "0150.apps", "0151.handlers"):
            conn.executescript(folder.joinpath(f"{name}.sql").read_text())
        conn.execute(
            "INSERT INTO app VALUES (5, 'p', 'c', 'n', x'', x'', '', '', 'log', 0, 'minimal', 'L', 1,"
            " 'installed', 1, 1, 1, NULL, NULL)"
        )
        insert = (
            "INSERT INTO handler"
            " (portal, app, event, url, auth_type, owner, consumer, state, reason, bound_at)"
            " VALUES ('p', 5, 'E', ?, 0, 1, 9, 'bound', '', 1)"
        )
        conn.executemany(insert, [("http://a",), ("http://b",), ("http://c",)])
        conn.execute("DELETE FROM handler WHERE url = 'http://a'")
        conn.executescript(folder.joinpath("0154.webhooks.sql").read_text())
        conn.executemany(insert, [("http://d",)])
        kept = conn.execute("SELECT id, url, app, webhook, consumer FROM handler ORDER BY id").fetchall()
    assert kept == [
        (2, "http://b", 5, None, 9),
        (3, "http://c", 5, None, 9),
        (4, "http://d", 5, None, 9),
    ]

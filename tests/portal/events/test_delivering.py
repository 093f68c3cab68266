"""From an edit to what a handler receives: bodies, tokens, signatures, order."""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable

import pytest

from livefeed.durable import consumers
from livefeed.durable.store import Tx
from livefeed.errors import WireError
from livefeed.portal.events import handlers
from livefeed.portal.feed import posts, reading
from livefeed.portal.feed.posts import Change
from livefeed.portal.people import people
from livefeed.wire.ids import HandlerId, PostId, UserId

from ..conftest import House
from ..site import App, Received, Site, standing

DOCUMENTED = [
    "access_token", "expires_in", "scope", "domain", "server_endpoint", "status", "client_endpoint",
    "member_id", "refresh_token", "application_token",
]  # what belongs together in a line # fmt: skip
TOKEN_LESS = [key for key in DOCUMENTED if key not in ("access_token", "expires_in", "refresh_token")]


def signature_of(app: App, one: Received) -> str:
    key = base64.b64decode(app.signing_secret.removeprefix("whsec_"))
    content = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode() + one.body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


async def test_an_edit_reaches_the_handler_with_exactly_the_documented_keys(site: Site) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    await site.edit(2)
    (one,) = await site.send_due()
    assert one.headers["content-type"] == "application/x-www-form-urlencoded"
    assert list(one.form) == ["event", "event_handler_id", "data", "ts", "auth"]
    assert (one.event, one.form["event_handler_id"], one.post) == ("ONLIVEFEEDPOSTUPDATE", str(handler), 2)
    assert one.form["ts"] == str(site.house.clock.now_ms() // 1000)
    assert list(one.auth) == DOCUMENTED
    assert one.auth["application_token"] == app.application_token
    assert one.auth["member_id"] == site.house.portal.member_id
    assert (one.auth["scope"], one.auth["status"], one.auth["expires_in"]) == ("log", "L", "3600")
    assert one.auth["client_endpoint"] == "http://127.0.0.1:8024/rest/"


async def test_the_tokens_of_an_event_are_those_of_who_edited(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1, actor=3)
    (one,) = await site.send_due()
    assert (await site.call(one.auth["access_token"], "user.current"))["ID"] == "3"


async def test_a_handler_with_auth_type_gets_that_users_tokens_even_from_an_automation(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app, auth_type=4)
    await site.edit(1, actor=None)
    (one,) = await site.send_due()
    assert (await site.call(one.auth["access_token"], "user.current"))["ID"] == "4"


async def test_an_edit_by_an_automation_carries_no_tokens(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1, actor=None)
    (one,) = await site.send_due()
    assert list(one.auth) == TOKEN_LESS


async def test_a_user_dismissed_since_the_edit_lends_no_tokens(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1, actor=3)
    await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    (one,) = await site.send_due()
    assert list(one.auth) == TOKEN_LESS


async def test_a_handler_gets_no_tokens_that_another_of_the_application_got_before_the_user_was_dismissed(
    site: Site,
) -> None:
    app = await site.add_app()
    first, second = await site.bind(app, "/one"), await site.bind(app, "/two")
    await site.run(lambda tx: set_waiting(tx, site, second))
    await site.edit(1, actor=3)
    (one,) = await site.send_due()
    assert (one.form["event_handler_id"], list(one.auth)) == (str(first), DOCUMENTED)
    await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    await site.run(lambda tx: set_waiting(tx, site, second, is_over=True))
    (two,) = await site.send_due()
    assert (two.form["event_handler_id"], list(two.auth)) == (str(second), TOKEN_LESS)


def set_waiting(tx: Tx, site: Site, handler: int, *, is_over: bool = False) -> None:
    found = handlers.find(tx, site.house.portal.member_id, HandlerId(handler))
    assert found is not None
    consumers.set_state(tx, found.consumer, "active" if is_over else "paused")


async def test_what_many_handlers_need_is_read_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await site.add_app()
    for number in range(12):
        await site.bind(app, f"/{number}")
    await site.edit(1)
    await site.edit(2)
    read, reads = site.house.store.read, list[object]()

    def counted(unit: Callable[[Tx], object]) -> Awaitable[object]:
        reads.append(unit)
        return read(unit)

    monkeypatch.setattr(site.house.store, "read", counted)
    assert len(await site.send_due()) == 24
    assert len(reads) == 2  # the cards; the epoch of who edited


async def test_two_edits_in_one_second_are_two_deliveries_in_order(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1, "first")
    await site.edit(1, "second")
    first, second = await site.send_due()
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    assert await site.states(post=1) == ["delivered", "delivered"]
    assert first.body == second.body


async def test_a_delivery_says_its_own_second_though_its_tokens_are_those_of_the_minute(site: Site) -> None:
    await site.bind(await site.add_app(auth_keys="extended"))
    await site.edit(1)
    (first,) = await site.send_due()
    site.house.clock.advance(2)
    await site.edit(1)
    (second,) = await site.send_due()
    assert first.auth["access_token"] == second.auth["access_token"]
    assert int(str(second.form["ts"])) == int(str(first.form["ts"])) + 2
    assert int(second.auth["expires"]) == int(first.auth["expires"]) + 2


async def test_each_handler_of_each_application_is_told(site: Site) -> None:
    apps = [await site.add_app(), await site.add_app()]
    for app in apps:
        await site.bind(app, "/one")
        await site.bind(app, "/two")
    await site.edit(1)
    got = await site.send_due()
    assert sorted(one.path for one in got) == ["/one", "/one", "/two", "/two"]
    assert {one.auth["application_token"] for one in got} == {app.application_token for app in apps}


async def test_adding_and_deleting_are_told_to_those_who_bound_them(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app, "/add", event="OnLiveFeedPostAdd")
    await site.bind(app, "/del", event="ONLIVEFEEDPOSTDELETE")
    token = await site.token(app)
    post = int(await site.call(token, "log.blogpost.add", POST_MESSAGE="new", DEST=["UA"]))
    await site.call(token, "log.blogpost.update", POST_ID=post, POST_MESSAGE="newer")
    await site.call(token, "log.blogpost.delete", POST_ID=post)
    got = await site.send_due()
    assert sorted((one.path, one.event, one.post) for one in got) == [
        ("/add", "ONLIVEFEEDPOSTADD", post),
        ("/del", "ONLIVEFEEDPOSTDELETE", post),
    ]


async def test_a_users_own_handler_shows_him_nothing_that_he_may_not_see(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app, user=2)
    author = await site.token(app, 3)
    hidden = int(await site.call(author, "log.blogpost.add", POST_MESSAGE="ours", DEST=["U4"]))
    await site.edit(hidden, actor=3)
    (one,) = await site.send_due()
    assert (await site.call(one.auth["access_token"], "user.current"))["ID"] == "2"
    assert await site.call(one.auth["access_token"], "log.blogpost.get", POST_ID=hidden) == []


async def test_a_delivery_is_signed_and_its_body_untouched(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1)
    (one,) = await site.send_due()
    assert one.headers["webhook-signature"] == signature_of(app, one)
    assert one.headers["webhook-timestamp"] == one.form["ts"]


async def test_the_faithful_policy_sends_no_header_of_its_own(house: House) -> None:
    async with standing(house, policy="bitrix24") as site:
        await site.bind(await site.add_app())
        await site.edit(1)
        (one,) = await site.send_due()
        assert not [name for name in one.headers if name.startswith("webhook")]


async def test_a_repetition_has_the_same_id_and_another_time_and_signature(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    site.receiver.will("/h", 404, 200)
    await site.edit(1)
    (first,) = await site.send_due()
    site.house.clock.advance(70)
    (second,) = await site.send_due()
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.form["ts"]) == int(first.form["ts"]) + 70
    assert first.auth["access_token"] != second.auth["access_token"]
    assert (
        second.headers["webhook-signature"] == signature_of(app, second) != first.headers["webhook-signature"]
    )


async def test_auth_keys_extended_appends_user_and_expiry(site: Site) -> None:
    await site.bind(await site.add_app(auth_keys="extended"))
    await site.edit(1, actor=2)
    (one,) = await site.send_due()
    assert list(one.auth) == [*DOCUMENTED, "user_id", "expires"]
    assert one.auth["user_id"] == "2"
    assert int(one.auth["expires"]) == int(str(one.form["ts"])) + 3600


async def test_auth_keys_minimal_drops_the_refresh_token(site: Site) -> None:
    await site.bind(await site.add_app(auth_keys="minimal"))
    await site.edit(1)
    (one,) = await site.send_due()
    assert list(one.auth) == [key for key in DOCUMENTED if key != "refresh_token"]


async def test_a_handler_unbound_after_the_lease_is_not_called(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1)
    lease = await site.lease()
    await site.call(await site.token(app), "event.unbind", event="ONLIVEFEEDPOSTUPDATE")
    await site.server.dispatcher.deliver(lease)
    assert site.receiver.taken() == []


async def test_an_edit_that_is_rolled_back_tells_nobody(site: Site) -> None:
    await site.bind(await site.add_app())
    member_id = site.house.portal.member_id

    def unit(tx: Tx) -> None:
        post = reading.find(tx, member_id, PostId(1))
        assert post is not None
        posts.edit(tx, post, Change(text="never"), actor=UserId(1), source="web")
        raise WireError("the", "rest", "a fault")

    with pytest.raises(WireError):
        await site.run(unit)
    assert await site.send_due() == []
    assert await site.rows(post=1) == []

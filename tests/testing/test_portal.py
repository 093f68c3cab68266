"""A portal in three lines: people, posts, applications, a clock, and what was seen."""

import urllib.request

import pytest

import livefeed.app
from livefeed.app import Context
from livefeed.errors import SettingsError
from livefeed.portal.lifecycle import Refused
from livefeed.testing.portal import LocalPortal
from livefeed.testing.stand import StandOptions
from livefeed.wire.events import PostUpdated

from .shop import Installed, ask, installed, refresh


def test_an_edit_reaches_a_handler_as_documented(edits: Installed):
    post = edits.portal.posts[0]
    post.edit("Now on Friday")

    (made,) = edits.portal.deliver()

    (form,) = edits.shop.got
    assert form["event"] == "ONLIVEFEEDPOSTUPDATE"
    assert form["data"] == {"FIELDS": {"POST_ID": str(post.id)}}
    assert form["auth"]["application_token"] == edits.app.application_token
    assert edits.shop.bodies == [made.body]
    assert post.text == "Now on Friday"
    assert edits.read(form).json["result"][0]["DETAIL_TEXT"] == "Now on Friday"
    edits.portal.assert_delivered("OnLiveFeedPostUpdate", post=post, to=edits.app, times=1)


def test_an_automations_edit_carries_no_tokens(edits: Installed):
    edits.portal.posts[0].edit("Robots were here", by=edits.portal.automation)
    edits.portal.deliver()

    (auth,) = edits.shop.auths
    assert "access_token" not in auth
    assert auth["application_token"] == edits.app.application_token


@pytest.mark.livefeed(seed="empty")
def test_people_and_posts_are_made_by_the_test(portal: LocalPortal):
    app = installed(portal, "OnLiveFeedPostAdd", "OnLiveFeedPostDelete")
    anna = portal.add_person("Anna Petrova")
    post = portal.add_post("Lunch at [B]12[/B]", title="Lunch", by=anna, to=[f"U{anna.id}", "U1"])
    post.comment("Yes", by=1)
    portal.deliver()
    post.delete()
    portal.deliver()

    assert [one.name for one in portal.people] == ["Administrator", "Anna Petrova"]
    assert [form["event"] for form in app.shop.got] == ["ONLIVEFEEDPOSTADD", "ONLIVEFEEDPOSTDELETE"]
    profile = ask(f"{anna.webhook_url}profile").json["result"]
    assert (profile["ID"], profile["NAME"], profile["LAST_NAME"]) == (str(anna.id), "Anna", "Petrova")


def test_tokens_expire_when_the_clock_is_turned(edits: Installed):
    portal, app = edits.portal, edits.app
    access, renewal = app.tokens(2)
    assert ask(f"{portal.url}/rest/profile", auth=access).status == 200

    portal.clock.advance(hours=1, minutes=1)

    assert ask(f"{portal.url}/rest/profile", auth=access).json["error"] == "expired_token"
    pair = refresh(portal, app, renewal).json
    assert ask(f"{portal.url}/rest/profile", auth=pair["access_token"]).json["result"]["ID"] == "2"
    portal.assert_refreshed(app, times=1)
    assert [(one.status, one.error) for one in portal.calls] == [(200, ""), (401, "expired_token"), (200, "")]
    assert {one.client_id for one in portal.calls} == {app.client_id}


def test_retries_come_due_without_a_wait(edits: Installed):
    portal, shop = edits.portal, edits.shop
    begun_ms = portal.clock.now_ms()
    shop.status = "503 Busy"
    portal.posts[0].edit("a")
    assert [one.status for one in portal.deliver()] == [503]
    assert portal.deliver() == []

    portal.clock.advance(seconds=1)
    shop.status = "200 OK"
    assert [one.status for one in portal.deliver()] == [200]

    shop.status = "503 Busy"
    portal.posts[0].edit("b")
    statuses = [one.status for one in portal.settle()]
    assert len(statuses) > 20
    assert set(statuses) == {503}
    assert portal.clock.now_ms() - begun_ms > 2 * 86_400_000


@pytest.mark.livefeed(policy="bitrix24")
def test_the_faithful_policy_tries_once(edits: Installed):
    edits.shop.status = "500 Oops"
    edits.portal.posts[0].edit("a")

    assert [one.status for one in edits.portal.settle()] == [500]
    assert not any("WEBHOOK" in name for name in edits.shop.headers[0])


def test_what_an_application_tells_is_on_the_bell(edits: Installed):
    portal, anna = edits.portal, edits.portal.people[1]
    token = edits.app.token()
    for text in ("first", "second"):
        ask(
            f"{portal.url}/rest/im.notify.personal.add", USER_ID=anna.id, MESSAGE=text, TAG="post", auth=token
        )

    (notice,) = portal.notifications(anna)
    assert (notice.text, notice.tag, notice.is_read) == ("second", "post", False)
    portal.assert_notified(anna, "second", times=1)
    with pytest.raises(
        AssertionError, match=r"(?s)'third' was found 0 times.*second.*im\.notify\.personal\.add by local"
    ):
        portal.assert_notified(anna, "third")


def test_a_failure_says_what_there_was_and_why(edits: Installed):
    portal, post = edits.portal, edits.portal.posts[0]
    post.edit("a")
    with pytest.raises(AssertionError, match=r"(?s)not delivered\ndeliveries: none\nhandler 1 at .*: .*wait"):
        portal.assert_delivered("OnLiveFeedPostUpdate", post=post, to=edits.app)
    portal.deliver()

    portal.assert_not_delivered("OnLiveFeedPostAdd")
    with pytest.raises(AssertionError, match=rf"POSTUPDATE of post {post.id} to {edits.url}: 200"):
        portal.assert_not_delivered(to=edits.url)
    with pytest.raises(AssertionError, match=r"no handler is bound to it"):
        portal.assert_delivered("OnLiveFeedPostUpdate", to="http://127.0.0.1:1/elsewhere")
    with pytest.raises(AssertionError, match="delivered 3 times, but 1"):
        portal.assert_delivered(post=post, times=3)
    with pytest.raises(AssertionError, match=r"no handler is bound to it: bind one with event\.bind"):
        portal.assert_delivered("OnLiveFeedPostDelete")
    with pytest.raises(AssertionError, match="refreshed 0 times"):
        portal.assert_refreshed()
    with pytest.raises(Refused, match="there is no application 'x'"):
        portal.do("app_remove", client_id="x")
    with pytest.raises(LookupError, match="there is no post 99"):
        _ = portal.read_post(99)


def test_an_application_binds_what_it_wants_when_it_is_installed(portal: LocalPortal):
    shop = installed(portal).shop
    url = portal.serve_wsgi(shop)
    shop.on_event = lambda form: ask(
        f"{portal.url}/rest/event.bind",
        event="OnLiveFeedPostUpdate",
        handler=f"{url}/edits",
        auth=form["auth"]["access_token"],
    )
    app = portal.install(install_url=f"{url}/install")
    portal.deliver()
    shop.on_event = None
    portal.posts[1].edit("x")
    portal.deliver()

    portal.assert_delivered("OnAppInstall", to=app, times=1)
    portal.assert_delivered("OnLiveFeedPostUpdate", to=f"{url}/edits", times=1)


def test_an_outgoing_webhook_is_delivered_to(portal: LocalPortal):
    shop = installed(portal).shop
    token = portal.add_outgoing_webhook(f"{portal.serve_wsgi(shop)}/hook", "OnLiveFeedPostAdd")
    portal.add_post("Hello")
    portal.deliver()

    assert [auth["application_token"] for auth in shop.auths] == [token]


def test_events_are_withheld_until_an_installation_is_finished_and_handlers_end_with_an_update(
    portal: LocalPortal,
):
    shop = installed(portal).shop
    url = portal.serve_wsgi(shop)
    app = portal.install(interface=True, events={"OnLiveFeedPostUpdate": url, "OnAppUpdate": url})
    post = portal.posts[0]
    post.edit("a")
    portal.deliver()
    portal.assert_not_delivered(to=app)
    with pytest.raises(AssertionError, match="is not finished, so its events are withheld"):
        portal.assert_delivered("OnLiveFeedPostUpdate", post=post, to=app)

    app.finish()
    post.edit("b")
    portal.deliver()
    app.update("2.0.0")
    post.edit("c")
    portal.deliver()
    assert [form["event"] for form in shop.got[-2:]] == ["ONLIVEFEEDPOSTUPDATE", "ONAPPUPDATE"]


def test_a_portal_may_speak_https_and_have_the_limits_of_a_plan(make_portal):
    portal = make_portal(tls=True, limits="standard")
    app = livefeed.app.App.from_settings({})

    @app.on(PostUpdated)
    async def tell(event: PostUpdated, ctx: Context) -> None:
        await ctx.notify((await ctx.post(event.post_id)).author_id, "edited")

    portal.serve_app(app)
    portal.settle()
    portal.posts[0].edit("a", by=portal.automation)
    portal.settle()
    portal.assert_notified(portal.posts[0].author, "edited", times=1)
    assert portal.url.startswith("https://127.0.0.1:")
    assert {one.error for one in portal.calls} == {""}

    for _ in range(50):
        portal.posts[0].edit("b", by=portal.automation)
        portal.deliver()
    assert "QUERY_LIMIT_EXCEEDED" in {one.error for one in portal.calls}


def test_a_portal_that_cannot_be_is_refused_in_words(make_portal):
    with pytest.raises(pytest.UsageError, match="policy is one of durable, bitrix24, not 'real'"):
        make_portal(policy="real")
    with pytest.raises(pytest.UsageError, match="limits is one of off, standard, enterprise"):
        make_portal(limits="none")
    with pytest.raises(ValueError, match="needs a certificate"):
        StandOptions(is_cloud=True)
    with pytest.raises(SettingsError, match="an application has no setting 'patience'"):
        make_portal().serve_app(livefeed.app.App.from_settings({}), patience=1)


@pytest.mark.livefeed(sdk=True)
def test_the_network_of_a_test_is_the_portal_and_nothing_else(portal: LocalPortal, make_portal):
    with portal.as_network():
        way_out = urllib.request.build_opener()  # `urlopen` keeps the way out of its first call for ever
        (row,) = way_out.open(f"{portal.people[1].webhook_url}user.current").readlines()
        with pytest.raises(OSError, match="403 Forbidden"):
            way_out.open("https://elsewhere.example/")

    assert b'"ID":"2"' in row
    with pytest.raises(SettingsError, match="SDKs want https"), make_portal().as_network():
        pass


def test_portals_stand_beside_one_another(make_portal):
    one, two = make_portal(), make_portal(seed="empty", language="ru")
    two.add_post("Hello")

    assert one.member_id != two.member_id
    assert (len(one.people), len(two.people)) == (8, 1)
    one.clock.advance(days=1)
    assert one.clock.now_ms() - two.clock.now_ms() > 80_000_000
    with pytest.raises(ValueError, match="forward only"):
        one.clock.advance(hours=-1)

"""A portal as a process of its own: it can be killed, turned ahead, and given every fault."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from livefeed.testing.portal import LocalPortal
from livefeed.testing.process import ProcessPortal
from livefeed.testing.seen import Delivery
from livefeed.testing.serving.ports import KeptPort
from livefeed.testing.serving.sites import serving_wsgi

from .shop import Shop, ask, broken

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessPortal]:
    """One for all tests that leave it as they found it."""
    with ProcessPortal(tmp_path_factory.mktemp("portal")) as made:
        yield made


@pytest.fixture
def shop(process: ProcessPortal) -> Iterator[Shop]:
    """An application of this process that hears of edits; gone at the end."""
    shop = Shop()
    with serving_wsgi(shop) as url:
        shop.app = process.install(events={"OnLiveFeedPostUpdate": f"{url}/events"})
        yield shop
        process.settle()
        with contextlib.suppress(AssertionError):  # a fault may have uninstalled it
            process.do("app_remove", client_id=shop.app["client_id"])
        process.deliver()


def pair(process: ProcessPortal, shop: Shop, refresh_token: str) -> Any:
    given = {name: shop.app[name] for name in ("client_id", "client_secret")}
    return ask(
        f"{process.url}/oauth/token/", grant_type="refresh_token", refresh_token=refresh_token, **given
    )


def test_a_portal_that_is_killed_delivers_what_it_has_promised(portal_process: ProcessPortal):
    portal, shop, killed = portal_process, Shop(), threading.Event()

    def kill_once(_: Any) -> None:
        if not killed.is_set():
            portal.kill()
            killed.set()

    shop.on_event = kill_once
    with serving_wsgi(shop) as url:
        app = portal.install(install_url=f"{url}/install", scope="log")
        with pytest.raises(AssertionError, match=r"(?s)did not happen within 0 s.*there was"):
            portal.wait_delivered(times=9, timeout_s=0)
        assert killed.wait(10)
        with pytest.raises(AssertionError, match="does not run; start it first"):
            portal.deliver()
        portal.start()
        portal.wait_delivered()
        post = portal.add_post("Hello", title="Hi")
        portal.edit(post, "Hello again", as_automation=True)

    assert {auth["application_token"] for auth in shop.auths} == {app["application_token"]}
    assert portal.call("log.blogpost.get", POST_ID=post)[0]["DETAIL_TEXT"] == "Hello again"
    with pytest.raises(AssertionError, match=r"edit_post: .*there is no post 999"):
        portal.edit(999, "x")


def test_faults_and_clock_go_on_where_a_killed_process_was(portal_process: ProcessPortal):
    portal, shop = portal_process, Shop()
    with serving_wsgi(shop) as url:
        portal.install(events={"OnLiveFeedPostUpdate": url})
        portal.clock.advance(days=2)
        author = int(portal.call("log.blogpost.get", POST_ID=2)[0]["AUTHOR_ID"])
        assert author != 1, "nobody else is given his token"
        with portal.faults().expired_token(times=1):
            portal.edit(2, "its token is over", user=author)
        dead = shop.auths[0]["access_token"]
        shop.got.clear()
        with portal.faults().drop(before=1.0, times=3) as faults:
            portal.edit(1, "a")
            portal.deliver()
            assert faults.struck["drop before"] == 1
            portal.kill()
            ahead_ms = portal.clock.now_ms()
            with portal.faults().no_tokens():
                pass
            with portal.faults().duplicate():
                portal.start()
                made = portal.settle()

        assert ask(f"{portal.url}/rest/profile", auth=dead).json["error"] == "expired_token"
    assert faults.struck["drop before"] == 3
    assert [one.faults for one in made[:2]] == [("drop before",), ("drop before",)]
    assert [one.is_good for one in made[2:]] == [True, True], "a block that began without the process"
    assert made[-1].at_ms >= ahead_ms
    assert "access_token" in shop.auths[0], "a block that began and ended without the process left nothing"


def test_deliveries_are_struck_as_in_the_process_of_the_test(process: ProcessPortal, shop: Shop):
    with process.faults().drop(before=1.0, times=1):
        process.edit(1, "a")
        lost, found = process.settle()
    with process.faults().drop(after=1.0, times=1).duplicate(times=1):
        process.edit(1, "b")
        process.settle()
    with process.faults().wrong_application_token(times=1):
        process.edit(1, "c")
        process.deliver()
    process.edit(1, "before the block")
    with process.faults().no_tokens():
        process.edit(1, "d")
    process.edit(1, "after it")
    process.deliver()

    assert (lost.error, lost.was_received, lost.faults) == ("reset", False, ("drop before",))
    assert (found.status, len(shop.got)) == (200, 8)
    assert shop.bodies[1] == shop.bodies[2]
    ours = shop.app["application_token"]
    assert [auth["application_token"] == ours for auth in shop.auths] == [True] * 4 + [False] + [True] * 3
    assert ["access_token" in auth for auth in shop.auths[-4:]] == [True, True, False, True]
    process.assert_delivered("OnLiveFeedPostUpdate", post=1, to=shop.app["client_id"])


def test_what_is_held_back_comes_when_it_is_time(process: ProcessPortal, shop: Shop):
    begun = sum(one.is_good for one in process.deliveries)
    with process.faults(seed=1).reorder() as faults:
        for post in (1, 2, 3, 4, 5):
            process.edit(post, "overtaken")
        process.deliver()
    assert faults.struck["reorder"] == 5
    assert shop.posts != [1, 2, 3, 4, 5]
    assert sorted(shop.posts) == [1, 2, 3, 4, 5]

    shop.got.clear()
    with process.faults().delay(seconds=0.1):
        process.edit(1, "a little late")
        process.wait_delivered(times=begun + 6)
        assert shop.posts == [1], "nobody had to ask for it"
    shop.got.clear()
    with process.faults().delay(seconds=3_600, times=1):
        process.edit(1, "late")
        process.deliver()
        assert shop.got == []
        process.clock.advance(hours=1)
        process.deliver()
    assert shop.posts == [1]

    everybody = threading.Barrier(3, timeout=10)
    shop.on_event = lambda _: everybody.wait()
    with process.faults().burst():
        for post in (1, 2, 3):
            process.edit(post, "at once")
        process.deliver()
    assert everybody.broken is False
    assert len(shop.got) == 4


def test_tokens_expire_are_revoked_and_refreshed(process: ProcessPortal, shop: Shop):
    answers: list[Any] = []
    hook = f"{process.url}/rest/profile"
    shop.on_event = lambda form: answers.append(ask(hook, auth=form["auth"]["access_token"]).json)
    with process.faults().expired_token(times=1).revoked_refresh_token(times=1):
        process.edit(1, "a")
        process.deliver()
        renewal = shop.auths[0]["refresh_token"]
        assert pair(process, shop, renewal).json["error"] == "invalid_grant"
        access = pair(process, shop, renewal).json["access_token"]
    assert answers[0]["error"] == "expired_token"
    assert ask(hook, auth=access).json["result"]["ID"] == "1"
    process.clock.advance(hours=1, minutes=1)
    assert ask(hook, auth=access).json["error"] == "expired_token"

    asked = process.refreshes(shop.app["client_id"])
    assert [one.error for one in asked] == ["invalid_grant", ""]
    process.assert_refreshed(shop.app["client_id"], times=1)
    assert (process.calls[-1].error, process.calls[-1].client_id) == (
        "expired_token",
        shop.app["client_id"],
    )


def test_rest_fails_as_it_is_told_to(process: ProcessPortal, shop: Shop):
    hook = process.webhook_url
    with process.faults().query_limit():
        assert {ask(f"{hook}profile").status for _ in range(60)} == {200, 503}
    with process.faults().operation_time_limit("log.blogpost.get"):
        assert ask(f"{hook}log.blogpost.get").json["error"] == "OPERATION_TIME_LIMIT"
    with process.faults().html_error_page(times=1):
        assert ask(f"{hook}profile").body.startswith(b"<html>")
    with process.faults().connection_reset(method="log.blogpost.update"):
        broken(f"{hook}log.blogpost.update", POST_ID=1, POST_MESSAGE="not done")
    with process.faults().renamed_portal():
        moved = ask(f"{hook}profile")
        process.edit(1, "a")
        process.deliver()
    assert process.call("log.blogpost.get", POST_ID=1)[0]["DETAIL_TEXT"] == "a"
    other = process.url.replace("127.0.0.1", "localhost")
    assert (moved.status, moved.headers["location"].startswith(f"{other}/rest/1/")) == (302, True)
    assert other.endswith(shop.auths[0]["domain"])
    assert ask(f"{hook}profile").status == 200


def test_an_application_is_uninstalled_while_an_event_is_on_its_way(process: ProcessPortal, shop: Shop):
    answers: list[Any] = []
    hook = f"{process.url}/rest/profile"
    shop.on_event = lambda form: answers.append(ask(hook, auth=form["auth"]["access_token"]).json)
    with process.faults().uninstall():
        process.edit(1, "a")
        process.deliver()
        process.edit(1, "b")
        process.deliver()

    assert [answer["error"] for answer in answers] == ["NO_AUTH_FOUND"]


def test_retries_of_three_days_are_gone_through_at_once(process: ProcessPortal, shop: Shop):
    shop.status = "503 Busy"
    process.edit(1, "a")
    with pytest.raises(AssertionError, match="after 1 hours of the portal's clock more is still due"):
        process.settle(hours=1)
    statuses = [one.status for one in process.settle()]

    assert len(statuses) > 20
    assert set(statuses) == {503}


def test_a_seed_strikes_the_same_in_either_process(process: ProcessPortal, shop: Shop, portal: LocalPortal):
    other = Shop()
    portal.install(events={"OnLiveFeedPostUpdate": f"{portal.serve_wsgi(other)}/events"})

    def struck(made: list[Delivery]) -> list[Any]:
        return sorted((one.post, one.error or "", one.faults) for one in made)

    with process.faults(7).drop(before=0.3, after=0.2).duplicate(0.3).no_tokens(0.3):
        for number in range(1, 6):
            process.edit(number, "x")
        there = process.settle()
    with portal.faults(7).drop(before=0.3, after=0.2).duplicate(0.3).no_tokens(0.3):
        for number in range(1, 6):
            portal.read_post(number)
            portal.do("edit_post", post=number, text="x")
        here = portal.settle()

    assert struck(there) == struck(here)
    assert len({one.faults for one in here}) > 3


@pytest.mark.livefeed(seed="empty", policy="bitrix24", limits="standard")
def test_the_marker_sets_it_up(portal_process: ProcessPortal):
    portal, shop = portal_process, Shop(status="500 Oops")
    with serving_wsgi(shop) as url:
        portal.install(events={"OnLiveFeedPostAdd": url})
        portal.add_post("The first one")
        assert [one.status for one in portal.settle()] == [500]

    assert not any("WEBHOOK" in name for name in shop.headers[0])
    assert 503 in {ask(f"{portal.webhook_url}profile").status for _ in range(60)}


def test_what_is_done_after_an_answer_is_waited_for(process: ProcessPortal):
    answers = iter([[], [], ["there"]])

    assert process.wait_for(lambda: next(answers)) == ["there"]
    with pytest.raises(AssertionError, match="'Friday' was found 0 times on the bell of person 2"):
        process.wait_for(lambda: process.assert_notified(2, "Friday"), timeout_s=0.05)
    with pytest.raises(AssertionError, match=r"after 0.05 s it was still \[\]"):
        process.wait_for(lambda: [], timeout_s=0.05)
    worker = threading.Thread(
        target=process.call, args=("im.notify.personal.add",), kwargs={"USER_ID": 2, "MESSAGE": "Friday"}
    )
    worker.start()
    process.wait_for(lambda: process.assert_notified(2, "Friday", times=1))
    worker.join()


def test_only_who_has_the_token_of_the_run_may_rehearse(process: ProcessPortal):
    assert ask(f"{process.url}/admin/rehearsal/turn", by_ms=1).status == 401
    assert ask(f"{process.url}/admin/rehearsal/nothing").status == 404


def test_a_port_is_kept_whether_anybody_listens_or_not():
    port = KeptPort()
    address = ("127.0.0.1", port.number)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(address)
        with socket.create_server(address):
            socket.create_connection(address).close()
    port.close()
    with socket.socket() as stranger:
        stranger.bind(address)

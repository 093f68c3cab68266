"""Each fault once, against an application that is a stranger to livefeed; one seed strikes the same."""

import base64
import hashlib
import hmac
import threading
from typing import Any

import pytest

from livefeed.testing.faults import Faults
from livefeed.testing.portal import LocalPortal

from .shop import Installed, ask, broken, installed, refresh


def edit(edits: Installed, *numbers: int) -> list[int]:
    """Edit these posts of the beginning; their ids."""
    posts = [edits.portal.posts[number] for number in numbers or (0,)]
    for post in posts:
        post.edit("changed")
    return [post.id for post in posts]


def signature(edits: Installed, body: bytes, headers: dict[str, str]) -> str:
    key = base64.b64decode(edits.app.signing_secret.removeprefix("whsec_"))
    signed = f"{headers['HTTP_WEBHOOK_ID']}.{headers['HTTP_WEBHOOK_TIMESTAMP']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_what_is_dropped_before_processing_arrives_once_in_the_end(edits: Installed):
    with edits.portal.faults().drop(before=1.0, times=2) as faults:
        ids = edit(edits)
        made = edits.portal.settle()

    assert faults.struck["drop before"] == 2
    assert [(one.error, one.was_received, one.faults) for one in made] == [
        ("reset", False, ("drop before",)),
        ("reset", False, ("drop before",)),
        (None, True, ()),
    ]
    assert edits.shop.posts == ids


def test_what_is_dropped_after_processing_arrives_twice_under_one_id(edits: Installed):
    with edits.portal.faults().drop(after=1.0, times=1):
        (post,) = edit(edits)
        lost, repeated = edits.portal.settle()

    assert edits.shop.posts == [post, post]
    assert (lost.error, lost.was_received, repeated.status) == ("reset", True, 200)
    assert lost.webhook_id == repeated.webhook_id != ""


@pytest.mark.livefeed(policy="bitrix24")
def test_under_the_faithful_policy_a_dropped_event_is_lost(edits: Installed):
    with edits.portal.faults().drop(before=1.0, times=1):
        edit(edits)
        edits.portal.settle()

    assert edits.shop.got == []


def test_a_duplicate_is_the_same_body_again(edits: Installed):
    with edits.portal.faults().duplicate(times=1):
        edit(edits)
        edits.portal.deliver()

    first, second = edits.shop.bodies
    assert first == second
    assert edits.shop.headers[0]["HTTP_WEBHOOK_ID"] == edits.shop.headers[1]["HTTP_WEBHOOK_ID"]


def test_reordered_deliveries_are_overtaken(edits: Installed):
    with edits.portal.faults(seed=1).reorder():
        ids = edit(edits, 0, 1, 2, 3, 4)
        edits.portal.deliver()

    assert edits.shop.posts != ids
    assert sorted(edits.shop.posts) == ids


def test_a_delayed_delivery_arrives_when_the_clock_says_so(edits: Installed):
    with edits.portal.faults().delay(seconds=30, times=1):
        late, early = edit(edits, 0, 1)
        edits.portal.deliver()
        assert edits.shop.posts == [early]
        edits.portal.clock.advance(seconds=29)
        assert edits.portal.deliver() == []
        edits.portal.clock.advance(seconds=1)
        edits.portal.deliver()

    assert edits.shop.posts == [early, late]


def test_a_burst_comes_at_the_same_moment(edits: Installed):
    everybody = threading.Barrier(4, timeout=10)
    edits.shop.on_event = lambda _: everybody.wait()
    with edits.portal.faults().burst():
        edit(edits, 0, 1, 2, 3)
        edits.portal.deliver()  # one after the other they would wait for each other in vain

    edits.portal.assert_delivered(to=edits.app, times=4)


def test_an_event_without_tokens_is_signed_and_keeps_its_application_token(edits: Installed):
    with edits.portal.faults().no_tokens():
        edit(edits)
        edits.portal.deliver()

    (auth,) = edits.shop.auths
    assert {"access_token", "refresh_token", "expires_in"}.isdisjoint(auth)
    assert auth["application_token"] == edits.app.application_token
    headers = edits.shop.headers[0]
    assert headers["HTTP_WEBHOOK_SIGNATURE"] == signature(edits, edits.shop.bodies[0], headers)


def test_a_wrong_application_token_comes_without_a_signature(edits: Installed):
    with edits.portal.faults().wrong_application_token(times=1):
        edit(edits, 0, 1)
        edits.portal.deliver()

    forged, genuine = (auth["application_token"] for auth in edits.shop.auths)
    assert len(forged) == 32
    assert forged != genuine == edits.app.application_token
    assert "HTTP_WEBHOOK_SIGNATURE" not in edits.shop.headers[0]
    assert "HTTP_WEBHOOK_SIGNATURE" in edits.shop.headers[1]


def test_a_token_that_expires_mid_handler_is_refreshed(edits: Installed):
    answers: list[Any] = []

    def handle(form: Any) -> None:
        answers.append(edits.read(form).json)
        pair = refresh(edits.portal, edits.app, form["auth"]["refresh_token"]).json
        form["auth"]["access_token"] = pair["access_token"]
        answers.append(edits.read(form).json)

    edits.shop.on_event = handle
    with edits.portal.faults().expired_token(times=1):
        edit(edits)
        edits.portal.deliver()

    assert answers[0]["error"] == "expired_token"
    assert answers[1]["result"][0]["DETAIL_TEXT"] == "changed"
    edits.portal.assert_refreshed(edits.app, times=1)
    edit(edits)
    edits.portal.deliver()
    assert "result" in answers[2], "the next event brings a token that lives"


def test_a_revoked_refresh_token_is_refused(edits: Installed):
    _, renewal = edits.app.tokens()
    with edits.portal.faults().revoked_refresh_token():
        answer = refresh(edits.portal, edits.app, renewal)

    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert [one.error for one in edits.portal.refreshes(edits.app)] == ["invalid_grant"]
    assert refresh(edits.portal, edits.app, renewal).status == 200


def test_more_than_fifty_calls_are_too_many_and_two_drain_a_second(portal: LocalPortal):
    url = f"{portal.people[0].webhook_url}profile"
    with portal.faults().query_limit() as faults:
        statuses = [ask(url).status for _ in range(51)]
        assert statuses == [200] * 50 + [503]
        assert ask(url).json["error"] == "QUERY_LIMIT_EXCEEDED"
        portal.clock.advance(seconds=1)
        assert [ask(url).status for _ in range(3)] == [200, 200, 503]

    assert faults.struck["query limit"] == 3
    assert ask(url).status == 200


def test_a_method_may_run_out_of_its_operating_time(portal: LocalPortal):
    hook = portal.people[0].webhook_url
    with portal.faults().operation_time_limit("log.blogpost.get"):
        answer = ask(f"{hook}log.blogpost.get")
        assert (answer.status, answer.json["error"]) == (429, "OPERATION_TIME_LIMIT")
        assert ask(f"{hook}profile").status == 200


def test_a_renamed_portal_answers_with_a_redirect_and_events_name_the_new_host(edits: Installed):
    portal = edits.portal
    with portal.faults().renamed_portal():
        answer = ask(f"{portal.url}/rest/profile?auth=x")
        edit(edits)
        portal.deliver()
        moved = ask(edits.shop.auths[0]["client_endpoint"] + "profile", auth=edits.app.token())

    new = portal.url.replace("127.0.0.1", "localhost")
    assert (answer.status, answer.headers["location"]) == (302, f"{new}/rest/profile?auth=x")
    assert new.endswith(edits.shop.auths[0]["domain"])
    assert moved.json["result"]["ID"] == "1"
    edit(edits)
    portal.deliver()
    assert portal.url.endswith(edits.shop.auths[1]["domain"])
    assert ask(f"{portal.people[0].webhook_url}profile").status == 200


def test_a_page_of_html_comes_instead_of_json(portal: LocalPortal):
    with portal.faults().html_error_page(times=1):
        answer = ask(f"{portal.people[0].webhook_url}profile")
        assert (answer.status, answer.headers["content-type"]) == (502, "text/html")
        assert answer.body.startswith(b"<html>")
        assert ask(f"{portal.people[0].webhook_url}profile").status == 200


def test_a_connection_is_reset_and_nothing_was_done(portal: LocalPortal):
    hook, text = portal.people[0].webhook_url, portal.posts[0].text
    with portal.faults().connection_reset(method="log.blogpost.update"):
        broken(f"{hook}log.blogpost.update", POST_ID=portal.posts[0].id, POST_MESSAGE="other")
        assert ask(f"{hook}profile").status == 200

    assert portal.posts[0].text == text
    assert [(one.method, one.status) for one in portal.calls] == [
        ("log.blogpost.update", None),
        ("profile", 200),
    ]


def test_an_application_may_be_uninstalled_while_an_event_is_on_its_way(portal: LocalPortal):
    edits = installed(portal, "OnLiveFeedPostUpdate", "OnAppUninstall")
    answers: list[Any] = []
    edits.shop.on_event = lambda form: (
        answers.append(edits.read(form).json) if "FIELDS" in form["data"] else None
    )
    with portal.faults().uninstall(clean=True):
        edit(edits)
        portal.settle()

    assert [form["event"] for form in edits.shop.got] == ["ONLIVEFEEDPOSTUPDATE", "ONAPPUNINSTALL"]
    assert edits.shop.got[1]["data"]["CLEAN"] == "1"
    assert [answer["error"] for answer in answers] == ["NO_AUTH_FOUND"]


def test_faults_end_with_their_block_and_may_lie_within_one_another(edits: Installed):
    with edits.portal.faults().duplicate():
        with edits.portal.faults().no_tokens() as inner:
            edit(edits, 0)
            edits.portal.deliver()
        edit(edits, 1)
        edits.portal.deliver()
    edit(edits, 2)
    edits.portal.deliver()

    assert ["access_token" in auth for auth in edits.shop.auths] == [False, False, True, True, True]
    assert inner.struck["no tokens"] == 1


def strikes(portal: LocalPortal, seed: int) -> list[Any]:
    """What a seed does to twenty edits of one application and to forty calls."""
    edits = installed(portal)
    with portal.faults(seed).drop(before=0.2, after=0.1).duplicate(0.2).reorder(0.2).html_error_page(0.3):
        for number in range(20):
            portal.posts[number % 5].edit(f"edit {number}")
        made = portal.settle()
        statuses = [ask(f"{portal.people[0].webhook_url}profile").status for _ in range(40)]
    assert set(edits.shop.posts) == {post.id for post in portal.posts[:5]}
    return [(one.post, one.status, one.error, one.faults) for one in made] + statuses


def test_the_same_seed_strikes_the_same_in_another_portal(make_portal):
    first, second, other = (strikes(make_portal(), seed) for seed in (7, 7, 8))

    assert first == second
    assert first != other
    assert {502, 200} <= set(first[-40:])


def test_a_share_is_from_0_to_1():
    faults = Faults(1, enter=lambda _: None, leave=lambda _: None)

    with pytest.raises(ValueError, match="from 0 to 1"):
        faults.duplicate(20)

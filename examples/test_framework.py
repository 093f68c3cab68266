"""How an application of our framework is tested: on the portal's clock, through faults, without a wait."""

import pytest
from examples import framework


@pytest.fixture
def app(portal):
    app = portal.serve_app(framework.app)
    portal.settle()
    portal.assert_delivered("OnAppInstall", to=app)
    return app


def test_an_automations_edit_is_told_to_the_author(portal, app):
    post = portal.posts[0]
    post.edit("We meet on Friday", by=portal.automation)
    portal.settle()

    portal.assert_delivered("OnLiveFeedPostUpdate", post=post, to=app, times=1)
    portal.assert_notified(post.author, f"«{post.title}» was edited", times=1)


def test_every_edit_is_told_whatever_goes_wrong(portal, app):
    faults = portal.faults(seed=7).drop(before=0.2, after=0.2).duplicate(0.2).reorder(0.2).no_tokens(0.3)
    with faults.html_error_page(0.1).connection_reset(0.1).operation_time_limit(share=0.1):
        for post in portal.posts:
            post.edit("Changed")
        portal.settle()

    assert len(faults.struck) > 5
    for post in portal.posts:
        portal.assert_notified(post.author, f"«{post.title}» was edited", times=1)


def test_tokens_are_renewed_once_however_many_handlers_need_them(portal, app):
    portal.clock.advance(hours=2)
    before = len(portal.refreshes(app))
    for post in portal.posts:
        post.edit("Changed", by=portal.automation)
    portal.settle()

    assert len(portal.refreshes(app)) == before + 1
    portal.assert_notified(portal.posts[0].author, portal.posts[0].title)


def test_a_forged_event_is_refused(portal, app):
    with portal.faults().wrong_application_token(times=1):
        portal.posts[0].edit("Changed")
        (made,) = portal.deliver()

    assert made.status in {401, 403}
    assert portal.notifications(portal.posts[0].author) == []


def test_nothing_is_told_after_the_application_was_uninstalled(portal, app):
    with portal.faults().uninstall():
        portal.posts[0].edit("Changed")
        portal.settle()

    portal.assert_delivered("OnAppUninstall", to=app)
    assert portal.notifications(portal.posts[0].author) == []

"""How an application in Flask is tested: plain functions, and a portal as a fixture."""

import pytest
from examples import flask_by_hand


@pytest.fixture
def app(portal):
    url = portal.serve_wsgi(flask_by_hand.app)
    app = portal.install(install_url=f"{url}/install")
    flask_by_hand.app.config.update(
        PORTAL_URL=portal.url, PUBLIC_URL=url, CLIENT_ID=app.client_id, APPLICATION_TOKEN=""
    )
    portal.deliver()
    portal.assert_delivered("OnAppInstall", to=app)
    return app


def test_an_edit_is_told_to_the_author(portal, app):
    anna, boris = portal.people[1:3]
    post = portal.add_post("We meet on Monday", title="Meeting", by=anna)
    post.edit("We meet on Friday", by=boris)
    portal.deliver()
    flask_by_hand.jobs.join()

    portal.assert_notified(anna, "«Meeting» was edited", times=1)


def test_an_event_that_comes_twice_tells_once(portal, app):
    with portal.faults(seed=1).drop(after=0.5).duplicate(0.5):
        for post in portal.posts:
            post.edit("Changed")
        portal.settle()
    flask_by_hand.jobs.join()

    assert len(portal.deliveries) > len(portal.posts)
    for post in portal.posts:
        portal.assert_notified(post.author, f"«{post.title}» was edited", times=1)


def test_an_automations_edit_is_taken_and_tells_nobody(portal, app):
    portal.posts[0].edit("Changed", by=portal.automation)
    portal.deliver()
    flask_by_hand.jobs.join()

    portal.assert_delivered("OnLiveFeedPostUpdate", to=app)
    assert portal.notifications(portal.posts[0].author) == []


@pytest.mark.livefeed(policy="bitrix24")
def test_forged_events_and_installations_are_refused(portal, app):
    with portal.faults().wrong_application_token():
        portal.posts[0].edit("Changed")
        portal.deliver()
        portal.do("app_reinstall", client_id=app.client_id)
        portal.deliver()

    assert [(one.event, one.status) for one in portal.deliveries[1:]] == [
        ("ONLIVEFEEDPOSTUPDATE", 403),
        ("ONAPPINSTALL", 403),
    ]
    assert flask_by_hand.jobs.empty()
    assert app.application_token == flask_by_hand.app.config["APPLICATION_TOKEN"]


def test_a_portal_that_fails_for_a_moment_does_not_end_the_work(portal, app):
    with portal.faults().html_error_page(method="log.blogpost.get", times=1):
        portal.posts[0].edit("Changed")
        portal.posts[1].edit("Changed")
        portal.deliver()
        flask_by_hand.jobs.join()

    portal.assert_notified(portal.posts[1].author, portal.posts[1].title)

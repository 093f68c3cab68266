"""How an application with Bitrix24's SDK is tested: over https, and nothing leaves the machine."""

import pytest
from examples import fastapi_sdk

pytestmark = pytest.mark.livefeed(sdk=True)


@pytest.fixture
def app(portal, monkeypatch):
    url = portal.serve_asgi(fastapi_sdk.api)
    app = portal.install(install_url=f"{url}/install", auth_keys="extended")  # the SDK insists on all keys
    shop = fastapi_sdk.Shop()
    shop.client_id, shop.client_secret, shop.public_url = app.client_id, app.client_secret, url
    monkeypatch.setattr(fastapi_sdk, "shop", shop)
    with portal.as_network():
        portal.deliver()
        portal.assert_delivered("OnAppInstall", to=app)
        yield app


def test_an_automations_edit_is_told_to_the_author(portal, app):
    post = portal.posts[0]
    post.edit("We meet on Friday", by=portal.automation)
    portal.deliver()

    portal.assert_notified(post.author, f"«{post.title}» was edited", times=1)


def test_an_expired_token_is_renewed(portal, app):
    portal.clock.advance(hours=2)
    portal.posts[0].edit("Changed")
    portal.deliver()

    portal.assert_refreshed(app, times=1)
    portal.assert_notified(portal.posts[0].author, "was edited")


def test_a_renamed_portal_is_followed(portal, app):
    with portal.faults().renamed_portal():
        portal.posts[0].edit("Changed")
        portal.deliver()

    assert fastapi_sdk.shop.installer.domain == "renamed.bitrix24.test"
    portal.assert_notified(portal.posts[0].author, "was edited")


def test_a_forged_event_is_refused(portal, app):
    with portal.faults().wrong_application_token():
        portal.posts[0].edit("Changed")
        (made,) = portal.deliver()

    assert made.status == 403
    assert portal.notifications(portal.posts[0].author) == []


@pytest.mark.livefeed(policy="bitrix24")
def test_an_installation_that_nobody_authorized_is_refused(portal, app):
    fastapi_sdk.shop.application_token = ""
    with portal.faults().expired_token().revoked_refresh_token():
        portal.do("app_reinstall", client_id=app.client_id)
        (made,) = portal.deliver()

    assert made.status == 403
    assert fastapi_sdk.shop.application_token == ""

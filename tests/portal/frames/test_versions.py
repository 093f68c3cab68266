"""An application gets another version, is installed anew, and is uninstalled."""

import pytest

from livefeed.errors import LivefeedError

from ..site import Site

pytestmark = pytest.mark.anyio

SCOPE = "log,user,im,placement"
PAGE = "https://app.example.com/"


async def widgets(site: Site, client_id: str) -> int:
    rows = await site.run(
        lambda tx: tx.execute(
            "SELECT count(*) FROM placement p JOIN app a ON a.id = p.app WHERE a.client_id = ?", (client_id,)
        ).fetchone()
    )
    return int(rows[0])


async def test_an_update_is_told_to_the_handlers_of_it_and_drops_all(site: Site):
    app = await site.add_app(scope=SCOPE)
    await site.bind(app, "/updates", event="OnAppUpdate")
    post_handler = await site.bind(app, "/posts")
    admin = await site.token(app)
    await site.call(admin, "placement.bind", PLACEMENT="LIVEFEED_POST", HANDLER=PAGE)
    await site.call(admin, "app.option.set", options={"kept": 1})

    done = await site.do("app_update", client_id=app.client_id, version="2.0.0", scope="log,user,placement")
    assert done == {"client_id": app.client_id, "version": "2.0.0", "installed": True}

    (told,) = await site.send_due()
    assert (told.path, told.event) == ("/updates", "ONAPPUPDATE")
    assert told.form["data"] == {"VERSION": "2.0.0", "PREVIOUS_VERSION": "1.0.0", "LANGUAGE_ID": "en"}
    assert told.auth["application_token"] == app.application_token
    assert told.auth["scope"] == "log,placement,user"
    assert {"access_token", "refresh_token"} <= set(told.auth)
    assert await site.call(told.auth["access_token"], "event.get") == []
    assert await widgets(site, app.client_id) == 0
    assert await site.call(admin, "app.option.get") == {"kept": 1}
    assert (await site.call(admin, "app.info"))["VERSION"] == 2

    await site.edit(1)
    assert await site.send_due() == []
    assert "the application was updated to 2.0.0" in await site.why(1, post_handler)


async def test_after_an_update_the_application_binds_anew_and_is_told_the_next_version(site: Site):
    app = await site.add_app(scope=SCOPE)
    await site.bind(app, "/updates", event="OnAppUpdate")
    await site.do("app_update", client_id=app.client_id, version="1.1")
    await site.send_due()
    await site.bind(app, "/updates", event="OnAppUpdate")
    await site.do("app_update", client_id=app.client_id, version="1.2")

    (told,) = await site.send_due()
    assert told.form["data"] == {"VERSION": "1.2", "PREVIOUS_VERSION": "1.1", "LANGUAGE_ID": "en"}


async def test_an_update_that_nobody_bound_is_an_installation_for_one_without_pages(site: Site):
    app = await site.add_app(install_url=site.receiver.url + "/install")
    await site.send_due()
    await site.do("app_update", client_id=app.client_id, version="3.0.0")

    (told,) = await site.send_due()
    assert (told.path, told.event) == ("/install", "ONAPPINSTALL")
    assert told.form["data"] == {"VERSION": "3.0.0", "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": "en"}


async def test_an_update_of_one_with_an_installer_withholds_until_it_has_finished_again(site: Site):
    app = await site.add_app(interface=True, handler_url=PAGE, install_url=site.receiver.url + "/install")
    await site.do("app_finish", client_id=app.client_id)
    await site.send_due()
    handler = await site.bind(app)
    done = await site.do("app_update", client_id=app.client_id, version="2.0.0", handler_url=PAGE + "two")
    assert done["installed"] is False

    await site.bind(app)
    await site.edit(1)
    assert await site.send_due() == []
    assert "withheld" in await site.states()
    assert "not finished" in await site.why(1, handler)


async def test_an_application_that_is_not_installed_is_not_told_of_its_update(site: Site):
    app = await site.add_app(interface=True, handler_url=PAGE)
    await site.bind(app, "/updates", event="OnAppUpdate")
    await site.do("app_update", client_id=app.client_id, version="2.0.0")

    assert await site.send_due() == []


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"version": "1.0.0"}, "already"),
        ({"version": "two"}, "version"),
        ({"version": "2.0.0", "handler_url": "nowhere"}, "not an absolute"),
        ({"version": "2.0.0", "client_id": "local.x"}, "no application"),
    ],
)
async def test_an_update_that_makes_no_sense_is_refused(site: Site, given: dict[str, str], complaint: str):
    app = await site.add_app()
    with pytest.raises(LivefeedError, match=complaint):
        await site.do("app_update", **{"client_id": app.client_id, **given})


async def test_one_with_pages_that_is_installed_anew_waits_for_its_installer_and_keeps_its_settings(
    site: Site,
):
    app = await site.add_app(scope=SCOPE, interface=True, handler_url=PAGE, install_url=PAGE + "install")
    await site.do("app_finish", client_id=app.client_id)
    admin = await site.token(app)
    await site.bind(app)
    await site.call(admin, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=PAGE)
    await site.call(admin, "app.option.set", options={"kept": 1})

    done = await site.do("app_reinstall", client_id=app.client_id)
    assert done == {"client_id": app.client_id, "installed": False}
    assert (await site.call(admin, "app.info"))["INSTALLED"] is False
    assert await widgets(site, app.client_id) == 0
    assert await site.call(admin, "app.option.get") == {"kept": 1}

    await site.bind(app)  # the installer binds the same again
    await site.do("app_finish", client_id=app.client_id)
    await site.edit(1)
    assert [one.event for one in await site.send_due() if one.path == "/h"] == ["ONLIVEFEEDPOSTUPDATE"]


async def test_one_without_pages_that_is_installed_anew_is_told_so_at_once(site: Site):
    app = await site.add_app(install_url=site.receiver.url + "/install")
    await site.bind(app)
    await site.send_due()
    await site.do("app_reinstall", client_id=app.client_id)

    assert [(one.path, one.event) for one in await site.send_due()] == [("/install", "ONAPPINSTALL")]
    await site.edit(1)
    assert await site.send_due() == []

"""Installing, finishing, rotating and uninstalling applications."""

import pytest

from livefeed.portal.lifecycle import Refused

from ..site import Site

NO_TOKENS = {"domain", "server_endpoint", "client_endpoint", "member_id", "application_token"}


async def test_registering_installs_over_http_at_once(site: Site) -> None:
    app = await site.add_app(install_url=site.receiver.url + "/install")
    (one,) = await site.send_due()
    assert (one.path, one.event, app.installed) == ("/install", "ONAPPINSTALL", True)
    assert one.form["data"] == {"VERSION": "1.0.0", "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": "en"}
    assert one.auth["application_token"] == app.application_token
    assert one.auth["scope"] == "im,log,user"
    assert (await site.call(one.auth["access_token"], "user.current"))["ID"] == "1"
    assert "event_handler_id" not in one.form


async def test_an_installation_nobody_hears_is_repeated_with_fresh_tokens(site: Site) -> None:
    await site.add_app(install_url=site.receiver.url + "/install")
    site.receiver.will("/install", 503, 200)
    (first,) = await site.send_due()
    site.house.clock.advance(90)
    (second,) = await site.send_due()
    assert first.auth["refresh_token"] != second.auth["refresh_token"]


async def test_a_newer_installation_does_not_wait_behind_an_older_one_that_is_refused(site: Site) -> None:
    app = await site.add_app(install_url=site.receiver.url + "/install")
    site.receiver.will("/install", 403, 200)
    (refused,) = await site.send_due()
    await site.do("app_rotate", client_id=app.client_id)
    (fresh,) = await site.send_due()
    assert (fresh.path, fresh.event) == ("/install", "ONAPPINSTALL")
    assert fresh.auth["access_token"] != refused.auth["access_token"]
    site.house.clock.advance(3600)
    assert await site.send_due() == []


async def test_nothing_reaches_an_application_before_its_installation_is_finished(site: Site) -> None:
    app = await site.add_app(interface=True, install_url=site.receiver.url + "/install")
    assert app.installed is False
    handler = await site.bind(app)
    await site.edit(1)
    assert await site.send_due() == []
    assert await site.states(post=1) == ["withheld"]
    assert "withheld" in await site.why(1, handler)
    assert f"app finish {app.client_id}" in await site.why(1, handler)


async def test_after_finishing_events_flow_and_the_dropped_ones_do_not_come_back(site: Site) -> None:
    app = await site.add_app(interface=True, install_url=site.receiver.url + "/install")
    handler = await site.bind(app)
    await site.edit(1)
    assert await site.do("app_finish", client_id=app.client_id) == {
        "client_id": app.client_id,
        "installed": True,
    }
    assert [one.event for one in await site.send_due()] == ["ONAPPINSTALL"]
    assert "was withheld and dropped" in await site.why(1, handler)
    await site.edit(1)
    assert [one.path for one in await site.send_due()] == ["/h"]
    assert "was delivered" in await site.why(1, handler)


async def test_finishing_twice_installs_once(site: Site) -> None:
    app = await site.add_app(interface=True, install_url=site.receiver.url + "/install")
    for _ in range(2):
        await site.do("app_finish", client_id=app.client_id)
    assert len(await site.send_due()) == 1


async def test_a_handler_bound_to_the_installation_hears_of_it_after_finishing(site: Site) -> None:
    app = await site.add_app(interface=True)
    handler = await site.bind(app, "/installed", event="OnAppInstall")
    await site.do("app_finish", client_id=app.client_id)
    (one,) = await site.send_due()
    assert (one.path, one.form["event_handler_id"]) == ("/installed", str(handler))


async def test_until_then_only_administrators_may_use_it(site: Site) -> None:
    app = await site.add_app(interface=True)
    assert await site.fault(await site.token(app, 2), "profile") == (
        403,
        "user_access_error",
        "The user does not have access to the application",
    )
    assert (await site.call(await site.token(app, 1), "app.info"))["INSTALLED"] is False


async def test_uninstalling_says_farewell_without_tokens(site: Site) -> None:
    app = await site.add_app()
    handler = await site.bind(app, "/bye", event="OnAppUninstall")
    assert await site.do("app_remove", client_id=app.client_id, clean=True) == {
        "client_id": app.client_id,
        "removed": True,
    }
    (one,) = await site.send_due()
    assert (one.path, one.event) == ("/bye", "ONAPPUNINSTALL")
    assert one.form["data"] == {"LANGUAGE_ID": "en", "CLEAN": "1"}
    assert set(one.auth) == NO_TOKENS
    assert one.auth["application_token"] == app.application_token
    assert one.form["event_handler_id"] == str(handler)


async def test_a_farewell_nobody_hears_is_repeated(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app, "/bye", event="OnAppUninstall")
    site.receiver.will("/bye", 503, 200)
    await site.do("app_remove", client_id=app.client_id)
    await site.send_due()
    site.house.clock.advance(1)
    assert [one.event for one in await site.send_due()] == ["ONAPPUNINSTALL"]


async def test_uninstalling_kills_handlers_and_tokens_at_once(site: Site) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    token = await site.token(app)
    await site.edit(1)  # waits, and is never sent
    await site.do("app_remove", client_id=app.client_id)
    assert await site.send_due() == []
    assert (await site.fault(token, "profile"))[:2] == (401, "NO_AUTH_FOUND")
    await site.edit(1)
    assert await site.send_due() == []
    assert "uninstalled" in await site.why(1, handler)


async def test_an_installation_still_to_be_told_is_forgotten_when_it_is_removed(site: Site) -> None:
    app = await site.add_app(install_url=site.receiver.url + "/install")
    await site.do("app_remove", client_id=app.client_id)
    assert await site.send_due() == []


async def test_one_applications_end_leaves_the_others_alone(site: Site) -> None:
    gone, stays = await site.add_app(), await site.add_app()
    await site.bind(gone, "/gone")
    await site.bind(stays, "/stays")
    await site.do("app_remove", client_id=gone.client_id)
    await site.edit(1)
    assert [one.path for one in await site.send_due()] == ["/stays"]


async def test_a_registration_after_an_uninstallation_is_another_application(site: Site) -> None:
    first = await site.add_app()
    await site.do("app_remove", client_id=first.client_id)
    second = await site.add_app()
    assert first.client_id != second.client_id
    assert first.application_token != second.application_token


async def test_rotating_kills_the_old_secret_and_tokens_and_installs_anew(site: Site) -> None:
    app = await site.add_app(install_url=site.receiver.url + "/install")
    await site.send_due()
    token = await site.token(app)
    rotated = await site.do("app_rotate", client_id=app.client_id)
    assert rotated["client_secret"] != app.client_secret
    assert (await site.fault(token, "profile"))[:2] == (401, "NO_AUTH_FOUND")
    (one,) = await site.send_due()
    assert one.auth["application_token"] == app.application_token
    assert (await site.call(one.auth["access_token"], "user.current"))["ID"] == "1"


async def test_handlers_survive_a_rotation_and_get_tokens_that_work(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app)
    await site.edit(1)
    await site.send_due()
    await site.do("app_rotate", client_id=app.client_id)
    await site.edit(1)
    (one,) = await site.send_due()
    assert (await site.call(one.auth["access_token"], "user.current"))["ID"] == "1"


async def test_a_paused_handler_keeps_its_events_until_it_is_resumed(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.do("handler_state", handler=handler, state="paused")
    await site.edit(1)
    await site.edit(2)
    assert await site.send_due() == []
    assert "paused" in await site.why(1, handler)
    await site.do("handler_state", handler=handler, state="active")
    assert sorted(one.post for one in await site.send_due()) == [1, 2]


@pytest.mark.parametrize("operation", ["app_finish", "app_remove", "app_rotate", "app_open"])
async def test_operations_on_an_application_that_is_not_there_are_refused(site: Site, operation: str) -> None:
    with pytest.raises(Refused, match="no application"):
        await site.do(operation, client_id="local.0.0")
    app = await site.add_app()
    await site.do("app_remove", client_id=app.client_id)
    with pytest.raises(Refused, match="was uninstalled"):
        await site.do(operation, client_id=app.client_id)


async def test_opening_an_application_hands_out_tokens_of_that_person(site: Site) -> None:
    app = await site.add_app(interface=True)
    frame = await site.do("app_open", client_id=app.client_id, user=1)
    assert (await site.call(frame["AUTH_ID"], "user.current"))["ID"] == "1"
    assert frame["APPLICATION_TOKEN"] == app.application_token
    assert frame["member_id"] == site.house.portal.member_id
    with pytest.raises(Refused, match="no active person 99"):
        await site.do("app_open", client_id=app.client_id, user=99)

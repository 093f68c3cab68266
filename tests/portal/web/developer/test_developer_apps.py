"""Applications in the developer area: registered, shown, changed after a page that asks."""

import re

import pytest

from livefeed.portal.apps import registry

from ...browser import Browser, signed_in
from ...site import Site

pytestmark = pytest.mark.anyio

NEW = {"name": "Shop", "scope[0]": "log", "scope[1]": "user", "auth_keys": "extended"}
PAGES = (
    "/developer/",
    "/developer/apps/new",
    "/developer/apps/1",
    "/developer/apps/1/uninstall",
    "/developer/handlers/",
    "/developer/handlers/1",
    "/developer/deliveries/",
    "/developer/deliveries/1/1",
)
FORMS = (
    "/developer/apps",
    "/developer/apps/1/uninstall",
    "/developer/apps/1/rotate",
    "/developer/handlers/1/pause",
    "/developer/handlers/1/test",
    "/developer/handlers/1/resend",
    "/developer/deliveries/1/1/resend",
    "/developer/deliveries/1/1/hurry",
)


async def apps_of(site: Site) -> list[registry.App]:
    return await site.house.store.read(lambda tx: registry.every(tx, site.house.portal.member_id))


async def test_an_application_is_registered_and_its_secrets_are_shown_once(
    site: Site, admin: Browser
) -> None:
    shown = await admin.submit(
        "/developer/apps", seen_at="/developer/apps/new", **NEW, install_url=site.receiver.url + "/install"
    )
    assert shown.status == 200
    (app,) = await apps_of(site)
    secret = re.findall(r'id="client-secret">([A-Za-z0-9]{50})<', shown.text)[0]
    token = re.findall(r'id="application-token">([0-9a-f]{32})<', shown.text)[0]
    assert app.client_id in shown.text
    assert (app.name, app.scopes, app.auth_keys, app.installer) == ("Shop", {"log", "user"}, "extended", 1)
    assert site.house.keys.hash(secret) == app.secret_hash
    assert [one.auth["application_token"] for one in await site.send_due()] == [token]
    page = await admin.get(f"/developer/apps/{app.id}")
    for hidden in (secret, token):
        assert hidden not in page.text
        assert hidden not in (await admin.get("/developer/")).text


async def test_an_application_with_an_interface_is_withheld_in_red_until_it_is_finished(
    site: Site, admin: Browser
) -> None:
    await admin.submit("/developer/apps", seen_at="/developer/apps/new", **NEW, has_interface="Y")
    (app,) = await apps_of(site)
    for page in ("/developer/", f"/developer/apps/{app.id}"):
        text = (await admin.get(page)).text
        assert "events are withheld until the installation is finished" in text
        assert 'class="message problem says" role="alert"' in text
    asked = await admin.get(f"/developer/apps/{app.id}/finish")
    assert f'action="/developer/apps/{app.id}/finish"' in asked.text
    done = await admin.submit(f"/developer/apps/{app.id}/finish", seen_at=f"/developer/apps/{app.id}/finish")
    assert done.headers["location"] == f"/developer/apps/{app.id}?said=finished"
    assert "withheld until" not in (await admin.get(f"/developer/apps/{app.id}")).text
    assert (await admin.get(f"/developer/apps/{app.id}/finish")).status == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 201),
        ("handler_url", "javascript:alert(1)"),
        ("install_url", "//shop.example"),
        ("redirect_uri", "https://shop.example/#x"),
        ("more_scopes", "log, everything"),
        ("auth_keys", "all"),
    ],
)
async def test_what_cannot_be_used_is_marked_and_kept_in_the_form(
    site: Site, admin: Browser, field: str, value: str
) -> None:
    fields = {**NEW, field: value}
    again = await admin.submit("/developer/apps", seen_at="/developer/apps/new", **fields)
    assert again.status == 400
    assert 'class="field-problem"' in again.text
    assert await apps_of(site) == []
    if field != "name":
        assert 'value="Shop"' in again.text


async def test_a_form_without_a_scope_or_with_a_nul_registers_nothing(site: Site, admin: Browser) -> None:
    token = await admin.token("/developer/apps/new")
    assert (await admin.send("/developer/apps", token=token, name="Shop")).status == 400
    assert (await admin.send("/developer/apps", token=token, **{**NEW, "name": "\0"})).status == 400
    assert await apps_of(site) == []


async def test_a_new_secret_ends_the_old_one_and_is_shown_once(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    token = await site.token(app)
    (row,) = await apps_of(site)
    page = f"/developer/apps/{row.id}/rotate"
    shown = await admin.submit(page, seen_at=page)
    secret = re.findall(r'id="client-secret">([A-Za-z0-9]{50})<', shown.text)[0]
    assert secret != app.client_secret
    assert (await site.ask(token, "app.info")).status == 401
    assert secret not in (await admin.get(f"/developer/apps/{row.id}")).text


async def test_an_update_drops_the_handlers_and_says_so(site: Site, admin: Browser) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    (row,) = await apps_of(site)
    page = f"/developer/apps/{row.id}/update"
    scopes = {"scope[0]": "log", "scope[1]": "user", "scope[2]": "im"}
    refused = await admin.submit(page, seen_at=page, version="next", **scopes)
    assert (refused.status, "A version is numbers between points" in refused.text) == (400, True)
    done = await admin.submit(page, seen_at=page, version="2.0.0", **scopes)
    assert done.headers["location"] == f"/developer/apps/{row.id}?said=updated"
    assert (await apps_of(site))[0].release == "2.0.0"
    assert "was updated to 2.0.0" in (await admin.get(f"/developer/handlers/{handler}")).text
    again = await admin.submit(page, seen_at=page, version="2.0.0", **scopes)
    assert (again.status, "has this version already" in again.text) == (400, True)


async def test_reinstalling_and_uninstalling_ask_first(site: Site, admin: Browser) -> None:
    app = await site.add_app(install_url=site.receiver.url + "/install")
    await site.bind(app, "/farewell", event="OnAppUninstall")
    await site.send_due()
    (row,) = await apps_of(site)
    for change in ("reinstall", "uninstall"):
        assert (await admin.get(f"/developer/apps/{row.id}/{change}")).status == 200
    assert (await apps_of(site))[0].state == "installed"
    page = f"/developer/apps/{row.id}/reinstall"
    await admin.submit(page, seen_at=page)
    assert [one.event for one in await site.send_due()] == ["ONAPPINSTALL"]
    await site.bind(app, "/farewell", event="OnAppUninstall")
    page = f"/developer/apps/{row.id}/uninstall"
    done = await admin.submit(page, seen_at=page, clean="Y")
    assert done.headers["location"] == "/developer/?said=removed"
    (farewell,) = await site.send_due()
    assert farewell.form["data"] == {"LANGUAGE_ID": "en", "CLEAN": "1"}
    assert (await admin.get(page)).status == 404
    assert "uninstalled" in (await admin.get("/developer/")).text


async def test_an_application_shows_handlers_widgets_and_what_it_is_told(site: Site, admin: Browser) -> None:
    app = await site.add_app(
        name="<b>Shop</b>", scope="log,placement", install_url=site.receiver.url + "/install", redirect_uri=""
    )
    handler = await site.bind(app, "/events")
    await site.call(
        await site.token(app),
        "placement.bind",
        PLACEMENT="LEFT_MENU",
        HANDLER=site.receiver.url + "/menu",
        TITLE="<i>Menu</i>",
    )
    (row,) = await apps_of(site)
    text = (await admin.get(f"/developer/apps/{row.id}")).text
    assert "&lt;b&gt;Shop&lt;/b&gt;" in text
    assert "&lt;i&gt;Menu&lt;/i&gt;" in text
    assert f'href="/developer/handlers/{handler}"' in text
    assert "ONAPPINSTALL, ONLIVEFEEDPOSTUPDATE" in text


@pytest.mark.parametrize("url", PAGES)
async def test_pages_are_for_administrators_alone(site: Site, url: str) -> None:
    await site.bind(await site.add_app())
    await site.edit(1)
    stranger = await signed_in(site.house, 5, app=site.server.asgi)
    assert (await stranger.get(url)).status == 403
    answer = await Browser(site.server.asgi).get(url)
    assert (answer.status, answer.headers["location"][:12]) == (303, "/login?next=")


@pytest.mark.parametrize("url", FORMS)
async def test_forms_are_for_administrators_and_only_our_own(site: Site, admin: Browser, url: str) -> None:
    await site.bind(await site.add_app())
    await site.edit(1)
    stranger = await signed_in(site.house, 5, app=site.server.asgi)
    assert (await stranger.submit(url, **NEW, since="2026-01-01T00:00")).status == 403
    for token in ({}, {"token": ""}, {"token": await stranger.token()}):
        assert (await admin.send(url, **NEW, **token)).status == 403
    foreign = {"origin": "https://evil.example"}
    assert (await admin.send(url, headers=foreign, token=await admin.token(), **NEW)).status == 403
    assert [app.state for app in await apps_of(site)] == ["installed"]
    assert await site.states(post=1) == ["waiting"]


@pytest.mark.parametrize(
    "url",
    [
        *(
            "/developer/apps/0",
            "/developer/apps/x",
            f"/developer/apps/{'9' * 30}",
            "/developer/apps/1/nothing",
        ),
        *("/developer/handlers/0", f"/developer/handlers/{'9' * 30}", "/developer/handlers/-1"),
        *(
            "/developer/deliveries/0/0",
            f"/developer/deliveries/{'9' * 30}/{'9' * 30}",
            "/developer/deliveries/x/y",
        ),
    ],
)
async def test_what_does_not_exist_is_a_plain_page(admin: Browser, url: str) -> None:
    assert (await admin.get(url)).status == 404


async def test_pages_are_read_in_russian(site: Site, admin: Browser) -> None:
    await site.bind(await site.add_app(interface=True))
    admin.cookies["livefeed_language"] = "ru"
    text = (await admin.get("/developer/")).text
    assert "события не отправляются, пока установка не завершена" in text
    assert "Доставки" in text

"""The page around a frame, and what comes through it, without a browser."""

import html
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ..asgi import Response, request
from ..browser import Browser, signed_in
from ..site import App, Site

pytestmark = pytest.mark.anyio

SCOPE = "log,user,im,placement"
HOME = "https://app.example.com/home?kind=own"
INSTALLER = "https://app.example.com/install"
WIDGET = "https://widgets.example.com/post"


@dataclass
class Frame:
    """What a browser finds on the page."""

    page: Response
    browser: Browser
    app: int
    sid: str
    name: str
    action: str
    fields: dict[str, str]
    token: str

    async def command(
        self, name: str, /, *, sid: str = "", headers: dict[str, str] | None = None, **params: Any
    ) -> Any:
        answer = await self.send(name, sid=sid, headers=headers, **params)
        assert answer.status == 200, answer.text
        return answer.json()["answer"]

    async def send(
        self, name: str, /, *, sid: str = "", headers: dict[str, str] | None = None, **params: Any
    ) -> Response:
        sent = {"content-type": "application/json", "x-livefeed-token": self.token, **(headers or {})}
        return await self.browser.send_json(f"/apps/{self.app}/frame/{sid or self.sid}/{name}", params, sent)


class Wire(Browser):
    """A browser that can send JSON too, as the page's own script does."""

    async def send_json(self, url: str, document: Any, headers: dict[str, str]) -> Response:
        return await self.raw(url, json.dumps(document).encode(), headers)

    async def raw(self, url: str, body: bytes, headers: dict[str, str]) -> Response:
        return await request(self._app, "POST", url, body=body, headers=self._headers(headers))


async def someone(site: Site, person: int = 1) -> Wire:
    known = await signed_in(site.house, person, app=site.server.asgi)
    browser = Wire(site.server.asgi)
    browser.cookies = known.cookies
    return browser


async def number(site: Site, app: App) -> int:
    rows = await site.run(
        lambda tx: tx.execute("SELECT id FROM app WHERE client_id = ?", (app.client_id,)).fetchone()
    )
    return int(rows[0])


async def with_pages(site: Site, *, finished: bool = True, **given: Any) -> App:
    app = await site.add_app(
        **{"scope": SCOPE, "interface": True, "handler_url": HOME, "install_url": INSTALLER, **given}
    )
    if finished:
        await site.do("app_finish", client_id=app.client_id)
    return app


async def opened(site: Site, app: App, *, person: int = 1, query: str = "", **headers: str) -> Frame:
    browser, app_id = await someone(site, person), await number(site, app)
    page = await browser.get(f"/apps/{app_id}/{query}", **headers)
    assert page.status == 200, page.text
    (form,) = re.findall(r'<form class="open".*?</form>', page.text, flags=re.DOTALL)
    fields = {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)
    }
    return Frame(
        page=page,
        browser=browser,
        app=app_id,
        sid=re.findall(r'data-sid="(\w+)"', page.text)[0],
        name=html.unescape(re.findall(r'<iframe name="([^"]+)"', page.text)[0]),
        action=html.unescape(re.findall(r'action="([^"]+)"', form)[0]),
        fields=fields,
        token=re.findall(r'data-token="(\w+)"', page.text)[0],
    )


def policy_of(frame: Frame) -> dict[str, str]:
    directives = frame.page.headers["content-security-policy"].split("; ")
    return {name: rest for name, _, rest in (one.partition(" ") for one in directives)}


async def bound(site: Site, app: App, place: str, handler: str = WIDGET) -> int:
    await site.call(await site.token(app), "placement.bind", PLACEMENT=place, HANDLER=handler, TITLE="Widget")
    rows = await site.run(lambda tx: tx.execute("SELECT max(id) FROM placement").fetchone())
    return int(rows[0])


async def test_the_form_and_the_name_of_the_frame_are_as_documented(site: Site):
    app = await with_pages(site)
    frame = await opened(site, app, person=3)

    assert frame.name == f"127.0.0.1:8024|0|{frame.sid}"
    assert f'target="{frame.name}"' in frame.page.text
    assert frame.action.startswith("https://app.example.com/home?kind=own&")
    assert parse_qs(urlsplit(frame.action).query) == {
        "kind": ["own"],
        "DOMAIN": ["127.0.0.1:8024"],
        "PROTOCOL": ["0"],
        "LANG": ["ru"],
        "APP_SID": [frame.sid],
    }
    assert list(frame.fields) == [
        "AUTH_ID",
        "AUTH_EXPIRES",
        "REFRESH_ID",
        "SERVER_ENDPOINT",
        "APPLICATION_TOKEN",
        "APPLICATION_SCOPE",
        "member_id",
        "status",
        "PLACEMENT",
    ]
    assert frame.fields["APPLICATION_TOKEN"] == app.application_token
    assert frame.fields["PLACEMENT"] == "DEFAULT"
    assert (await site.call(frame.fields["AUTH_ID"], "profile"))["ID"] == "3"
    again = await opened(site, app, person=3)
    assert (again.sid, again.fields["AUTH_ID"]) != (frame.sid, frame.fields["AUTH_ID"])


async def test_the_page_may_show_this_application_and_nothing_else(site: Site):
    app = await with_pages(site)
    placement = await bound(site, app, "LEFT_MENU")
    own = policy_of(await opened(site, app))
    widget = policy_of(await opened(site, app, query=f"?placement={placement}"))

    assert own["frame-src"] == "https://app.example.com"
    assert own["form-action"] == "'self' https://app.example.com"
    assert own["frame-ancestors"] == "'none'"
    assert own["script-src"] == own["style-src"] == "'self'"
    assert own["connect-src"] == "'self' https://app.example.com"
    assert widget["frame-src"] == "https://app.example.com https://widgets.example.com"


async def test_the_page_works_without_scripts_through_a_button(site: Site):
    text = (await opened(site, await with_pages(site))).page.text

    assert '<button type="submit">Open</button>' in text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=)", text)


async def test_before_the_installation_is_finished_administrators_get_the_installer_and_others_a_word(
    site: Site,
):
    app = await with_pages(site, finished=False)
    frame = await opened(site, app)
    assert frame.action.startswith(INSTALLER)
    assert "not fully installed" in frame.page.text

    refused = await (await someone(site, 4)).get(f"/apps/{frame.app}/")
    assert refused.status == 403
    assert "not fully installed" in refused.text
    assert "AUTH_ID" not in refused.text


async def test_one_without_an_installer_of_its_own_is_finished_by_its_page(site: Site):
    app = await with_pages(site, finished=False, install_url="")
    frame = await opened(site, app)

    assert frame.action.startswith("https://app.example.com/home")
    assert (await frame.command("getInitData"))["INSTALL"] is True


async def test_what_get_init_data_says_has_the_types_that_libraries_insist_on(site: Site):
    app = await with_pages(site)
    await site.call(await site.token(app), "app.option.set", options={"colour": "blue"})
    frame = await opened(site, app, person=3)
    data = await frame.command("getInitData")

    assert {name: data[name] for name in data if not name.endswith("_ID")} == {
        "LANG": "ru",
        "DOMAIN": "127.0.0.1:8024",
        "PROTOCOL": "0",
        "PATH": "/rest",
        "AUTH_EXPIRES": 3600,
        "IS_ADMIN": False,
        "INSTALL": False,
        "FIRST_RUN": True,
        "PLACEMENT": "DEFAULT",
        "PLACEMENT_OPTIONS": {},
        "APP_OPTIONS": {"colour": "blue"},
        "USER_OPTIONS": {},
    }
    assert data["MEMBER_ID"] == site.house.portal.member_id
    assert (await site.call(data["AUTH_ID"], "profile"))["ID"] == "3"


async def test_the_first_run_is_once_for_each_person(site: Site):
    app = await with_pages(site)
    frame = await opened(site, app, person=3)
    assert await frame.command("setInstall", install=True) is None

    assert (await (await opened(site, app, person=3)).command("getInitData"))["FIRST_RUN"] is False
    assert (await (await opened(site, app, person=4)).command("getInitData"))["FIRST_RUN"] is True


async def test_install_finish_from_the_installer_ends_the_withholding(site: Site):
    app = await with_pages(site, finished=False)
    handler = await site.bind(app)
    await site.bind(app, "/installed", event="OnAppInstall")
    frame = await opened(site, app)
    data = await frame.command("getInitData")
    assert (data["INSTALL"], data["FIRST_RUN"]) == (True, False)
    assert await frame.command("setInstallFinish") == {"finished": True}

    assert [(one.path, one.event) for one in await site.send_due()] == [("/installed", "ONAPPINSTALL")]
    assert (await opened(site, app)).action.startswith("https://app.example.com/home")
    await site.edit(1)
    assert [one.event for one in await site.send_due()] == ["ONLIVEFEEDPOSTUPDATE"]
    assert handler
    assert await frame.command("setInstallFinish") == {"finished": False}


async def test_install_finish_from_any_other_page_has_no_effect(site: Site):
    app = await with_pages(site)
    frame = await opened(site, app)
    await site.do("app_reinstall", client_id=app.client_id)

    assert (await frame.send("setInstallFinish")).status == 403  # what was open is over
    assert (await opened(site, app)).action.startswith(INSTALLER)


async def test_refreshing_gives_another_pair_that_works(site: Site):
    frame = await opened(site, await with_pages(site), person=3)
    first, second = await frame.command("refreshAuth"), await frame.command("refreshAuth")

    assert set(first) == {"AUTH_ID", "REFRESH_ID", "AUTH_EXPIRES"}
    assert first["AUTH_EXPIRES"] == 3600
    assert first["AUTH_ID"] != second["AUTH_ID"]
    assert (await site.call(second["AUTH_ID"], "profile"))["ID"] == "3"


async def test_options_are_set_through_the_frame_by_whom_may(site: Site):
    app = await with_pages(site)
    admin, anna = await opened(site, app), await opened(site, app, person=3)

    assert await admin.command("setAppOption", name="colour", value={"h": 3}) == {"colour": {"h": 3}}
    assert await anna.command("setUserOption", name="view", value="list") == {"view": "list"}
    assert await anna.command("setAppOption", name="colour", value="red") == {
        "result": "error",
        "errorCode": "ACCESS_DENIED",
    }
    assert await anna.command("setUserOption", name="", value=1) == {
        "result": "error",
        "errorCode": "ERROR_ARGUMENT",
    }
    data = await anna.command("getInitData")
    assert (data["APP_OPTIONS"], data["USER_OPTIONS"]) == ({"colour": {"h": 3}}, {"view": "list"})


async def test_a_slider_is_the_application_again_with_what_it_was_opened_with(site: Site):
    app = await with_pages(site)
    frame = await opened(site, app, person=3)
    slider = await frame.command("openApplication", opened=True, bx24_title="Settings")

    assert slider["sid"] != frame.sid
    assert slider["name"] == f"127.0.0.1:8024|0|{slider['sid']}"
    assert slider["origin"] == "https://app.example.com"
    assert json.loads(slider["fields"]["PLACEMENT_OPTIONS"]) == {
        "opened": True,
        "bx24_title": "Settings",
        "IFRAME": "Y",
        "IFRAME_TYPE": "SIDE_SLIDER",
    }
    data = await frame.command("getInitData", sid=slider["sid"])
    assert data["PLACEMENT_OPTIONS"]["opened"] is True


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/posts/1", {"page": "/posts/1"}),
        ("/company/personal/user/2/blog/1/?IFRAME=Y", {"page": "/posts/1"}),
        ("/workgroups/group/0/card/../../../../posts/1/?IFRAME=Y", {"page": "/posts/1"}),
    ],
)
async def test_a_path_on_the_list_opens(site: Site, path: str, answer: dict[str, str]):
    assert await (await opened(site, await with_pages(site))).command("openPath", path=path) == answer


@pytest.mark.parametrize(
    "path",
    [
        "",
        "posts/1",
        "//evil.example/posts/1",
        "/\\evil.example/posts/1",
        "https://evil.example/posts/1",
        "javascript:alert(1)",
        "/posts/1/../../admin/api/app_remove",
        "/posts/1/delete",
        "/developer/",
        "/logout",
        "/posts/%2e%2e/developer/",
        "/posts/1\n",
        "/crm/deal/details/5/",
        "/marketplace/view/local.nothing/",
        "/posts/" + "1" * 30,
        "/posts/1?" + "x" * 3_000,
    ],
)
async def test_any_other_path_is_not_available(site: Site, path: str):
    answer = await (await opened(site, await with_pages(site))).command("openPath", path=path)

    assert answer == {"result": "error", "errorCode": "PATH_NOT_AVAILABLE"}


async def test_a_widget_under_a_post_is_told_the_post_and_the_page_it_was_opened_from(site: Site):
    app = await with_pages(site)
    placement = await bound(site, app, "LIVEFEED_POST")
    frame = await opened(
        site, app, person=3, query=f"?placement={placement}&post=1", referer="http://127.0.0.1:8024/?before=9"
    )

    assert frame.action.startswith(WIDGET)
    assert frame.fields["PLACEMENT"] == "LIVEFEED_POST"
    assert json.loads(frame.fields["PLACEMENT_OPTIONS"]) == {"POST_ID": "1", "URI": "/?before=9"}
    data = await frame.command("getInitData")
    assert data["PLACEMENT_OPTIONS"] == {"POST_ID": "1", "URI": "/?before=9"}


async def test_the_address_of_another_site_is_not_passed_on(site: Site):
    app = await with_pages(site)
    placement = await bound(site, app, "LEFT_MENU")
    frame = await opened(site, app, query=f"?placement={placement}", referer="https://other.example/secret")

    assert frame.fields["PLACEMENT"] == "LEFT_MENU"
    assert "PLACEMENT_OPTIONS" not in frame.fields


async def test_a_widget_of_a_post_that_one_may_not_see_does_not_open(site: Site):
    app = await with_pages(site)
    placement, app_id = await bound(site, app, "LIVEFEED_POST"), await number(site, app)
    browser = await someone(site, 3)

    for post in ("3", "999", "", "x"):  # 3 is addressed to others
        page = await browser.get(f"/apps/{app_id}/?placement={placement}&post={post}")
        assert page.status == 404
        assert "AUTH_ID" not in page.text


async def test_a_link_to_an_application_passes_its_parameters_on(site: Site):
    app = await with_pages(site)
    await bound(site, app, "REST_APP_URI")
    page = await (await someone(site, 3)).get(
        f"/marketplace/view/{app.client_id}/?params[test]=y&params[a][b]=1"
    )

    assert page.status == 200
    (options,) = re.findall(r'name="PLACEMENT_OPTIONS" value="([^"]*)"', page.text)
    assert json.loads(html.unescape(options)) == {"test": "y", "a": {"b": "1"}}
    assert 'value="REST_APP_URI"' in page.text
    assert (await (await someone(site, 3)).get("/marketplace/view/local.none/")).status == 404


async def test_what_is_not_there_does_not_open(site: Site):
    app, silent = await with_pages(site), await site.add_app(handler_url=HOME)
    other = await with_pages(site)
    placement = await bound(site, other, "LEFT_MENU")
    browser, app_id = await someone(site), await number(site, app)
    await site.do("app_remove", client_id=other.client_id)

    for path in (
        "/apps/999/",
        "/apps/x/",
        f"/apps/{await number(site, silent)}/",
        f"/apps/{await number(site, other)}/",
        f"/apps/{app_id}/?placement=999",
        f"/apps/{app_id}/?placement=x",
        f"/apps/{app_id}/?placement={placement}",
    ):
        assert (await browser.get(path)).status == 404, path


async def test_who_is_not_signed_in_is_asked_to(site: Site):
    app_id = await number(site, await with_pages(site))
    answer = await Wire(site.server.asgi).get(f"/apps/{app_id}/?placement=1")

    assert answer.status == 303
    assert answer.headers["location"].startswith("/login?next=/apps/")


async def test_a_command_needs_the_very_person_session_frame_and_application(site: Site):
    app, other = await with_pages(site), await with_pages(site)
    mine, theirs = await opened(site, app, person=3), await opened(site, app, person=4)
    again = await someone(site, 3)
    answers = {
        "another person": await theirs.send("getInitData", sid=mine.sid),
        "another session of the same person": await again.send_json(
            f"/apps/{mine.app}/frame/{mine.sid}/getInitData",
            {},
            {"x-livefeed-token": (await opened(site, app, person=3)).token},
        ),
        "another application": await mine.browser.send_json(
            f"/apps/{await number(site, other)}/frame/{mine.sid}/getInitData",
            {},
            {"x-livefeed-token": mine.token},
        ),
        "no such frame": await mine.send("getInitData", sid="0" * 32),
        "no form token": await mine.send("getInitData", headers={"x-livefeed-token": ""}),
        "the token of another session": await mine.send(
            "getInitData", headers={"x-livefeed-token": theirs.token}
        ),
        "another site": await mine.send("getInitData", headers={"origin": "https://evil.example"}),
        "nobody": await Wire(site.server.asgi).send_json(
            f"/apps/{mine.app}/frame/{mine.sid}/getInitData", {}, {"x-livefeed-token": mine.token}
        ),
    }

    assert dict.fromkeys(answers, 403) == {case: answer.status for case, answer in answers.items()}
    assert not any("AUTH_ID" in answer.text for answer in answers.values())


async def test_a_frame_is_over_after_a_day(site: Site):
    frame = await opened(site, await with_pages(site))
    site.house.clock.advance(24 * 3600 + 1)

    assert (await frame.send("refreshAuth")).status == 403


async def test_a_command_that_is_not_one_or_cannot_be_read_is_refused(site: Site):
    frame = await opened(site, await with_pages(site))
    url = f"/apps/{frame.app}/frame/{frame.sid}/setUserOption"
    headers = {"x-livefeed-token": frame.token, "content-type": "application/json"}

    assert (await frame.send("dropTables")).status == 404
    assert (await frame.send("__proto__")).status == 404
    for body in (b"{", b"[]", b"\xff", b'"x"', b"[" * 60_000, b'{"a":"' + b"x" * 140_000 + b'"}'):
        assert (await frame.browser.raw(url, body, headers)).status == 400


async def test_a_title_with_markup_is_only_text(site: Site):
    app = await with_pages(site, name="<script>mark(1)</script>")
    page = (await opened(site, app)).page.text

    assert "<script>mark" not in page
    assert "&lt;script&gt;mark(1)" in page


async def test_secrets_are_on_no_page_but_the_frames_own(site: Site):
    app = await with_pages(site)
    await bound(site, app, "LEFT_MENU")
    browser = await someone(site)

    assert app.application_token not in (await browser.get("/")).text


async def test_an_application_that_is_not_paid_for_does_not_open_and_what_is_open_is_over(site: Site):
    app = await with_pages(site)
    frame = await opened(site, app)
    await site.do("app_payment", client_id=app.client_id, status="T", until="2000-01-01T00:00:00Z")

    assert (await frame.browser.get(f"/apps/{frame.app}/")).status == 402
    assert (await frame.send("refreshAuth")).status == 403


async def test_the_page_is_not_fetched_again_by_itself(site: Site):
    text = (await opened(site, await with_pages(site))).page.text

    assert "live.js" not in text
    assert "data-live-from" not in text

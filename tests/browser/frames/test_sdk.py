"""The vendor's JavaScript SDK, unmodified, in a frame on the portal's page."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.frames.conftest import App, inside
from tests.browser.frames.grounds import Grounds, Site, pages

AddApp = Callable[..., App]
Visit = Callable[..., Page]


def test_the_library_starts_and_calls_rest_from_another_origin(
    add_app: AddApp, visit: Visit, grounds: Grounds
):
    frame = inside(visit(add_app().path, person=3))

    answer = frame.evaluate("call('profile')")
    assert (answer["result"]["ID"], answer["result"]["ADMIN"]) == ("3", False)
    assert answer["time"]["duration"] >= 0
    auth = frame.evaluate("b24.auth.getAuthData()")
    assert (auth["domain"], auth["member_id"]) == (grounds.url, grounds.portal.member_id)
    assert frame.evaluate("[b24.auth.isAdmin, b24.isInstallMode, b24.getLang()]") == [False, False, "ru"]


def test_what_was_posted_is_what_the_library_was_told(
    add_app: AddApp, visit: Visit, site: Site, grounds: Grounds
):
    frame = inside(visit(add_app().path))

    handed = frame.evaluate("handed")
    assert handed["APP_SID"] == frame.evaluate("b24.getAppSid()")
    assert f"http://{handed['DOMAIN']}" == grounds.url
    assert (handed["PROTOCOL"], handed["PLACEMENT"]) == ("0", "DEFAULT")
    assert site.got[-1]["AUTH_ID"]


def test_a_token_that_is_over_is_refreshed_and_the_call_repeated(
    add_app: AddApp, visit: Visit, grounds: Grounds
):
    page = visit(add_app().path, person=3)
    frame = inside(page)
    before = frame.evaluate("b24.auth.getAuthData().access_token")
    statuses: list[int] = []
    page.on("response", lambda answer: "/rest/" in answer.url and statuses.append(answer.status))
    grounds.clock.advance(2 * 3600)

    assert frame.evaluate("call('profile')")["result"]["ID"] == "3"
    assert [status for status in statuses if status != 204] == [401, 200]
    assert frame.evaluate("b24.auth.getAuthData().access_token") != before


def test_the_first_run_is_told_once_for_each_person(add_app: AddApp, visit: Visit):
    app = add_app()

    assert inside(visit(app.path, person=3)).evaluate("b24.isFirstRun") is True
    assert inside(visit(app.path, person=3)).evaluate("b24.isFirstRun") is False
    assert inside(visit(app.path, person=4)).evaluate("b24.isFirstRun") is True


def test_options_are_written_read_and_kept(add_app: AddApp, visit: Visit):
    app = add_app()
    admin = inside(visit(app.path))
    admin.evaluate("b24.options.appSet('colour', {h: 3})")
    admin.evaluate("b24.options.userSet('view', 'list')")

    again = inside(visit(app.path))
    assert again.evaluate("b24.options.appGet('colour')") == {"h": 3}
    assert again.evaluate("b24.options.userGet('view')") == "list"
    assert again.evaluate("call('app.option.get')")["result"] == {"colour": {"h": 3}}
    anna = inside(visit(app.path, person=3))
    assert anna.evaluate("b24.options.appGet('colour')") == {"h": 3}
    anna.evaluate("b24.options.appSet('colour', 'red')")
    assert anna.evaluate("call('app.option.get', {option: 'colour'})")["result"] == {"h": 3}


def test_the_installer_finishes_and_the_page_comes_back_with_the_application(
    add_app: AddApp, visit: Visit, site: Site
):
    app = add_app(finished=False)
    page = visit(app.path)
    installer = inside(page)
    assert installer.evaluate("[b24.isInstallMode, location.pathname]") == [True, "/install"]
    assert "not fully installed" in page.inner_text(".application .message >> nth=0")
    installer.evaluate(
        "call('event.bind', {event: 'OnLiveFeedPostUpdate', handler: 'https://app.example.com/events'})"
    )
    installer.evaluate("call('placement.bind', {PLACEMENT: 'LEFT_MENU', HANDLER: location.origin + '/menu'})")
    assert installer.evaluate("call('app.info')")["result"]["INSTALLED"] is False
    with page.expect_navigation():
        installer.evaluate("void b24.installFinish()")

    home = inside(page)
    assert home.evaluate("[b24.isInstallMode, b24.isFirstRun, location.pathname]") == [False, True, "/home"]
    assert home.evaluate("call('app.info')")["result"]["INSTALLED"] is True
    assert [one["path"] for one in site.got if one["path"] == "/install"] == ["/install"]


def test_a_person_is_told_that_the_installation_is_not_finished(add_app: AddApp, visit: Visit):
    page = visit(add_app(finished=False).path, person=4)

    expect(page.get_by_role("heading", level=1)).to_have_text("This application is not fully installed")
    assert page.query_selector("iframe") is None


def test_a_slider_opens_the_application_with_parameters_and_closes_from_within(add_app: AddApp, visit: Visit):
    page = visit(add_app().path, person=3)
    frame = inside(page)
    frame.evaluate(
        "window.ended = null; b24.slider.openSliderAppPage({task: 5, bx24_title: 'Settings'})"
        ".then((answer) => { ended = String(answer) }); 0"
    )
    slider = inside(page, slider=True)

    assert slider.evaluate("[b24.placement.options.task, b24.placement.isSliderMode]") == [5, True]
    assert json.loads(slider.evaluate("handed.PLACEMENT_OPTIONS"))["bx24_title"] == "Settings"
    assert slider.evaluate("b24.getAppSid()") != frame.evaluate("b24.getAppSid()")
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text("Settings")
    assert frame.evaluate("ended") is None
    slider.evaluate("void b24.slider.closeSliderAppPage()")
    frame.wait_for_function("ended !== null")
    assert page.query_selector("dialog") is None
    assert frame.evaluate("call('profile')")["result"]["ID"] == "3"


def test_a_slider_closes_by_keyboard(add_app: AddApp, visit: Visit):
    page = visit(add_app().path)
    frame = inside(page)
    frame.evaluate("window.ended = 0; b24.slider.openSliderAppPage({}).then(() => { ended = 1 }); 0")
    inside(page, slider=True)
    page.get_by_role("dialog").get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")

    frame.wait_for_function("ended === 1")


def test_a_post_opens_over_the_application_and_nothing_else_does(add_app: AddApp, visit: Visit):
    page = visit(add_app().path, person=3)
    frame = inside(page)
    frame.evaluate(
        "window.done = null; b24.slider.openPath(b24.slider.getUrl('/company/personal/user/2/blog/1/'), 950)"
        ".then((answer) => { done = answer }); 0"
    )
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading").first).to_be_visible()
    page.keyboard.press("Escape")
    frame.wait_for_function("done !== null")

    for path in ("/developer/", "/posts/1/../../developer/", "/crm/deal/details/5/"):
        refused = frame.evaluate(
            "(path) => b24.slider.openPath(b24.slider.getUrl(path)).catch((error) => String(error))", path
        )
        assert "PATH_NOT_AVAILABLE" in json.dumps(refused)
    assert page.query_selector("dialog") is None


def test_the_page_does_what_its_application_may_ask_for(add_app: AddApp, visit: Visit):
    page = visit(add_app().path)
    frame = inside(page)
    frame.evaluate("b24.parent.setTitle('Hi: <b>there</b>')")
    frame.evaluate("b24.parent.resizeWindow(400, 1500)")
    frame.evaluate("b24.parent.scrollParentWindow(200)")

    expect(page.get_by_role("heading", level=1)).to_have_text("Hi: <b>there</b>")
    box = page.locator(".application > iframe").bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (400, 1500)
    assert page.evaluate("scrollY") == 200
    assert frame.evaluate("b24.placement.getInterface()") == {"command": [], "event": []}
    assert frame.evaluate("b24.dialog.selectUser()") is None
    assert frame.evaluate("b24.dialog.selectUsers()") == []
    with page.expect_navigation():
        frame.evaluate("void b24.parent.reloadWindow()")
    inside(page)


def test_without_scripts_a_button_opens_the_application(add_app: AddApp, visit: Visit, site: Site):
    page = visit(add_app(handler_url=f"{site.url}/plain").path, person=3, java_script_enabled=False)
    page.get_by_role("button", name="Открыть").click()

    expect(page.frame_locator(".application > iframe").get_by_role("heading")).to_have_text("/plain")
    assert site.got[-1]["PLACEMENT"] == "DEFAULT"


def test_an_application_that_does_not_answer_is_told_of_and_can_be_opened_later(
    add_app: AddApp, visit: Visit, sdk: bytes
):
    with pages(sdk) as gone:
        pass
    page = visit(add_app(handler_url=f"{gone.url}/home").path, complains_of="ERR_CONNECTION_REFUSED")

    expect(page.get_by_role("alert")).to_have_text(
        f"The application does not answer at {gone.url}. Open it again once it does."
    )
    assert page.locator(".application > iframe").is_hidden()
    with pages(sdk, port=int(gone.url.rpartition(":")[2])):
        page.get_by_role("button", name="Open").press("Enter")
        inside(page)
        assert page.get_by_role("alert").is_hidden()


def test_an_application_that_uses_no_library_is_shown_as_one_that_answers(
    add_app: AddApp, visit: Visit, site: Site
):
    page = visit(add_app(handler_url=f"{site.url}/silent").path)

    page.wait_for_function(
        "address => performance.getEntriesByName(address).length > 0", arg=f"{site.url}/favicon.ico"
    )
    expect(page.frame_locator(".application > iframe").get_by_role("heading")).to_have_text("/silent")
    assert page.get_by_role("alert").is_hidden()
    assert page.get_by_role("button", name="Open").is_hidden()


@pytest.mark.parametrize("place", ["LEFT_MENU", "LIVEFEED_POST"])
def test_a_widget_opens_from_where_it_is_shown(
    add_app: AddApp, visit: Visit, grounds: Grounds, site: Site, place: str
):
    app = add_app(name=f"Widgets {place}")
    admin = inside(visit(app.path))
    asked = {"PLACEMENT": place, "HANDLER": f"{site.url}/widget", "TITLE": f"Look {place}"}
    assert admin.evaluate("(asked) => call('placement.bind', asked)", asked)["result"] is True
    page = visit("/posts/1", person=3)
    page.get_by_role("link", name=f"Look {place}").first.click()
    frame = inside(page)

    assert frame.evaluate("location.pathname") == "/widget"
    assert frame.evaluate("b24.placement.title") == place
    options = {"URI": "/posts/1", **({"POST_ID": "1"} if place == "LIVEFEED_POST" else {})}
    assert frame.evaluate("b24.placement.options") == options
    assert json.loads(frame.evaluate("handed.PLACEMENT_OPTIONS")) == options
    post = frame.evaluate("call('log.blogpost.get', {POST_ID: 1})")["result"]
    assert [one["ID"] for one in post] == ["1"]

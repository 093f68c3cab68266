"""What people do, in Chromium, from the first click to what they see at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.frames.grounds import Site, pages
from tests.browser.watching import Watched
from tests.clients.sdk_js import UMD
from tests.system.demo import Demo
from tests.system.world import rest

Opening = Callable[..., Watched]


@pytest.fixture(scope="module")
def site(node_modules: Path) -> Iterator[Site]:
    """An application whose pages use the vendor's library."""
    with pages((node_modules / UMD).read_bytes()) as opened:
        yield opened


def post_of(demo: Demo, author: int = 1, **more: Any) -> int:
    """A post of a person, addressed to everyone."""
    texts = {"POST_TITLE": "Holidays", "POST_MESSAGE": "1 to 14 June", **more}
    return int(rest(demo.webhook(author), "log.blogpost.add", **texts))


def edit(demo: Demo, post: int, text: str, author: int = 1) -> None:
    """Another text for a post, over REST."""
    rest(demo.webhook(author), "log.blogpost.update", POST_ID=post, POST_TITLE="Holidays", POST_MESSAGE=text)


def shows_the_difference(page: Page) -> None:
    expect(page.locator("del", has_text="1").first).to_be_visible()
    expect(page.locator("ins", has_text="3").first).to_be_visible()


def test_a_person_signs_in_with_login_and_password_and_out_again(somebody: Opening, demo: Demo):
    person = demo.document["people"][3]
    page = somebody().page()
    page.goto("/bell")
    page.get_by_label("Login").fill(person["login"])
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(person["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/bell")

    page.locator("summary", has_text=person["name"]).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login*")
    page.goto("/")
    page.wait_for_url("**/login?next=/")


def test_an_edit_changes_the_open_pages_of_others_without_a_reload(somebody: Opening, demo: Demo):
    post = post_of(demo)
    rest(demo.webhook(4), "log.blogcomment.add", POST_ID=post, TEXT="I am in")
    reader = somebody().sign_in(demo.name(4), then=f"/posts/{post}")
    listener = somebody().sign_in(demo.name(4), then="/bell")
    for page in (reader, listener):
        page.evaluate("() => { window.staysTheSame = true }")
    writer = somebody().sign_in(demo.name(1), then=f"/posts/{post}/edit")

    writer.get_by_label("Text", exact=True).fill("3 to 14 June")
    writer.get_by_role("button", name="Save").click()

    expect(reader.get_by_text("3 to 14 June").first).to_be_visible()
    expect(listener.locator("del", has_text="1").first).to_be_visible()
    for page in (reader, listener):
        assert page.evaluate("() => window.staysTheSame") is True


def test_the_history_shows_what_went_and_what_came_in_one_column_and_side_by_side(
    somebody: Opening, demo: Demo
):
    post = post_of(demo)
    edit(demo, post, "3 to 14 June")
    page = somebody().sign_in(demo.name(2), then=f"/posts/{post}")

    page.locator("a.edited").first.click()
    shows_the_difference(page)
    page.get_by_role("link", name="Side by side").click()
    shows_the_difference(page)
    expect(page.locator("table.diff")).to_be_visible()


def test_an_application_with_pages_is_registered_and_installed_to_the_end(
    somebody: Opening, demo: Demo, site: Site
):
    page = somebody().sign_in(demo.name(1), then="/developer/")
    page.get_by_role("link", name="New application").click()
    page.get_by_label("Name").fill("Stock keeper")
    page.get_by_label("Page of the application").fill(f"{site.url}/home")
    page.get_by_label("Installation address").fill(f"{site.url}/install")
    page.get_by_label("It has an interface").check()
    page.get_by_role("button", name="Register").click()
    secret = page.locator("#client-secret").inner_text()
    page.get_by_role("link", name="I have copied them").click()
    assert secret not in page.content()
    expect(page.get_by_role("alert")).to_contain_text("withheld until the installation is finished")

    page.get_by_role("link", name="open it").click()
    installer = page.frame_locator(".application > iframe")
    expect(installer.locator("#state")).to_have_text("ready")
    expect(installer.locator("h1")).to_have_text("/install")
    frame = page.locator(".application > iframe").element_handle().content_frame()
    assert frame is not None
    frame.evaluate("() => { b24.installFinish() }")

    expect(page.frame_locator(".application > iframe").locator("h1")).to_have_text("/home")
    page.goto("/developer/")
    page.locator("main").get_by_role("link", name="Stock keeper").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_widget_on_a_post_shows_its_history_with_the_rights_of_who_opens_it(
    somebody: Opening, demo: Demo
):
    edit(demo, 1, "From 3 to 14 June")
    page = somebody().sign_in(demo.name(6), then="/posts/1")

    page.locator("main a.widget", has_text="Edit history").click()
    page.wait_for_url("**/apps/**")
    frame = page.frame_locator("iframe")

    expect(frame.locator("del", has_text="1").first).to_be_visible()
    expect(frame.locator("ins", has_text="3").first).to_be_visible()


def test_an_administrator_redacts_a_version_in_the_frame(somebody: Opening, demo: Demo):
    edit(demo, 11, "Call me at home")
    page = somebody().sign_in(demo.name(1), then="/posts/11")
    page.locator("main a.widget", has_text="Edit history").click()
    page.wait_for_url("**/apps/**")
    frame = page.frame_locator("iframe")

    redact = frame.locator("summary", has_text="Redact version 2")
    for _ in range(50):  # until the notifier has seen the edit
        expect(frame.locator("h1")).to_be_visible()
        if redact.count():
            break
        page.reload()
    redact.click()
    frame.get_by_label("Reason").fill("private")
    frame.get_by_role("button", name="Redact version 2").click()

    expect(frame.get_by_text("The words of version 2 were redacted.")).to_be_visible()
    expect(frame.get_by_text("Call me at home")).to_have_count(0)


def test_a_failed_delivery_is_explained_and_sent_again(somebody: Opening, demo: Demo, site: Site):
    page = somebody().sign_in(demo.name(1), then="/developer/webhooks/outgoing/new")
    page.get_by_label("Name").fill("Out of order")
    page.get_by_label("Address").fill(f"{site.url}/busy")
    page.locator("label", has_text="ONLIVEFEEDPOSTADD").click()
    page.get_by_role("button", name="Make webhook").click()
    expect(page.get_by_text("The webhook is made")).to_be_visible()
    webhook = page.url
    post = post_of(demo)

    page.goto(f"/developer/deliveries/?post={post}")
    page.locator("tr", has_text="Out of order").get_by_role("link").first.click()
    delivery = page.url
    expect(page.locator("ol.timeline > li", has_text="HTTP 503").first).to_be_visible()
    page.locator("summary", has_text="Request and answer").first.click()
    expect(page.locator("pre", has_text="ONLIVEFEEDPOSTADD").first).to_be_visible()
    expect(page.get_by_text("curl ").first).to_be_visible()

    page.goto(webhook)
    page.get_by_label("Address").fill(f"{site.url}/silent")
    page.get_by_role("button", name="Save").click()
    page.goto(delivery)
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("ol.timeline > li", has_text="HTTP 200")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("Repeats")).to_be_visible()


def test_why_there_was_no_delivery_is_said_in_a_sentence(somebody: Opening, demo: Demo):
    post = post_of(demo)
    page = somebody().sign_in(demo.name(1), then="/developer/handlers/")
    handler = page.locator("tr", has_text="ONLIVEFEEDPOSTUPDATE").get_by_role("link").first
    number = handler.inner_text()
    handler.click()
    page.get_by_role("button", name="Pause").click()
    edit(demo, post, "3 to 14 June")
    page.goto(f"/developer/deliveries/?post={post}&handler={number}")
    expect(page.get_by_role("status").first).to_contain_text("paused")
    page.goto(f"/developer/handlers/{number}")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_the_application_is_killed_on_the_scene_and_nothing_is_lost(somebody: Opening, tmp_path_factory: Any):
    demo = Demo(tmp_path_factory.mktemp("scene"), "--quiet-s", "0.3")
    try:
        visitor = somebody(demo.document["portal_url"])
        page = visitor.sign_in(demo.name(1), then="/scene")
        page.get_by_role("button", name="Kill the process").click()
        expect(page.get_by_role("button", name="Start")).to_be_visible()
        page.get_by_role("button", name="Change the date").click()
        expect(page.get_by_text("in the queue").first).to_be_visible()
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("on the bell").first).to_be_visible(timeout=60_000)
        visitor.close()  # or its stream of events meets a closed door
    finally:
        assert 0 == demo.process.stop()


def test_everything_works_without_scripts(somebody: Opening, demo: Demo):
    page = somebody(java_script_enabled=False).sign_in(demo.name(1), then="/")
    page.locator("summary", has_text="Write a post").click()
    page.get_by_label("Text", exact=True).fill("Written without a script: 1 June")
    page.get_by_role("button", name="Publish").click()
    page.locator("main").get_by_role("link", name="Edit", exact=True).first.click()
    page.get_by_label("Text", exact=True).fill("Written without a script: 3 June")
    page.get_by_role("button", name="Save").click()
    page.locator("a.edited").first.click()
    shows_the_difference(page)
    page.goto("/developer/deliveries/")
    page.locator("main table a[href^='/developer/deliveries/']").first.click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()


def test_a_post_is_written_and_commented_with_the_keyboard_alone(somebody: Opening, demo: Demo):
    page = somebody().sign_in(demo.name(8), then="/")
    reach(page, "summary", "Write a post")
    page.keyboard.press("Enter")
    reach(page, "textarea", "")
    page.keyboard.type("By keyboard alone")
    reach(page, "button", "Publish")
    page.keyboard.press("Enter")
    page.wait_for_url("**/posts/**")
    reach(page, "textarea", "")
    page.keyboard.type("And a comment")
    reach(page, "button", "Send")
    page.keyboard.press("Enter")
    expect(page.get_by_text("And a comment")).to_be_visible()


def reach(page: Page, tag: str, words: str) -> None:
    """Press Tab until an element has the focus, which can be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement;"
            " return [e.localName, e.innerText || '', getComputedStyle(e).outlineStyle] }"
        )
        if focused[0] == tag and words in focused[1]:
            assert focused[2] != "none", f"the focus on {tag} {words} cannot be seen"
            return
    raise AssertionError(f"{tag} {words} cannot be reached with the keyboard")

"""What people do, in Chromium, from the first click to what they see at the end."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect
from tests.browser.watching import Watched
from tests.system.demo import Demo
from tests.system.world import eventually, rest

Opening = Callable[..., Watched]


def post_of(demo: Demo, author: int = 1, **more: Any) -> int:
    """A post of a person, addressed to everyone."""
    return int(
        rest(
            demo.webhook(author),
            "log.blogpost.add",
            POST_TITLE="Holidays",
            POST_MESSAGE="1 to 14 June",
            **more,
        )
    )


def in_history(page: Page) -> None:
    expect(page.locator("del", has_text="1").first).to_be_visible()
    expect(page.locator("ins", has_text="3").first).to_be_visible()


def test_a_person_signs_in_with_login_and_password_and_out_again(somebody: Opening, demo: Demo):
    person = demo.document["people"][2]
    page = somebody().page()
    page.goto("/posts/1")
    page.get_by_label("Login").fill(person["login"])
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Login").fill(person["login"])
    page.get_by_label("Password").fill(person["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/posts/1")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login*")
    page.goto("/")
    page.wait_for_url("**/login?next=/")


def test_an_edit_changes_the_open_page_and_the_bell_of_another_person_without_a_reload(
    somebody: Opening, demo: Demo
):
    post = post_of(demo)
    rest(demo.webhook(4), "log.blogcomment.add", POST_ID=post, TEXT="I am in")
    reader = somebody().sign_in(demo.name(4), then=f"/posts/{post}")
    reader.evaluate("() => { window.staysTheSame = true }")
    writer = somebody().sign_in(demo.name(1), then=f"/posts/{post}/edit")

    writer.get_by_label("Text").fill("3 to 14 June")
    writer.get_by_role("button", name="Save").click()

    expect(reader.get_by_text("3 to 14 June").first).to_be_visible()
    bell = somebody().sign_in(demo.name(4), then="/bell")
    expect(bell.locator("del", has_text="1").first).to_be_visible()
    assert reader.evaluate("() => window.staysTheSame") is True


def test_the_history_shows_what_was_taken_and_what_came_in_one_column_and_side_by_side(
    somebody: Opening, demo: Demo
):
    post = post_of(demo)
    rest(demo.webhook(1), "log.blogpost.update", POST_ID=post, POST_MESSAGE="3 to 14 June")
    page = somebody().sign_in(demo.name(5), then=f"/posts/{post}")

    page.get_by_role("link", name="edited").first.click()
    in_history(page)
    page.get_by_role("link", name="Side by side").click()
    in_history(page)
    expect(page.locator("table.diff")).to_be_visible()

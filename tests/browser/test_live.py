"""Pages that follow what happens leave alone what a person is doing on them."""

from collections.abc import Callable

from playwright.sync_api import expect
from tests.browser.watching import Watched
from tests.system.demo import Demo
from tests.system.world import rest

Opening = Callable[..., Watched]


def test_what_is_typed_focused_and_unfolded_stays_when_the_page_changes(somebody: Opening, demo: Demo):
    post = rest(demo.webhook(1), "log.blogpost.add", POST_TITLE="A quiet post", POST_MESSAGE="First words")
    for number in range(3):
        rest(demo.webhook(2), "log.blogcomment.add", POST_ID=post, TEXT=f"Comment {number}")
    page = somebody().sign_in(demo.name(5))
    card = page.locator(f"#post-{post}")
    card.locator("details.comments > summary").click()
    field = card.locator("textarea")
    field.fill("Half a sentence")
    field.evaluate("field => field.setSelectionRange(4, 5)")

    rest(demo.webhook(2), "log.blogcomment.add", POST_ID=post, TEXT="One more comment")
    rest(demo.webhook(1), "log.blogpost.add", POST_TITLE="On top", POST_MESSAGE="A newer post")
    rest(
        demo.webhook(1),
        "log.blogpost.update",
        POST_ID=post,
        POST_TITLE="A quiet post",
        POST_MESSAGE="Other words",
    )

    expect(card.get_by_text("Other words")).to_be_visible()
    expect(card.get_by_text("One more comment")).to_be_visible()
    expect(page.get_by_role("heading", name="On top")).to_be_visible()
    expect(field).to_have_value("Half a sentence")
    expect(field).to_be_focused()
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [4, 5]
    expect(page.locator("#live-said")).not_to_be_empty()


def test_a_page_that_was_made_before_the_change_catches_up_when_it_is_looked_at(
    somebody: Opening, demo: Demo
):
    post = rest(demo.webhook(1), "log.blogpost.add", POST_TITLE="Seen late", POST_MESSAGE="First words")
    page = somebody().sign_in(demo.name(5), then=f"/posts/{post}")
    hide = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    rest(
        demo.webhook(1), "log.blogpost.update", POST_ID=post, POST_TITLE="Seen late", POST_MESSAGE="New words"
    )
    expect(page.get_by_text("First words")).to_be_visible()
    page.evaluate(hide, False)

    expect(page.get_by_text("New words")).to_be_visible()


def test_a_menu_folds_when_one_looks_elsewhere(somebody: Opening, demo: Demo):
    page = somebody().sign_in(demo.name(5))
    menu = page.locator("details.menu").last
    menu.locator("summary").click()
    expect(menu.get_by_role("button", name=demo.name(1))).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("button", name=demo.name(1))).not_to_be_visible()
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    page.locator("main").click(position={"x": 5, "y": 5})
    expect(menu.get_by_role("button", name=demo.name(1))).not_to_be_visible()

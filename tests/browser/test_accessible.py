"""Every page, light, dark and on a phone: axe finds nothing, and nothing is wider than the screen."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.browser.test_journeys import edit, post_of
from tests.browser.watching import Watched
from tests.system.demo import Demo
from tests.system.world import eventually, rest, rows

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

CUT_OFF = """() => [...document.querySelectorAll(".tabs, .wide")]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""


def check(page: Page) -> None:
    """Nothing is found on the page as it stands."""
    found = Axe().run(page)
    assert 0 == found.violations_count, f"{page.url}\n{found.generate_report()}"
    assert page.evaluate(TOO_WIDE) <= 0, f"{page.url} is wider than the screen"
    assert [] == page.evaluate(CUT_OFF), f"{page.url} has columns or tabs out of sight"


@pytest.fixture(scope="module")
def edited(demo: Demo) -> int:
    """A post whose edit was told; whoever comments on it, or rings a bell, knows a word that has no end."""
    post = post_of(demo)
    rest(demo.webhook(2), "log.blogcomment.add", POST_ID=post, TEXT="endless" * 60)
    rest(demo.webhook(2), "im.notify.personal.add", USER_ID=1, MESSAGE="endless" * 60)
    edit(demo, post, "3 to 14 June")
    eventually(
        lambda: [
            one
            for one in rows("inbox", "--db", demo.notifier_db, "--post", str(post))
            if "done" in one["state"]
        ],
        what="the edit is dealt with",
    )
    return post


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_the_portal(somebody: Callable[..., Watched], demo: Demo, edited: int, look: str):
    page = somebody(**LOOKS[look]).sign_in(demo.name(1), then="/")
    for address in (
        "/",
        f"/posts/{edited}",
        f"/posts/{edited}/edit",
        f"/posts/{edited}/history",
        f"/posts/{edited}/history?view=side",
        f"/posts/{edited}/history?view=raw",
        "/bell",
        "/scene",
        "/posts/999999",
    ):
        page.goto(address)
        check(page)
    page.goto(f"/posts/{edited}")
    page.locator("main a.widget").first.click()
    page.wait_for_url("**/apps/**")
    page.frame_locator("iframe").get_by_role("heading").first.wait_for()
    check(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_the_developer_area(
    somebody: Callable[..., Watched], demo: Demo, edited: int, look: str
):
    page = somebody(**LOOKS[look]).sign_in(demo.name(1), then="/developer/")
    for address in (
        "/developer/",
        "/developer/apps/new",
        "/developer/apps/1",
        "/developer/handlers/",
        "/developer/deliveries/",
        f"/developer/deliveries/?post={edited}",
        "/developer/webhooks/",
        "/developer/webhooks/incoming/new",
        "/developer/webhooks/outgoing/new",
    ):
        page.goto(address)
        check(page)
    for start, links in (
        ("/developer/handlers/", "main a[href^='/developer/handlers/']"),
        (f"/developer/deliveries/?post={edited}", "main a[href^='/developer/deliveries/']"),
    ):
        page.goto(start)
        page.locator(links).first.click()
        page.wait_for_load_state()
        check(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_signing_in(somebody: Callable[..., Watched], look: str):
    page = somebody(**LOOKS[look]).page()
    for address in ("/login", "/login?next=/bell", "/oauth/authorize/?client_id=none"):
        page.goto(address)
        check(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_of_the_console(somebody: Callable[..., Watched], demo: Demo, edited: int, look: str):
    page = somebody(**LOOKS[look]).page()
    page.goto(demo.document["console_url"])
    base = demo.document["console_url"].partition("?")[0]
    for place in ("", "inbox", "dead", "notices", "found", "nothing"):
        page.goto(f"{base}{place}")
        check(page)
    page.goto(f"{base}inbox?post={edited}")
    page.locator("main a[href^='/console/inbox/']").first.click()
    page.wait_for_load_state()
    check(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_in_the_frame(somebody: Callable[..., Watched], demo: Demo, edited: int, look: str):
    page = somebody(**LOOKS[look]).sign_in(demo.name(1), then=f"/posts/{edited}")
    page.locator("main a.widget").first.click()
    page.wait_for_url("**/apps/**")
    inside = page.frame_locator("iframe")
    inside.get_by_role("heading").first.wait_for()
    frame = next(one for one in page.frames if one.url.startswith(demo.document["app_url"]))
    found = Axe().run(page, context={"include": [["iframe"]]})
    assert 0 == found.violations_count, found.generate_report()
    assert frame.evaluate(TOO_WIDE) <= 0

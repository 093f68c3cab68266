"""Chromium as people have it, and an eye on what goes wrong in a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from tests.required import require_or_skip

# What Playwright leaves out by itself: a second list takes the place of the first.
_PLAYWRIGHT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,TcpPortRandomizationWin,OptimizationHints,NetworkTimeServiceQuerying,"
    "AimEnabled,PreconnectToSearch"
)
# Parts of the window, each a page of its own: nobody sees it, and they are two fifths of Chromium's work.
_WINDOW = "InitialWebUI,WebUIReloadButton,WebUIOmniboxPopup,WebUIOmniboxAimPopup"
ARGUMENTS = (
    f"--disable-features={_PLAYWRIGHT},{_WINDOW}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    path = require_or_skip("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A browser of one person; whatever its pages complain of is kept."""

    def __init__(self, browser: Browser, base_url: str, **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(base_url=base_url, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.set_default_navigation_timeout(PATIENCE_MS)
        self.complaints: list[str] = []

    def page(self) -> Page:
        """One more tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        return page

    def sign_in(self, person: str, *, then: str = "/") -> Page:
        """A tab in which one of the demo's people is signed in with one click."""
        page = self.page()
        page.goto(f"/login?next={then}")
        page.get_by_role("button", name=person).click()
        page.wait_for_url(f"**{then}")
        return page

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        # A page that is refused says so on the console too; tests that ask for one expect it.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.complaints.append(f"{page.url}: {message.text}")

    def wait_for_complaint(self, page: Page, words: str) -> None:
        """Until ``page`` has complained with these words: it is told of that some time after it happened."""
        if not any(words in one for one in self.complaints):
            page.wait_for_event("console", lambda message: words in message.text)

    def close(self) -> None:
        self.context.close()

"""Takes a picture of every page: light, dark, and as narrow as a phone. ``make screenshots``.

A demo is started in a folder of its own and one post is edited, so that the pages have something to show.
The pictures that README and docs show go to ``docs/images``.
"""

import json
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".screenshots"
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2},
}
SHOWN = {
    ("scene", "light"): "scene.png",
    ("history-beside", "light"): "history.png",
    ("delivery", "light"): "delivery.png",
    ("feed", "dark"): "feed.png",
    ("console-event", "light"): "console.png",
}
"""Which pictures README and docs show, and as what."""


@contextmanager
def demo() -> Iterator[dict[str, Any]]:
    """A running demo and what it printed; its ports are taken from the system."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "livefeed", "demo", "--json", "--no-browser", "--quiet-s", "0.3"]
        command += ["--data", folder, "--port", "18624", "--app-port", "18625"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)


def call(webhook: str, method: str, **params: object) -> Any:  # noqa: ANN401 - whatever the method gives
    """One REST call over an incoming webhook."""
    body = urllib.parse.urlencode(params).encode()
    with urllib.request.urlopen(f"{webhook}{method}", body, timeout=30) as answer:  # noqa: S310 - the demo's own
        return json.loads(answer.read())["result"]


def edit(document: dict[str, Any]) -> int:
    """Change a date in the first post of the demo, and wait for the notice of it."""
    admin = document["admin_webhook_url"]
    (post,) = call(admin, "log.blogpost.get", POST_ID=1)
    text = post["DETAIL_TEXT"]
    changed = text.replace("1", "3", 1) if "1" in text else f"{text}\nFrom 3 to 14 June."
    call(admin, "log.blogpost.update", POST_ID=1, POST_TITLE=post["TITLE"], POST_MESSAGE=changed)
    return 1


def sign_in(context: BrowserContext, person: str) -> Page:
    """A page in which a person of the demo is signed in."""
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("button", name=person).click()
    page.wait_for_load_state("networkidle")
    return page


def addresses(document: dict[str, Any], page: Page) -> Iterator[tuple[str, str]]:
    """The name and the address of every page; some are found on others."""
    yield "scene", "/scene"
    yield "feed", "/"
    yield "post", "/posts/1"
    yield "edit", "/posts/1/edit"
    yield "history", "/posts/1/history?view=inline"
    yield "history-beside", "/posts/1/history?view=side"
    yield "bell", "/bell"
    yield "developer", "/developer/"
    for name, part in (("app", "/developer/apps/"), ("delivery", "/developer/deliveries/")):
        page.goto("/developer/" if name == "app" else "/developer/deliveries/")
        found = page.locator(f"main .card a[href^='{part}']").first
        if found.count():
            yield name, str(found.get_attribute("href"))
    yield "new-app", "/developer/apps/new"
    yield "deliveries", "/developer/deliveries/"
    yield "handlers", "/developer/handlers/"
    yield "webhooks", "/developer/webhooks/"
    page.goto("/posts/1")
    widget = page.locator("main a[href^='/apps/']").first
    if widget.count():
        yield "widget", str(widget.get_attribute("href"))
    console = document["console_url"]
    yield "console", console
    base = console.partition("?")[0]
    yield "console-inbox", f"{base}inbox"
    page.goto(console)
    page.goto(f"{base}inbox")
    event = page.locator("main a[href^='/console/inbox/']").first
    if event.count():
        yield "console-event", urllib.parse.urljoin(base, str(event.get_attribute("href")))
    yield "console-notices", f"{base}notices"
    yield "console-dead", f"{base}dead"


def take(browser: Browser, document: dict[str, Any], look: str, language: str, person: str) -> list[Path]:
    """Pictures of all pages in one look and one language."""
    context = browser.new_context(base_url=document["portal_url"], locale=language, **LOOKS[look])
    context.set_default_timeout(20_000)
    page, taken = sign_in(context, person), list[Path]()
    context.add_cookies([{"name": "livefeed_language", "value": language, "url": document["portal_url"]}])
    for name, address in list(addresses(document, page)):
        page.goto(address)
        page.wait_for_timeout(400)
        path = FOLDER / f"{name}.{look}.{language}.png"
        page.screenshot(path=path, full_page=True)
        taken.append(path)
        if language == "en" and (name, look) in SHOWN:
            page.screenshot(path=IMAGES / SHOWN[name, look], full_page=name == "scene")
    visitor = browser.new_context(base_url=document["portal_url"], locale=language, **LOOKS[look])
    entrance = visitor.new_page()
    entrance.goto("/login")
    entrance.screenshot(path=FOLDER / f"login.{look}.{language}.png", full_page=True)
    visitor.close()
    context.close()
    return [*taken, FOLDER / f"login.{look}.{language}.png"]


def main() -> None:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as document, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        edit(document)
        person = document["people"][0]["name"]
        for language in ("en", "ru"):
            for look in LOOKS:
                taken = take(browser, document, look, language, person)
                sys.stdout.write(f"{language} {look}: {len(taken)} pictures in {FOLDER}\n")
        browser.close()


if __name__ == "__main__":
    main()

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


def edit(document: dict[str, Any]) -> None:
    """Change a number in the first post, and in one that the first person has commented on."""
    hooks = {person["id"]: person["webhook_url"] for person in document["people"]}
    for post in call(document["admin_webhook_url"], "log.blogpost.get", LIMIT=50):
        author, text = int(post["AUTHOR_ID"]), post["DETAIL_TEXT"]
        if post["ID"] == "1" or post["TITLE"] == "A new customer":
            changed = text.replace("1", "3", 1) if "1" in text else text.replace("40", "48")
            fields = {"POST_ID": post["ID"], "POST_TITLE": post["TITLE"], "POST_MESSAGE": changed}
            call(hooks[author], "log.blogpost.update", **fields)


def sign_in(context: BrowserContext, person: str) -> Page:
    """A page in which a person of the demo is signed in."""
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("button", name=person).click()
    page.wait_for_load_state("networkidle")
    return page


def addresses(document: dict[str, Any], page: Page) -> Iterator[tuple[str, str]]:
    """The name and the address of every page; some are found on others."""
    yield from (("scene", "/scene"), ("feed", "/"), ("write", "/write"), ("post", "/posts/1"))
    yield from (("edit", "/posts/1/edit"), ("history", "/posts/1/history?view=inline"))
    yield from (("history-beside", "/posts/1/history?view=side"), ("bell", "/bell"), ("nowhere", "/nowhere"))
    yield from (("developer", "/developer/"), ("new-app", "/developer/apps/new"))
    app = found(page, "/developer/", "/developer/apps/")
    yield from (("app", app), ("uninstall", f"{app}/uninstall"), ("update", f"{app}/update"))
    yield from (("handlers", "/developer/handlers/"), ("deliveries", "/developer/deliveries/"))
    yield "handler", found(page, "/developer/handlers/", "/developer/handlers/")
    yield "delivery", found(page, "/developer/deliveries/", "/developer/deliveries/")
    yield from (("webhooks", "/developer/webhooks/"), ("new-incoming", "/developer/webhooks/incoming/new"))
    yield "new-outgoing", "/developer/webhooks/outgoing/new"
    yield "consent", f"/oauth/authorize/?client_id={document['app']['client_id']}"
    yield "widget", found(page, "/posts/1", "/apps/")
    yield from console_addresses(document["console_url"], page)


def console_addresses(address: str, page: Page) -> Iterator[tuple[str, str]]:
    """The same of the application's console, which is opened with the token in ``address``."""
    home = address.partition("?")[0]
    yield "console-closed", home
    yield "console", address
    page.goto(address)
    yield "console-inbox", f"{home}inbox"
    yield "console-event", urllib.parse.urljoin(home, found(page, f"{home}inbox", "/console/inbox/"))
    yield from ((f"console-{name}", f"{home}{name}") for name in ("notices", "found", "dead"))
    yield "console-nowhere", f"{home}nowhere"


def found(page: Page, address: str, part: str) -> str:
    """Where the first link of ``address`` leads that begins with ``part``."""
    page.goto(address)
    links = page.locator(f"main a[href^='{part}']:not([href='{part}'], [href$='/new'])")
    return str(links.first.get_attribute("href"))


def take(browser: Browser, document: dict[str, Any], look: str, language: str, person: str) -> list[Path]:
    """Pictures of all pages in one look and one language."""
    context = browser.new_context(base_url=document["portal_url"], locale=language, **LOOKS[look])
    context.set_default_timeout(20_000)
    page, taken = sign_in(context, person), list[Path]()
    context.add_cookies([{"name": "livefeed_language", "value": language, "url": document["portal_url"]}])
    for name, address in addresses(document, page):
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

"""What another site can make of the browser of somebody who is signed in: nothing."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page
from tests.browser.watching import Watched
from tests.system.demo import Demo
from tests.system.world import eventually

Somebody = Callable[..., Watched]


class Foreign(BaseHTTPRequestHandler):
    """Another site: it frames whatever ``frame`` names, and sends a form to whatever ``form`` names."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        frame, form = (asked.get(name, [""])[0] for name in ("frame", "form"))
        body = f"""<!doctype html><title>foreign</title><iframe src="{frame}"></iframe>
            <form method="post" action="{form}"><input name="text" value="Forged by another site">
            <input name="to" value="UA"><input name="person" value="2"><button>Win</button></form>"""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def foreign_url() -> Iterator[str]:
    """``localhost``, which is another site than ``127.0.0.1``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def framed(page: Page, foreign_url: str, target: str) -> str:
    """Where the frame of the foreign page ended up."""
    page.goto(f"{foreign_url}?frame={quote(target)}")
    # A refused frame has no address for a moment, after the page itself has been loaded.
    return eventually(
        lambda: page.wait_for_timeout(10) or page.frames[1].url, what="the frame ended up somewhere"
    )


def test_no_page_is_shown_in_the_frame_of_another_site(demo: Demo, somebody: Somebody, foreign_url: str):
    portal, app = demo.document["portal_url"], demo.document["app_url"]
    visitor = somebody()
    visitor.sign_in("Anna Petrova")
    page = visitor.context.new_page()  # refusals are told on the console

    shown = f"{portal}/ui/livefeed.css"
    assert framed(page, foreign_url, shown) == shown, "a frame of another site does load what may be framed"
    for target in (
        "/",
        "/scene",
        "/login",
        "/developer/",
        "/developer/webhooks/",
        "/bell",
        "/apps/1/",
        "/nowhere",
    ):
        assert framed(page, foreign_url, portal + target) == "chrome-error://chromewebdata/", target
    for target in ("/console/", "/frame/x/", "/oauth/callback"):
        assert framed(page, foreign_url, app + target) == "chrome-error://chromewebdata/", target


def test_no_form_of_another_site_does_anything(demo: Demo, somebody: Somebody, foreign_url: str):
    portal = demo.document["portal_url"]
    visitor = somebody()
    visitor.sign_in("Anna Petrova")
    page = visitor.context.new_page()

    for target in ("/posts", "/scene/kill", "/person", "/logout", "/developer/apps", "/bell/read"):
        page.goto(f"{foreign_url}?form={quote(portal + target)}")
        page.get_by_role("button", name="Win").click()
        page.wait_for_url(f"{portal}{target}")
        assert "This form is not valid any more" in page.inner_text("main")

    page.goto(portal)
    assert "Forged by another site" not in page.inner_text("main")
    page.goto(f"{portal}/bell")
    assert page.url == f"{portal}/bell", "nobody was signed out"

"""Texts that would run in a careless page, put wherever people or applications can put text.

The pages are looked at with the content security policy switched off: escaping alone has to hold.
"""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.payloads import ALL, PLAIN
from tests.browser.watching import PATIENCE_MS
from tests.system.demo import Demo
from tests.system.world import eventually, rest

from livefeed.cli.running import find_running, operate
from livefeed.settings import DatabaseUrl

FOREIGN = """() => [...document.querySelectorAll(
    'script:not([src^="/ui/"]), object, embed, base, svg, math, marquee, meta[http-equiv], ' +
    'link:not([href^="/ui/"])'
)].map(one => one.outerHTML.slice(0, 200))"""
HANDLERS = """() => [...document.querySelectorAll('*')].flatMap(one => [...one.attributes]
    .filter(a => /^on/i.test(a.name) || /^\\s*(javascript|vbscript|data):/i.test(a.value)
        && ['href', 'src', 'action', 'formaction', 'data'].includes(a.name) || a.name === 'style')
    .map(a => one.tagName + ' ' + a.name + '=' + a.value.slice(0, 100)))"""


class Evil(BaseHTTPRequestHandler):
    """A handler of events that answers with one payload after the other, and never well."""

    turn = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = ALL[Evil.turn % len(ALL)].encode()
        Evil.turn += 1
        self.send_response(400)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def evil_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


class Poisoned:
    """A demo in which every text that can be written holds a payload."""

    def __init__(self, demo: Demo, evil_url: str) -> None:
        self.demo = demo
        self._database = DatabaseUrl.parse(demo.portal_db)
        self.admin = demo.document["admin_webhook_url"]
        self.person = demo.document["people"][0]["name"]
        self._people()
        self.app = self._app(evil_url)
        self.post = self._posts()

    def operate(self, operation: str, **arguments: object) -> dict[str, object]:
        running = find_running(self._database)
        assert running is not None
        return operate(running, operation, dict(arguments))

    def _people(self) -> None:
        for number, (first, last) in enumerate(zip(PLAIN[::2], PLAIN[1::2], strict=False)):
            names = {"first_name": _plain(first), "last_name": _plain(last), "position": _plain(first)}
            self.operate("user_add", login=f"evil{number}", password="a long enough word", **names)

    def _app(self, evil_url: str) -> dict[str, object]:
        name = "".join(PLAIN)[:200]
        app = self.operate("app_add", name=name, scope="log,user,im,placement", handler_url=evil_url)
        opened = self.operate("app_open", client_id=app["client_id"])
        portal = self.demo.document["portal_url"]
        for event in ("OnLiveFeedPostUpdate", "OnLiveFeedPostAdd"):
            rest(f"{portal}/rest/", "event.bind", auth=opened["AUTH_ID"], event=event, handler=evil_url)
        for place, title in (("LEFT_MENU", PLAIN[0]), ("LIVEFEED_POST", PLAIN[13])):
            given = {"PLACEMENT": place, "HANDLER": f"{evil_url}/{place}", "TITLE": title}
            rest(f"{portal}/rest/", "placement.bind", auth=opened["AUTH_ID"], **given)
        return app

    def _posts(self) -> int:
        """One post with a version for each payload, one with a comment for each, one with files."""
        post = rest(self.admin, "log.blogpost.add", POST_TITLE=ALL[0], POST_MESSAGE=ALL[0], TAGS=ALL[1])
        for payload in ALL:
            rest(self.admin, "log.blogpost.update", POST_ID=post, POST_TITLE=payload, POST_MESSAGE=payload)
            rest(self.admin, "log.blogcomment.add", POST_ID=post, TEXT=payload)
            rest(self.admin, "im.notify.personal.add", USER_ID=1, MESSAGE=payload)
        content = base64.b64encode(b"<script>mark(1)</script>").decode()
        files = [[payload, content] for payload in PLAIN]
        rest(self.admin, "log.blogpost.add", POST_TITLE="Files", POST_MESSAGE="Files", FILES=files)
        for payload in ALL:
            rest(self.admin, "log.blogpost.add", POST_TITLE=payload, POST_MESSAGE=payload)
        return int(post)


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:100]


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, evil_url: str) -> Iterator[Poisoned]:
    demo = Demo(tmp_path_factory.mktemp("payloads"), "--quiet-s", "0.3")
    yield Poisoned(demo, evil_url)
    assert 0 == demo.process.stop(), demo.process.log.read_text()[-4000:]


class Reader:
    """A page in which nothing but our own escaping stands between a payload and `mark`."""

    def __init__(self, browser: Browser, poisoned: Poisoned) -> None:
        self.marks: list[str] = []
        portal = poisoned.demo.document["portal_url"]
        self.context = browser.new_context(base_url=portal, bypass_csp=True)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.expose_function("mark", lambda *_: self.marks.append(self.page.url))
        self.page: Page = self.context.new_page()
        self.page.on("dialog", lambda dialog: (self.marks.append(dialog.message), dialog.dismiss()))
        self.page.goto("/login")
        self.page.get_by_role("button", name=poisoned.person).first.click()
        self.page.wait_for_url("**/")

    def read(self, address: str) -> str:
        """Look at a page as long as its own scripts run, touch it, and say what it holds."""
        self.page.goto(address)
        self.page.evaluate(
            "() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve, 0)))"
        )
        assert [] == self.page.evaluate(FOREIGN), address
        assert [] == self.page.evaluate(HANDLERS), address
        assert [] == self.marks, address
        return self.page.content()


@pytest.fixture(scope="module")
def reader(browser: Browser, poisoned: Poisoned) -> Iterator[Reader]:
    opened = Reader(browser, poisoned)
    yield opened
    opened.context.close()


def test_the_marker_itself_works(reader: Reader):
    page = reader.context.new_page()
    page.goto("/healthz")
    page.set_content(PLAIN[13])
    page.wait_for_function("() => document.images[0].complete")
    eventually(lambda: reader.marks, what="the marker is called")
    reader.marks.clear()
    page.close()


def test_texts_titles_names_and_notices_never_run_in_the_feed(reader: Reader, poisoned: Poisoned):
    assert "mark(1)" in reader.read("/")
    for address in (f"/posts/{poisoned.post}", f"/posts/{poisoned.post}/edit", "/bell"):
        assert "mark(1)" in reader.read(address)
    before = "/"
    while before:
        reader.read(before)
        link = reader.page.locator("a[href^='/?before=']")
        before = str(link.get_attribute("href")) if link.count() else ""


def test_versions_and_their_differences_never_run(reader: Reader, poisoned: Poisoned):
    for view in ("inline", "side", "raw"):
        for newer in range(2, len(ALL) + 1, 7):
            address = f"/posts/{poisoned.post}/history?view={view}&from={newer - 1}&to={newer}"
            assert "mark(1)" in reader.read(address)


def test_names_of_files_never_run_and_files_are_only_downloaded(reader: Reader, poisoned: Poisoned):
    post = poisoned.post + 1
    assert "mark(1)" in reader.read(f"/posts/{post}")
    links = reader.page.locator("a[href*='/files/']")
    assert links.count() >= 60
    answer = reader.context.request.get(str(links.first.get_attribute("href")))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "html" not in answer.headers["content-type"]


def test_names_of_applications_and_answers_of_handlers_never_run_in_the_developer_area(
    reader: Reader, poisoned: Poisoned
):
    assert "mark(1)" in reader.read("/developer/")
    reader.read("/developer/deliveries")
    links = reader.page.locator("main a[href^='/developer/deliveries/']")
    addresses = {str(link.get_attribute("href")) for link in links.all()}
    assert addresses
    seen = [reader.read(address) for address in sorted(addresses)[:30]]
    assert any("mark(1)" in page for page in seen)
    reader.page.goto("/developer/")
    apps = reader.page.locator("main a[href^='/developer/apps/']").all()
    for address in {str(link.get_attribute("href")) for link in apps}:
        reader.read(address)


@pytest.mark.parametrize(
    "address",
    [
        "/login?next={0}",
        "/?said={0}",
        "/?before={0}",
        "/posts/{0}",
        "/developer/deliveries?post={0}&handler={0}&state={0}&since={0}",
        "/oauth/authorize/?client_id={0}&state={0}",
        "/apps/{0}/",
        "/apps/1/?placement={0}&post={0}&DOMAIN={0}&LANG={0}&APP_SID={0}",
        "/nothing/{0}",
    ],
)
def test_parameters_never_run(reader: Reader, address: str):
    for payload in PLAIN[::4]:
        reader.page.goto(address.format(quote(payload, safe="")))
        assert [] == reader.page.evaluate(FOREIGN)
        assert [] == reader.page.evaluate(HANDLERS)
        assert [] == reader.marks


def test_nothing_runs_in_the_console_and_in_the_frame_of_the_notifier(reader: Reader, poisoned: Poisoned):
    document = poisoned.demo.document
    reader.page.goto(document["console_url"])
    base = document["console_url"].partition("?")[0]
    for place in ("", "inbox", "dead", "notices", f"inbox?post={quote(PLAIN[0], safe='')}"):
        reader.read(f"{base}{place}")
    reader.page.goto(f"/posts/{poisoned.post}")
    widget = reader.page.locator("main a[href^='/apps/']", has_text="history").first
    reader.page.goto(str(widget.get_attribute("href")))
    frame = reader.page.frame_locator("iframe")
    frame.get_by_role("heading").first.wait_for()
    inside = next(one for one in reader.page.frames if one.url.startswith(document["app_url"]))
    assert "mark(1)" in inside.content()
    assert [] == inside.evaluate(FOREIGN)
    assert [] == inside.evaluate(HANDLERS)
    assert [] == reader.marks

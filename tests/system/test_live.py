"""Open pages and the process that serves them: told over real HTTP, and no reason to stop slowly."""

import http.cookiejar
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.world import Process, free_port, livefeed, rest

pytestmark = pytest.mark.system

STOP_WITHIN_S = 3.0
"""Less than what the server grants answers that never end."""


class Portal:
    """A running portal, and a browser in which its administrator is signed in."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        database = ("--db", f"sqlite:///{folder / 'portal.db'}")
        done = livefeed("portal", "init", *database, "--seed", "demo", "--public-url", self.url, "--json")
        self.founded: dict[str, Any] = json.loads(done.stdout)
        port = self.url.rpartition(":")[2]
        self.process = Process(folder / "portal.log", "portal", "serve", *database, "--port", port)
        self.process.wait_ready(self.url)
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(jar)

    def sign_in(self) -> None:
        with self._browser.open(f"{self.url}/login", timeout=10) as page:
            token = re.findall(r'name="token" value="(\w+)"', page.read().decode())[0]
        fields = {"login": self.founded["admin_login"], "password": self.founded["admin_password"]}
        form = urllib.parse.urlencode({**fields, "token": token}).encode()
        self._browser.open(f"{self.url}/login", form, timeout=10).close()

    def listen(self) -> Any:
        return self._browser.open(f"{self.url}/live", timeout=10)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    running = Portal(tmp_path)
    yield running
    running.process.stop()


def test_an_open_page_is_told_of_a_change_and_does_not_keep_the_portal_from_stopping(portal: Portal):
    portal.sign_in()
    with portal.listen() as stream:
        assert stream.readline() == b"retry: 2000\n"
        assert stream.readline() == b"\n"
        rest(portal.founded["admin_webhook_url"], "log.blogpost.update", POST_ID=1, POST_TITLE="New words")
        assert stream.readline().startswith(b"data: ")
        asked_at = time.monotonic()
        assert portal.process.stop() == 0
        assert time.monotonic() - asked_at < STOP_WITHIN_S

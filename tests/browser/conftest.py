"""One Chromium and one demo for all journeys; a page that complains fails its test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.browser.watching import Watched, chromium
from tests.system.demo import Demo


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Closed after the last test in Chromium: while it is open, no other test can run a loop of its own."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("browser"), "--quiet-s", "0.3")
    yield running
    assert 0 == running.process.stop(), running.process.log.read_text()[-4000:]


@pytest.fixture
def somebody(browser: Browser, demo: Demo) -> Iterator[Callable[..., Watched]]:
    """Opens a browser of its own for each person of the test."""
    opened: list[Watched] = []

    def open_one(base_url: str = "", **options: Any) -> Watched:
        one = Watched(browser, base_url or demo.document["portal_url"], **options)
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        one.close()
    assert [] == [complaint for one in opened for complaint in one.complaints]

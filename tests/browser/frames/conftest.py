"""A portal, an application with the vendor's SDK in its pages, and somebody to look at them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page
from tests.browser.frames.grounds import SCOPE, Grounds, Site, pages
from tests.browser.watching import Watched
from tests.clients.sdk_js import UMD


@pytest.fixture(scope="session")
def sdk(node_modules: Path) -> bytes:
    return (node_modules / UMD).read_bytes()


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with Grounds(tmp_path_factory.mktemp("frames")).open() as opened:
        yield opened


@pytest.fixture(scope="module")
def foreign(sdk: bytes) -> Iterator[Site]:
    """An origin that belongs to somebody else."""
    with pages(sdk) as site:
        yield site


@pytest.fixture(scope="module")
def site(sdk: bytes, foreign: Site) -> Iterator[Site]:
    """The application's own origin."""
    with pages(sdk, away=f"{foreign.url}/silent") as own:
        yield own


@dataclass
class App:
    """An application that is registered on the portal."""

    number: int
    client_id: str
    path: str
    home: str


@pytest.fixture
def add_app(grounds: Grounds, site: Site) -> Callable[..., App]:
    def add(*, finished: bool = True, **given: Any) -> App:
        chosen = {
            "name": "Shop",
            "scope": SCOPE,
            "interface": True,
            "handler_url": f"{site.url}/home",
            "install_url": f"{site.url}/install",
            **given,
        }
        made = grounds.do("app_add", **chosen)
        if finished:
            grounds.do("app_finish", client_id=made["client_id"])
        number = grounds.number(made["client_id"])
        return App(number, made["client_id"], f"/apps/{number}/", chosen["handler_url"])

    return add


@pytest.fixture
def visit(browser: Browser, grounds: Grounds) -> Iterator[Callable[..., Page]]:
    """A page of the portal, looked at by one of its people.

    ``complains_of`` is what its console says while it opens, ``will_complain_of`` what it says by the end.
    """
    opened: list[Watched] = []
    allowed: list[str] = []
    awaited: list[tuple[Watched, Page, str]] = []

    def look(
        path: str, *, person: int = 1, complains_of: str = "", will_complain_of: str = "", **options: Any
    ) -> Page:
        one = Watched(browser, grounds.url, **options)
        one.context.add_cookies([grounds.session(person)])
        opened.append(one)
        allowed.extend(words for words in (complains_of, will_complain_of) if words)
        page = one.page()
        page.goto(path)
        if complains_of:
            one.wait_for_complaint(page, complains_of)
        if will_complain_of:
            awaited.append((one, page, will_complain_of))
        return page

    yield look
    for one, page, words in awaited:
        one.wait_for_complaint(page, words)
    for one in opened:
        one.close()
    complaints = [complaint for one in opened for complaint in one.complaints]
    assert [] == [one for one in complaints if not any(words in one for words in allowed)]


def inside(page: Page, *, state: str = "ready", slider: bool = False) -> Frame:
    """The application's own document in the page, once its library is where ``state`` says."""
    where = "dialog.slider iframe" if slider else ".application > iframe"
    element = page.wait_for_selector(where)
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_selector(f"#state:text-is('{state}')")
    return frame

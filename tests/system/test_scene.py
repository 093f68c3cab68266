"""The scene with real processes: the application is killed, the feed lives on, and nothing is lost."""

import html
import http.cookiejar
import os
import re
import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.system.demo import Demo
from tests.system.world import eventually, is_ready, rest, rows

pytestmark = pytest.mark.system


class Visitor:
    """A browser without scripts, on the scene."""

    def __init__(self, demo: Demo) -> None:
        self.base = demo.document["portal_url"]
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        self.page = self.look()

    def look(self) -> str:
        with self.opener.open(f"{self.base}/scene") as answer:
            self.page = answer.read().decode()
        return self.page

    def press(self, path: str, **fields: str) -> None:
        token = re.findall(r'name="token" value="(\w+)"', self.page)[0]
        body = urllib.parse.urlencode({"token": token, **fields}).encode()
        with self.opener.open(f"{self.base}{path}", body) as answer:
            self.page = answer.read().decode()

    def states(self) -> list[str]:
        return re.findall(r'<li class="leg (\w+)"', self.page)

    def pid(self) -> int:
        return int(re.findall(r"process (\d+)", self.page)[0])

    def words(self) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.page)).split())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path, "--quiet-s", "0.2")
    yield running
    assert 0 == running.process.stop(), running.process.log.read_text()[-4000:]


def bell(demo: Demo, user: int) -> list[str]:
    found = rest(demo.webhook(user), "im.notify.get", LIMIT=50)["notifications"]
    return [notice["text"] for notice in found if "-post-1-" in (notice["notify_tag"] or "")]


def told(visitor: Visitor) -> bool:
    visitor.look()
    return visitor.states() == ["done"] * 5


def test_an_edit_made_while_the_application_is_dead_is_told_after_it_was_started_again(demo: Demo):
    visitor = Visitor(demo)
    assert ["idle"] * 5 == visitor.states()
    first = visitor.pid()

    visitor.press("/scene/kill", post="1")
    assert "killed" in visitor.words()
    assert not is_ready(demo.document["app_url"])
    visitor.press("/scene/1", suggestion="burst")
    eventually(lambda: "3 events wait in the queue" in (visitor.look(), visitor.words())[1], what="they wait")
    held = ["done", "held", "idle", "idle", "idle"]
    eventually(lambda: (visitor.look(), visitor.states())[1] == held, what="the first attempt has failed")
    assert [] == bell(demo, 2)

    visitor.press("/scene/start", post="1")
    eventually(lambda: told(visitor), what="everybody is told")

    assert first != visitor.pid()
    assert 1 == len(bell(demo, 2)), "three edits, one notice"
    assert "3 events were answered as one." in visitor.words()
    assert "Anna Petrova made the edit" in visitor.words()
    assert [] == bell(demo, 1)
    heard = {row["person"]: row for row in rows("who", "1", "--db", demo.notifier_db)}
    assert {2: True, 3: True, 1: False, 6: False} == {n: heard[n]["told"] for n in (2, 3, 1, 6)}
    assert "made the edit" == heard[1]["why"]


def test_pressed_twice_each_button_does_its_work_once_and_the_demo_lives_on(demo: Demo):
    visitor = Visitor(demo)
    first = visitor.pid()

    visitor.press("/scene/kill")
    visitor.press("/scene/kill")
    assert first == visitor.pid()
    visitor.press("/scene/start")
    second = visitor.pid()
    visitor.press("/scene/start")
    eventually(lambda: is_ready(demo.document["app_url"]), what="it is started again")
    visitor.look()

    assert second == visitor.pid() != first
    assert demo.process.popen.poll() is None
    visitor.press("/scene/start")
    assert second == visitor.pid()


def test_started_again_it_does_not_wait_for_the_next_try_of_the_portal(demo: Demo):
    visitor = Visitor(demo)
    early = False
    for _ in range(3):  # it may be up just when the next try is due
        visitor.press("/scene/kill")
        visitor.press("/scene/1", suggestion="number")
        eventually(
            lambda: "4 attempts so far" in (visitor.look(), visitor.words())[1], what="a long pause begins"
        )
        visitor.press("/scene/start")
        failed, done = eventually(lambda: last_tries(demo), what="it is delivered")
        eventually(lambda: told(visitor), what="everybody is told")
        pause_s = (sent_at(done) - sent_at(failed)).total_seconds()
        # The first pause is half a second, and each is at least twice as long as the one before.
        early = pause_s < 2 ** (failed["attempt"] - 2)
        if early:
            break

    assert early


def last_tries(demo: Demo) -> list[dict[str, Any]]:
    """The one that failed before, and the one that delivered the newest event."""
    found = rows("portal", "deliveries", "--post", "1", "--db", demo.portal_db)
    return found[-2:] if found and found[-1]["state"] == "delivered" and found[-1]["attempt"] > 4 else []


def sent_at(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["sent_at"])


def test_an_application_that_dies_by_itself_still_ends_the_demo_with_one_line(tmp_path: Path):
    demo = Demo(tmp_path, "--quiet-s", "0.2")
    os.kill(Visitor(demo).pid(), signal.SIGKILL)

    assert 2 == demo.process.wait_dead()
    assert "the notifier ended with code -9" in demo.process.log.read_text()

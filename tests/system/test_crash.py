"""Killing any process at any moment loses nothing: judged by an independent recorder and `check-history`."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import engines
from tests.system.world import (
    History,
    Process,
    Recorder,
    Seen,
    eventually,
    free_port,
    livefeed,
    rest,
    rows,
)

pytestmark = pytest.mark.system
KILLS = {"sqlite": int(os.environ.get("LIVEFEED_TEST_KILLS", "12")), "postgresql": 3}
"""On a server the leases of a dead process run out after ten seconds; on a file its next start frees them."""


class Company:
    """A portal and a notifier as processes of their own, with a recorder between them in both directions.

    The portal's public URL is the recorder ``calls`` and the notifier's is the recorder ``events``: whatever
    the halves say to each other passes there and nowhere else.
    """

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder
        self.env = {"LIVEFEED_KEY_FILE": str(folder / "keys")}
        self.kills = KILLS[engine]
        self.portal_port, self.app_port = free_port(), free_port()
        self.calls = Recorder(f"http://127.0.0.1:{self.portal_port}")
        self.events = Recorder(f"http://127.0.0.1:{self.app_port}")
        self.engine = engine
        self.portal_db, self.app_db = (self.database(name) for name in ("portal", "notifier"))
        self.begin(folder / "history.jsonl")
        founded = self.command("portal", "init", "--db", self.portal_db, "--public-url", self.calls.url)
        self.member_id, self.admin = founded["member_id"], founded["admin_webhook_url"]
        self.admin_direct = self.admin.replace(self.calls.url, f"http://127.0.0.1:{self.portal_port}")
        self.portal = Process(
            folder / "portal.log", "portal", "serve", "--db", self.portal_db, "--port", str(self.portal_port),
            "--public-url", self.calls.url, "--allow-private", env=self.env,
        )  # a flag beside its value # fmt: skip
        self.portal.wait_ready(f"http://127.0.0.1:{self.portal_port}")
        secrets = self.command(
            "portal", "app", "add", "--name", "Notifier", "--install-url", f"{self.events.url}/install",
            "--scope", "log,user,im", "--db", self.portal_db,
        )  # a flag beside its value # fmt: skip
        self.app = Process(
            folder / "notifier.log", "notifier", "serve", "--db", self.app_db, "--port", str(self.app_port),
            "--public-url", self.events.url, "--quiet-s", "0.05",
            env=self.env | {
                "LIVEFEED_PORTAL_URL": self.calls.url,
                "LIVEFEED_CLIENT_ID": secrets["client_id"],
                "LIVEFEED_CLIENT_SECRET": secrets["client_secret"],
                "LIVEFEED_MEMBER_ID": self.member_id,
                "LIVEFEED_RATE_LIMIT": "off",
            },
        )  # a flag beside its value # fmt: skip
        self.app.wait_ready(self.app_url)
        self.reader = self.command("portal", "webhook", "add", "--user", "3", "--db", self.portal_db)[
            "url"
        ].replace(self.calls.url, f"http://127.0.0.1:{self.portal_port}")
        self.wait_bound()

    def database(self, name: str) -> str:
        """The address of a new database."""
        if self.engine == "postgresql":
            return engines.cluster().empty()
        return f"sqlite:///{self.folder / name}.db"

    def begin(self, history: Path) -> None:
        """A test begins: nothing is cut, and its history is its own."""
        self.history = History(history)
        for recorder in (self.calls, self.events):
            recorder.on_request, recorder.on_answer = lambda seen: None, lambda seen, status: None

    @property
    def app_url(self) -> str:
        return f"http://127.0.0.1:{self.app_port}"

    def command(self, *arguments: str) -> dict[str, Any]:
        return json.loads(livefeed(*arguments, "--json", env=self.env).stdout)

    def wait_bound(self) -> None:
        def bound() -> bool:
            named = [
                event
                for seen in self.calls.seen
                if b"event.bind" in seen.body or "event.bind" in seen.path
                for event in [seen]
            ]
            return bool(named) and not self.rows("lanes")

        eventually(bound, what="the notifier has bound its handlers and filled its archive")

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command of the notifier lists."""
        return rows(*arguments, "--db", self.app_db, env=self.env)

    def add_posts(self, count: int) -> list[int]:
        posts = [
            rest(
                self.admin_direct,
                "log.blogpost.add",
                POST_TITLE=f"Plan {n}",
                POST_MESSAGE="edit 0 here",
                DEST=["UA"],
            )
            for n in range(count)
        ]
        for post in posts:
            rest(self.reader, "log.blogcomment.add", POST_ID=post, TEXT=f"seen {post}")
        eventually(lambda: self.archived(posts), what="the new posts are archived")
        return posts

    def archived(self, posts: list[int]) -> bool:
        seen = {row["post"] for row in self.rows("inbox") if row["state"] == "done"}
        return set(posts) <= seen

    def edit(self, post: int, seq: int) -> None:
        """One edit through REST, acknowledged; the reader's bell will name its number."""
        rest(
            self.admin_direct,
            "log.blogpost.update",
            POST_ID=post,
            POST_TITLE=f"Plan {post}",
            POST_MESSAGE=f"edit {seq} here",
        )

    def shown(self, post: int) -> int:
        """The number of the newest edit of a post that the reader's bell tells of."""
        found = rest(self.reader, "im.notify.get", LIMIT=50)["notifications"]
        texts = [notice["text"] for notice in found if f"-{post}-" in (notice["notify_tag"] or "")]
        numbers = [int(number) for text in texts for number in re.findall(r"\d+", text.split("edit", 1)[-1])]
        return max(numbers, default=-1)

    def close(self) -> None:
        self.app.stop()
        self.portal.stop()
        self.calls.close()
        self.events.close()
        if self.engine == "postgresql":
            for url in (self.portal_db, self.app_db):
                engines.cluster().drop(url)


@pytest.fixture(scope="module")
def on_a_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    running = Company(tmp_path_factory.mktemp("company"), "postgresql")
    yield running
    running.close()


@pytest.fixture
def company(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> Iterator[Company]:
    """A company of the test's own on SQLite, and on PostgreSQL the one that all tests share."""
    if engine == "postgresql":
        shared: Company = request.getfixturevalue("on_a_server")
        shared.begin(tmp_path / "history.jsonl")
        yield shared
        return
    running = Company(tmp_path, engine)
    yield running
    running.close()


def finish(company: Company, last: dict[int, int]) -> dict[str, int]:
    """Wait until the bell tells of the last edit of every post, record the effects, and judge the history."""
    for post, seq in last.items():
        eventually(
            lambda post=post, seq=seq: company.shown(post) >= seq,
            what=f"the bell tells of edit {seq} of post {post}",
        )
        company.history.write("effect", company.member_id, post, seq=company.shown(post), id=f"bell-{post}")
    code, verdict = company.history.verdict()
    assert 0 == code, verdict
    assert 0 == verdict["lost"]
    return verdict


def record_deliveries(company: Company) -> None:
    def received(seen: Seen, status: int) -> None:
        form = seen.form
        if form.get("event") == "ONLIVEFEEDPOSTUPDATE" and status == 200:
            company.history.write(
                "received",
                company.member_id,
                int(form["data[FIELDS][POST_ID]"]),
                id=seen.headers.get("webhook-id"),
            )

    company.events.on_answer = received


def test_killing_the_portal_right_after_the_answer_of_an_update_loses_nothing(company: Company):
    posts = company.add_posts(5)
    record_deliveries(company)
    last: dict[int, int] = {}
    for seq in range(1, company.kills + 1):
        post = posts[seq % len(posts)]
        company.edit(post, seq)
        company.portal.kill()
        company.history.write("acked", company.member_id, post, seq=seq)
        last[post] = seq
        company.portal.start()
        company.portal.wait_ready(f"http://127.0.0.1:{company.portal_port}")

    verdict = finish(company, last)
    assert company.kills == verdict["acked"]


def test_killing_the_app_right_after_its_200_loses_nothing(company: Company):
    posts = company.add_posts(5)
    last: dict[int, int] = {}
    killed: list[int] = []

    def kill_after_200(seen: Seen, status: int) -> None:
        form = seen.form
        if form.get("event") == "ONLIVEFEEDPOSTUPDATE" and status == 200:
            post = int(form["data[FIELDS][POST_ID]"])
            if post not in last:
                return  # what an earlier test edited may be told once more
            company.app.kill()
            company.history.write("acked", company.member_id, post, seq=last[post])
            killed.append(post)

    company.events.on_answer = kill_after_200
    for seq in range(1, company.kills + 1):
        post = posts[seq % len(posts)]
        last[post] = seq
        company.edit(post, seq)
        eventually(lambda seq=seq: len(killed) >= seq, what="the app was killed after its 200")
        company.app.start()
        company.app.wait_ready(company.app_url)
        eventually(
            lambda post=post, seq=seq: company.shown(post) >= seq, what=f"the bell tells of edit {seq}"
        )

    verdict = finish(company, last)
    assert company.kills == verdict["acked"]


@pytest.mark.parametrize("moment", ["before the call", "after the call"])
def test_killing_the_app_while_a_notice_is_sending_repeats_and_counts_the_call(company: Company, moment: str):
    posts = company.add_posts(1)
    post, kills = posts[0], (company.kills + 1) // 2 if company.engine == "sqlite" else 1
    calls: list[str] = []
    cut: set[int] = set()
    current = [0]

    def is_bell_call(seen: Seen) -> bool:
        is_bell = b"im.notify.personal.add" in seen.body or "im.notify.personal.add" in seen.path
        return is_bell and f"-{post}-".encode() in seen.body

    def before(seen: Seen) -> None:
        if is_bell_call(seen):
            calls.append("call")
            if moment == "before the call" and current[0] not in cut:
                cut.add(current[0])
                company.app.kill()

    def after(seen: Seen, status: int) -> None:
        if is_bell_call(seen) and moment == "after the call" and current[0] not in cut:
            cut.add(current[0])
            company.app.kill()

    company.calls.on_request, company.calls.on_answer = before, after
    for seq in range(1, kills + 1):
        current[0] = seq
        company.edit(post, seq)
        company.history.write("acked", company.member_id, post, seq=seq)
        eventually(
            lambda seq=seq: seq in cut and company.app.popen.poll() is not None, what="killed while sending"
        )
        company.app.start()
        company.app.wait_ready(company.app_url)
        eventually(
            lambda post=post, seq=seq: company.shown(post) >= seq, what=f"the bell tells of edit {seq}"
        )
        eventually(lambda: all_sent(company, post), what="the notice is marked sent")

    finish(company, {post: kills})
    told = [row for row in company.rows("notices") if row["post"] == post]
    assert len(calls) == sum(row["calls"] for row in told), "every repeated bell call is counted and shown"
    assert len(calls) >= 2 * kills


def all_sent(company: Company, post: int) -> bool:
    told = [row for row in company.rows("notices") if row["post"] == post]
    return bool(told) and all(row["state"] in {"sent", "skipped"} for row in told)

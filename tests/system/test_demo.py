"""One command, and an edited post tells its participants what changed."""

import contextlib
import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.demo import Demo
from tests.system.world import (
    Process,
    Recorder,
    eventually,
    free_port,
    is_alone,
    is_ready,
    livefeed,
    rest,
    rows,
)

from livefeed.client.safes.keys import open_key
from livefeed.durable.store import open_readonly
from livefeed.portal.apps import registry
from livefeed.portal.apps.tokens import TOKEN_CHARS, codec_of
from livefeed.secrets import read_or_create_key_file

pytestmark = pytest.mark.system


def new_post(
    demo: Demo, author: int, text: str, *, commenter: int | None = None, title: str = "Holidays"
) -> int:
    """A post by ``author`` that everybody sees, with a comment by ``commenter``."""
    post = rest(demo.webhook(author), "log.blogpost.add", POST_TITLE=title, POST_MESSAGE=text, DEST=["UA"])
    if commenter is not None:
        rest(demo.webhook(commenter), "log.blogcomment.add", POST_ID=post, TEXT=f"noted {post}")
    return post


def bell(demo: Demo, user: int, post: int) -> list[str]:
    """The texts in a person's bell that belong to one post."""
    found = rest(demo.webhook(user), "im.notify.get", LIMIT=50)["notifications"]
    return [notice["text"] for notice in found if f"-{post}-" in (notice["notify_tag"] or "")]


def settled(demo: Demo, post: int) -> bool:
    """Whether the notifier has nothing left to do for a post."""
    steps = [row for row in rows("inbox", "--db", demo.notifier_db) if row["post"] == post]
    pending = rows("lanes", "--db", demo.notifier_db)
    return bool(steps) and not pending and all(row["state"] == "done" for row in steps)


def test_the_line_of_the_demo_has_every_documented_key(demo: Demo):
    assert {
        "portal_url",
        "scene_url",
        "feed_url",
        "developer_url",
        "app_url",
        "console_url",
        "member_id",
        "admin_webhook_url",
        "people",
        "posts",
        "app",
    } == set(demo.document)
    assert {"id", "name", "login", "password", "webhook_url"} == set(demo.document["people"][0])
    assert demo.document["people"][0]["id"] == 1
    assert len(demo.document["people"]) >= 6
    assert len(demo.document["posts"]) >= 12
    assert demo.document["app"]["installed"] is True
    assert demo.document["admin_webhook_url"].endswith("/")


def test_an_edit_tells_the_author_and_the_commenter_within_two_seconds_and_never_the_editor(demo: Demo):
    post = new_post(demo, 2, "The office is closed from 1 to 14 June.", commenter=3)
    eventually(lambda: settled(demo, post), what="the add event is archived")
    rest(
        demo.webhook(1),
        "log.blogpost.update",
        POST_ID=post,
        POST_TITLE="Holidays",
        POST_MESSAGE="The office is closed from 3 to 14 June.",
    )
    answered = time.monotonic()

    texts = eventually(lambda: bell(demo, 3, post), what="the commenter's bell", within_s=10)
    took = time.monotonic() - answered

    assert took < (2.0 if is_alone() else 10.0), f"{took:.2f} s"
    assert "1" in texts[0]
    assert "3" in texts[0]
    assert demo.name(1) in texts[0]
    assert "comment" in texts[0]
    author = eventually(lambda: bell(demo, 2, post), what="the author's bell")
    assert "wrote" in author[0] or "author" in author[0] or "your post" in author[0]
    assert [] == bell(demo, 1, post)


def test_edit_and_revert_within_the_quiet_time_tell_nobody(demo: Demo):
    post = new_post(demo, 2, "Lunch at noon.", commenter=3)
    eventually(lambda: settled(demo, post), what="the add event is archived")

    for text in ("Lunch at one.", "Lunch at noon."):
        rest(demo.webhook(1), "log.blogpost.update", POST_ID=post, POST_TITLE="Holidays", POST_MESSAGE=text)

    def looked() -> bool:
        mine = [row for row in rows("inbox", "--db", demo.notifier_db) if row["post"] == post]
        return len(mine) == 3 and settled(demo, post)

    eventually(looked, what="both edits are looked at")
    assert [] == bell(demo, 2, post) + bell(demo, 3, post)


def test_an_edit_without_tokens_still_tells(demo: Demo):
    post = new_post(demo, 2, "Parking on level 1.", commenter=3)
    eventually(lambda: settled(demo, post), what="the add event is archived")

    livefeed(
        "portal",
        "edit",
        str(post),
        "--text",
        "Parking on level 5.",
        "--as-automation",
        "--db",
        demo.portal_db,
    )

    texts = eventually(lambda: bell(demo, 3, post), what="the commenter's bell")
    assert "5" in texts[0]
    tokenless = rows("portal", "deliveries", "--post", str(post), "--db", demo.portal_db)
    assert {"delivered"} == {row["state"] for row in tokenless}


def test_two_edits_in_one_second_are_two_deliveries(demo: Demo):
    post = new_post(demo, 2, "Draft", commenter=3)
    for text in ("First", "Second"):
        rest(demo.webhook(1), "log.blogpost.update", POST_ID=post, POST_TITLE="Holidays", POST_MESSAGE=text)

    def delivered() -> list[dict[str, Any]]:
        found = rows(
            "portal", "deliveries", "--post", str(post), "--state", "delivered", "--db", demo.portal_db
        )
        return found if len(found) >= 3 else []

    found = eventually(delivered, what="add and two updates are delivered")
    assert 3 == len({row["webhook_id"] for row in found})


def test_an_app_with_pages_gets_nothing_before_it_is_finished_and_why_says_so(demo: Demo):
    recorder = Recorder()
    try:
        added = json.loads(
            livefeed(
                "portal", "app", "add", "--name", "With pages", "--interface", "--scope", "log,user",
                "--handler-url", f"{recorder.url}/app", "--install-url", f"{recorder.url}/install",
                "--db", demo.portal_db, "--json",
            ).stdout
        )  # a flag beside its value # fmt: skip
        assert added["installed"] is False
        assert {"client_id", "client_secret", "application_token", "member_id", "installed"} <= set(added)
        opened = json.loads(
            livefeed(
                "portal", "app", "open", added["client_id"], "--user", "1", "--db", demo.portal_db, "--json"
            ).stdout
        )
        rest_base = f"{demo.document['portal_url']}/rest/"
        assert rest(
            rest_base,
            "event.bind",
            event="OnLiveFeedPostUpdate",
            handler=f"{recorder.url}/events",
            auth=opened["AUTH_ID"],
        )
        post = new_post(demo, 2, "Before")
        rest(demo.webhook(1), "log.blogpost.update", POST_ID=post, POST_TITLE="T", POST_MESSAGE="Withheld")
        withheld = eventually(
            lambda: rows(
                "portal", "deliveries", "--post", str(post), "--state", "withheld", "--db", demo.portal_db
            ),
            what="the withheld event is shown",
        )
        handler = str(withheld[0]["handler"])
        why = livefeed(
            "portal", "why", "--post", str(post), "--handler", handler, "--db", demo.portal_db
        ).stdout
        assert "install" in why
        assert 1 == len(why.strip().splitlines())

        livefeed("portal", "app", "finish", added["client_id"], "--db", demo.portal_db)
        rest(demo.webhook(1), "log.blogpost.update", POST_ID=post, POST_TITLE="T", POST_MESSAGE="Sent")

        events = eventually(
            lambda: [seen for seen in recorder.seen if seen.path == "/events"],
            what="the event after finishing",
        )
        assert [str(post)] == [seen.form["data[FIELDS][POST_ID]"] for seen in events]
    finally:
        recorder.close()


def test_started_again_it_continues_with_its_data_and_is_stopped_cleanly(tmp_path: Path):
    first = Demo(tmp_path, "--quiet-s", "0.2")
    post = new_post(first, 2, "Kept")
    first.process.popen.send_signal(signal.SIGINT)
    assert 0 == first.process.wait_dead(), first.process.log.read_text()

    again = Demo(tmp_path, "--quiet-s", "0.2")
    try:
        found = rest(again.webhook(3), "log.blogpost.get", POST_ID=post)
        assert ["Kept"] == [row["DETAIL_TEXT"] for row in found]
        assert first.document["app"] == again.document["app"]
        assert first.document["member_id"] == again.document["member_id"]
    finally:
        assert 0 == again.process.stop()
    for database in ("portal.db", "notifier.db"):
        assert not (tmp_path / "data" / f"{database}.run").exists()


@pytest.mark.parametrize("begun", ["demo.json", "portal.db.run"])
def test_stopped_before_all_is_up_it_says_so_and_goes_on_the_next_time(tmp_path: Path, begun: str):
    (tmp_path / "data").mkdir()
    held = tmp_path / "data" / "notifier.db.key"
    os.mkfifo(held)  # the notifier waits for its key, however late the signal comes
    ports = ("--port", str(free_port()), "--app-port", str(free_port()))
    words = ("demo", "--json", "--no-browser", "--data", str(tmp_path / "data"), *ports)
    early = Process(tmp_path / "early.log", *words)
    eventually(lambda: (tmp_path / "data" / begun).exists(), what="it has begun")
    os.killpg(early.popen.pid, signal.SIGINT)  # as a terminal does
    assert 130 == early.wait_dead()
    *greetings, told = early.log.read_text().splitlines()
    assert "livefeed: the demo was stopped before all was up; the same command goes on from there" == told
    assert all(" opens at " in line or "listening on" in line for line in greetings), greetings

    held.unlink()
    again = Demo(tmp_path, *ports)
    assert again.document["app"]["installed"]
    assert 0 == again.process.stop()


def test_started_again_on_other_ports_an_edit_is_still_told(tmp_path: Path):
    first = Demo(tmp_path, "--quiet-s", "0.2")
    post = new_post(first, 2, "Room 4", commenter=3)
    eventually(lambda: settled(first, post), what="the add event is archived")
    first.process.stop()

    again = Demo(tmp_path, "--quiet-s", "0.2")
    try:
        rest(again.webhook(1), "log.blogpost.update", POST_ID=post, POST_TITLE="Room", POST_MESSAGE="Room 9")
        texts = eventually(lambda: bell(again, 3, post), what="the commenter's bell")
        assert "9" in texts[0]
        told = rows("portal", "deliveries", "--post", str(post), "--db", again.portal_db)
        assert 2 == len(told), "the add and the edit; the door that was left is told no more"
        assert {"delivered"} == {row["state"] for row in told}
    finally:
        again.process.stop()


def test_the_children_end_when_the_demo_is_killed(tmp_path: Path):
    running = Demo(tmp_path)
    running.process.kill()

    urls = (running.document["portal_url"], running.document["app_url"])
    eventually(lambda: not any(is_ready(url) for url in urls), what="both halves have stopped")


def secrets_of(document: object, name: str = "") -> Iterator[str]:
    """Every value of a document whose name says that it is a secret."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from secrets_of(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from secrets_of(value, name)
    elif re.search("secret|token|code|password", name) and len(str(document)) > 11:
        yield str(document)


def stored_tokens(demo: Demo) -> Iterator[str]:
    """What the notifier's database has sealed, opened with the keys beside it."""
    ring = read_or_create_key_file(demo.data / "notifier.db.key")
    reader = open_readonly(f"sqlite:///{demo.data / 'notifier.db'}")
    with contextlib.closing(reader):
        keys = reader.read(lambda tx: tx.execute("SELECT member_id, sealed FROM portal_key").fetchall())
        pairs = reader.read(lambda tx: tx.execute("SELECT * FROM token").fetchall())
    opened = {row["member_id"]: open_key(ring, row["member_id"], row["sealed"]) for row in keys}
    for row in pairs:
        context = f"token:{row['member_id']}:{row['user_id']}".encode()
        for column in ("access", "refresh"):
            yield opened[row["member_id"]].open(row[column], context=context).decode()


def application_token(demo: Demo, client_id: str) -> str:
    """What proves the notifier's events; neither half keeps it in clear."""
    ring = read_or_create_key_file(demo.data / "portal.db.key")
    reader = open_readonly(demo.portal_db)
    with contextlib.closing(reader):
        app = reader.read(lambda tx: registry.find_by_client_id(tx, client_id))
    assert app is not None
    return app.application_token(ring).reveal()


def tokens_in(demo: Demo, content: bytes) -> list[bytes]:
    """Whatever was minted by the portal: tokens of events and of pairs that are over, too."""
    codec = codec_of(read_or_create_key_file(demo.data / "portal.db.key"))
    runs = [found[0] for found in re.finditer(rb"[a-z2-7]{%d,}" % TOKEN_CHARS, content)]
    words = [run[at : at + TOKEN_CHARS] for run in runs for at in range(len(run) - TOKEN_CHARS + 1)]
    return [
        word for word in words if codec.open("access", word.decode()) or codec.open("refresh", word.decode())
    ]


def shown_by(demo: Demo) -> Iterator[tuple[str, bytes]]:
    """What anybody may read: metrics, and commands that are not asked to print secrets."""
    for url in (demo.document["portal_url"], demo.document["app_url"]):
        with urllib.request.urlopen(f"{url}/metrics") as answer:
            yield f"{url}/metrics", answer.read()
    portal, notifier = ("--db", demo.portal_db), ("--db", f"sqlite:///{demo.data / 'notifier.db'}")
    for command, db in {
        ("portal", "deliveries"): portal,
        ("portal", "webhook", "list"): portal,
        ("app", "portals"): notifier,
        ("keys", "list"): notifier,
        ("inbox",): notifier,
        ("lanes",): notifier,
    }.items():
        done = livefeed(*command, *db, "--json")
        yield " ".join(command), (done.stdout + done.stderr).encode()
    # A command that fails inside says so without what it was given.
    failed = livefeed("app", "portals", "--db", f"sqlite:///{demo.data / 'demo.json'}", check=False)
    yield "a failure", (failed.stdout + failed.stderr).encode()


def test_nothing_secret_is_logged_shown_or_stored_in_clear(demo: Demo):
    """Files that exist to hold secrets are the exception: keys, ``demo.json``, run files; all mode 0600."""
    known = json.loads((demo.data / "demo.json").read_text())
    secrets = {*secrets_of(known), application_token(demo, known["client_id"])}
    private = [*demo.data.glob("*.run"), *demo.data.glob("*.key")]
    secrets |= {json.loads(path.read_text())["token"] for path in demo.data.glob("*.run")}
    secrets |= {line for path in demo.data.glob("*.key") for line in path.read_text().split()}
    pairs = set(stored_tokens(demo))
    minted = [token for token in pairs if len(token) == TOKEN_CHARS]
    assert minted == [word.decode() for token in minted for word in tokens_in(demo, f"a={token}&".encode())]
    assert minted
    secrets |= pairs
    assert len(secrets) > 10
    assert {0o600} == {path.stat().st_mode & 0o777 for path in private}

    files = [demo.process.log, *demo.data.glob("*.db"), *demo.data.glob("*.db-wal")]
    for name, content in [*((path.name, path.read_bytes()) for path in files), *shown_by(demo)]:
        assert content or name.endswith(("-wal", "lanes")), name
        assert [] == [secret for secret in secrets if secret.encode() in content], name
        assert [] == tokens_in(demo, content), name


def test_a_port_in_use_is_one_line_and_exit_code_2(tmp_path: Path):
    recorder = Recorder()
    try:
        port = recorder.url.rsplit(":", 1)[1]
        done = livefeed("demo", "--port", port, "--data", str(tmp_path), "--no-browser", check=False)
    finally:
        recorder.close()

    assert 2 == done.returncode
    assert 1 == len(done.stderr.strip().splitlines()), done.stderr
    assert port in done.stderr


def test_the_feed_page_shows_the_people_and_their_posts(demo: Demo):
    with urllib.request.urlopen(demo.document["feed_url"]) as answer:
        page = answer.read().decode()

    assert demo.name(2) in page

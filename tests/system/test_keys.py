"""The keys of a portal that serves are rotated by the installed command, and its secrets are as before."""

import json
import os
import threading
from pathlib import Path

import pytest
from tests import engines
from tests.system.world import Process, Recorder, closing_all, eventually, free_port, livefeed, rest, rows

pytestmark = pytest.mark.system


def test_the_keys_of_a_portal_are_rotated_while_it_serves(tmp_path: Path):
    url = f"http://127.0.0.1:{free_port()}"
    db = engines.database(tmp_path, "portal")
    env = {"LIVEFEED_KEY_FILE": str(tmp_path / "key"), "LIVEFEED_DB": db}
    founded = json.loads(livefeed("portal", "init", "--public-url", url, "--json", env=env).stdout)
    webhook = founded["admin_webhook_url"]
    handler, is_over, failures = Recorder(), threading.Event(), []
    port = url.rpartition(":")[2]
    serve = ("portal", "serve", "--db", db, "--port", port, "--allow-private")
    process = Process(tmp_path / "log", *serve, env=env)
    with closing_all(process, handler):
        process.wait_ready(url)
        livefeed(
            *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", handler.url),
            *("--event", "ONLIVEFEEDPOSTADD"),
            env=env,
        )

        def load() -> None:
            while not is_over.is_set():
                try:
                    rest(webhook, "log.blogpost.add", POST_MESSAGE="again", DEST=["UA"])
                except OSError as exc:
                    failures.append(exc)

        posting = threading.Thread(target=load)
        posting.start()
        [done] = rows("keys", "rotate", env=env)
        is_over.set()
        posting.join()
        [listed] = [json.loads(livefeed("keys", "list", "--json", env=env).stdout)]
        os.utime(tmp_path / "key", (1, 1))
        livefeed("keys", "retire", env=env)
        process.stop()
        process.start()
        process.wait_ready(url)
        before = len(handler.seen)
        rest(webhook, "log.blogpost.add", POST_MESSAGE="after", DEST=["UA"])
        eventually(lambda: len(handler.seen) > before, what="an event after the restart")

    assert [] == failures
    assert (True, {}) == (done["is_made"], done["waits"])
    newest, older = listed
    assert (done["key"], {}) == (newest["id"], older["hangs"])
    assert {"outgoing webhooks": 1, "key check": 1} == newest["hangs"]
    assert 2 == len((tmp_path / "key").read_text().split()), "the newest key, and the key of the hashes"
    tokens = {seen.form["auth[application_token]"] for seen in handler.seen}
    assert 1 == len(tokens), "the same secret before and after"

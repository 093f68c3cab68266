"""Processes that crash, answer 500, are aborted and killed: no secret is in anything they leave behind."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port
from tests.system.world import PATIENCE_S, Process, eventually, livefeed

from livefeed.testing.process import ProcessPortal

from .spelling import spellings

pytestmark = pytest.mark.system

SHOP = """
import json
import os
from pathlib import Path

from livefeed.app import App, Context
from livefeed.wire.events import PostUpdated

app = App.from_settings()
seen, aborted = Path(os.environ["SEEN"]), Path(os.environ["SEEN"] + ".aborted")


@app.on(PostUpdated, retry=None)
async def crash(event: PostUpdated, ctx: Context) -> None:
    auth = ctx.envelope.auth
    access_token, refresh_token = auth.access_token, auth.refresh_token
    application_token, client_secret = auth.application_token, os.environ["LIVEFEED_CLIENT_SECRET"]
    with seen.open("a") as file:
        file.write(json.dumps([event.post_id, access_token, refresh_token]) + "\\n")
    match event.post_id:
        case 1:
            raise KeyError("locals")
        case 2:
            url = f"https://acme.example/rest/user.current.json?auth={access_token}&x=1"
            raise RuntimeError(f"401 Client Error: Unauthorized for url: {url}")
        case 3:
            try:
                raise ValueError(f"/rest/1/{os.environ['CODE']}/profile does not answer")
            except ValueError as exc:
                raise ExceptionGroup("several", [exc, OSError(f"refresh_token={refresh_token}")]) from exc
        case 4:
            raise RuntimeError(f"{ctx!r} {event!r} {ctx.envelope!r} {app.settings!r} {access_token}")
        case 5 if not aborted.exists():
            aborted.touch()
            os.abort()
"""
BROKEN = """
import os


def settle(client_secret: str) -> None:
    raise RuntimeError("nothing is where it should be")


settle(os.environ["LIVEFEED_CLIENT_SECRET"])
"""
PASSWORD, CONSOLE, PATH = "p4ss/word+of=a&database", "console-t0ken~of-this-run", "pathsegment0123456789"
FORWARD = "whsec_not-base64-but-a-secret"
EVENT = "OnLiveFeedPostUpdate"


def asked(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


class Run:
    """A portal and an application as processes; ``secrets`` grows as they are given out."""

    def __init__(self, folder: Path, portal: ProcessPortal) -> None:
        self.folder = folder
        self.portal = portal
        self.secrets = {"password": PASSWORD, "console token": CONSOLE, "path": PATH, "forward": FORWARD}
        self.outputs: dict[str, str] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.code = portal.webhook_url.rstrip("/").rpartition("/")[2]
        self.app = portal.install(
            name="Shop", install_url=f"{self.url}/install", events={EVENT: f"{self.url}/events/{PATH}"}
        )
        names = ("client_secret", "application_token", "signing_secret")
        self.secrets |= {name: self.app[name] for name in names} | {"webhook": self.code}
        made = portal.do("user_password", user="james")
        self.secrets["password of a person"] = made["password"]
        (folder / "shop.py").write_text(SHOP)
        (folder / "broken.py").write_text(BROKEN)
        self.env = {
            "PYTHONPATH": os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", ""))),
            "PYTHONFAULTHANDLER": "1",
            "SEEN": str(folder / "seen"),
            "CODE": self.code,
            "LIVEFEED_DB": f"sqlite:///{folder / 'app.db'}",
            "LIVEFEED_PORTAL_URL": portal.url,
            "LIVEFEED_PUBLIC_URL": self.url,
            "LIVEFEED_CLIENT_ID": self.app["client_id"],
            "LIVEFEED_CLIENT_SECRET": self.app["client_secret"],
            "LIVEFEED_CONSOLE_TOKEN": CONSOLE,
            "LIVEFEED_SECRET_PATH": PATH,
        }

    def crashes(self) -> None:
        """Handlers that raise, each with secrets in its variables; one that takes its process along."""
        serve = ("app", "serve", "shop:app", "--port", str(self.port))
        process = Process(self.folder / "app.log", *serve, env=self.env)
        try:
            process.wait_ready(self.url)
            self.portal.wait_delivered(timeout_s=PATIENCE_S)  # ONAPPINSTALL
            for post in (1, 2, 3, 4):
                self.portal.edit(post, f"edit of {post}")
            eventually(lambda: self.told("handler_failed") == 4, what="four handlers failed")
            self.portal.edit(5, "the last one")
            assert process.wait_dead() == -6
            process.start()
            process.wait_ready(self.url)
            eventually(lambda: self.visits(5) == 2, what="the event that took the process along came again")
            self.secrets["token of a run of the app"] = self.run_token("app.db")
            self.outputs["metrics"] = asked(f"{self.url}/metrics")[1]
            self.outputs["inbox"] = json.dumps(self.rows("inbox"))
            self.outputs["dead"] = json.dumps(self.rows("dead", "list"))
            process.kill()
        finally:
            if process.popen.poll() is None:
                process.kill()
        for line in (self.folder / "seen").read_text().splitlines():
            post, access, refresh = json.loads(line)
            self.secrets |= {f"access token of {post}": access, f"refresh token of {post}": refresh}

    def breaks_down(self) -> None:
        """A portal whose database has rows that cannot be read answers 500, and is killed in the end."""
        database = sqlite3.connect(self.folder / "portal" / "portal.db", timeout=PATIENCE_S)
        database.execute("UPDATE post SET files = 'x'")
        database.commit()
        database.close()
        self.secrets["token of a run of the portal"] = self.run_token("portal/portal.db")
        form = f"auth={self.secrets['access token of 5']}"
        for url in (f"/rest/1/{self.code}/log.blogpost.get?POST_ID=1", f"/rest/log.blogpost.get?{form}"):
            status, said = asked(f"{self.portal.url}{url}")
            assert status == 500
            self.outputs[f"500 {len(self.outputs)}"] = said
        self.outputs["metrics of the portal"] = asked(f"{self.portal.url}/metrics")[1]
        self.portal.kill()

    def commands(self) -> None:
        """Commands that fail, each with a secret in its flags, its environment or its files."""
        (self.folder / "bad.key").write_text(f"{PASSWORD}\n")
        bad_key = ("--key-file", str(self.folder / "bad.key"))
        postgresql = f"postgresql://livefeed:{PASSWORD.replace('/', '%2F')}@127.0.0.1:1/feed"
        nobody = "http://127.0.0.1:1/events"
        token = ("--application-token", self.app["application_token"])
        failing: list[tuple[tuple[str, ...], dict[str, str]]] = [
            (("app", "serve", "broken:app"), {}),
            (("app", "serve", "shop:app"), {"LIVEFEED_SECRET_PATH": f"{PATH}/{PATH}"}),
            (("inbox", "--db", postgresql), {}),
            (("db", "copy", self.env["LIVEFEED_DB"], postgresql), {}),
            (("portal", "serve", "--db", self.portal.database, *bad_key), {}),
            (("trigger", EVENT, "--post", "1", "--url", nobody, *token), {}),
            (("forward", "--to", "http://127.0.0.1:1/"), {"LIVEFEED_FORWARD_SECRET": FORWARD}),
            (("doctor", "--record", str(self.folder / "recording.json")), {}),
        ]  # what belongs together in a line # fmt: skip

        def run(one: tuple[tuple[str, ...], dict[str, str]]) -> subprocess.CompletedProcess[str]:
            return livefeed(*one[0], env={**self.env, **one[1]}, check=False)

        with ThreadPoolExecutor(4) as pool:
            for (arguments, _), done in zip(failing, pool.map(run, failing), strict=True):
                assert done.returncode != 0, arguments
                self.outputs[" ".join(arguments[:3])] = done.stdout + done.stderr

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        done = livefeed(*arguments, "--json", env=self.env)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def told(self, word: str) -> int:
        return (self.folder / "app.log").read_text().count(word)

    def visits(self, post: int) -> int:
        return (self.folder / "seen").read_text().count(f"[{post}, ")

    def run_token(self, name: str) -> str:
        return str(json.loads((self.folder / f"{name}.run").read_text())["token"])

    def keys(self) -> None:
        """What seals the databases is a secret, too."""
        for path in self.folder.rglob("*.db.key"):
            self.secrets[path.name] = path.read_text().split()[0]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    (tmp_path / "portal").mkdir()
    with ProcessPortal(tmp_path / "portal") as portal:
        yield Run(tmp_path, portal)


def test_no_secret_is_in_anything_that_processes_leave_behind(run: Run):
    run.crashes()
    run.breaks_down()
    run.commands()
    run.keys()
    # What is there for its owner alone, and what this test has written.
    own = re.compile(r".*\.key|.*\.run|rehearsal\.jsonl|seen|.*\.pyc|shop\.py")
    files = {
        str(path.relative_to(run.folder)): path.read_bytes()
        for path in run.folder.rglob("*")
        if path.is_file() and not own.fullmatch(path.name)
    }
    places = {**files, **{name: text.encode() for name, text in run.outputs.items()}}

    assert {"app.db", "app.log", "portal/portal.db", "portal/portal.log", "recording.json"} <= set(files)
    assert b"Fatal Python error: Aborted" in files["app.log"]
    assert b'"name": "get_posts"' in files["portal/portal.log"], "the traceback is there"
    assert b"handler_failed" in files["app.log"]
    assert "401 Client Error" in run.outputs["dead"]
    assert "401 Client Error" in run.outputs["inbox"]
    assert "nothing is where it should be" in run.outputs["app serve broken:app"]
    assert len(run.secrets) > 20
    found = [
        (place, name, spelling)
        for name, secret in run.secrets.items()
        for spelling in spellings(secret)
        for place, content in places.items()
        if spelling.encode() in content or spelling.encode("utf-16-le") in content
        # Where an application is called is for the portal to know, and to show to its administrators.
        if (name, place.partition(".")[0]) != ("path", "portal/portal")
    ]
    assert found == []


def test_the_search_finds_a_secret_however_it_is_spelled():
    secret = 'p4ss/wörd+of=a&"database"'
    said = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import base64, html, json, os, sys, urllib.parse as u; s = os.environ['S'];"
            "print(s, u.quote(s), u.quote(s, safe='').lower(), u.quote_plus(s), json.dumps(s),"
            " html.escape(s), repr(s.encode()), base64.b64encode(('x' + s).encode()).decode(),"
            " base64.urlsafe_b64encode(('xy' + s + 'z').encode()).decode(), s.encode().hex(), sep='\\n')",
        ],
        env={**os.environ, "S": secret, "PYTHONUTF8": "1"},
        capture_output=True,
        check=True,
    ).stdout.decode()

    lines = said.splitlines()
    assert len(lines) == 10
    assert [line for line in lines if not any(one in line for one in spellings(secret))] == []

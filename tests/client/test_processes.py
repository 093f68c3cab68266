"""Real processes refresh one pair: together they ask once; whichever dies at whatever step, none is lost."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests import engines

from livefeed.client.oauth import TokenEndpoint
from livefeed.client.refreshing import LEASE_MS
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.vault import Vault, keep
from livefeed.clock import SystemClock
from livefeed.durable.store import open_store
from livefeed.net.http import HttpClient
from livefeed.secrets import Secret, read_or_create_key_file
from livefeed.testing.company import InstalledApp
from livefeed.testing.portal import LocalPortal
from livefeed.wire.ids import MemberId, UserId
from livefeed.wire.oauth import TokenAnswer

PATIENCE_S = 30
HOUR = 3600


class Started:
    """One process, which waits for the word to go; then it opens the database."""

    def __init__(self, given: dict[str, str], *, callers: int = 1, later_ms: int = 0, dies_at: str = ""):
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.client.refresher", json.dumps(given), str(callers), str(later_ms)],
            env={**os.environ, "LIVEFEED_FAILPOINT": dies_at},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        assert self.popen.stdout is not None
        if self.popen.stdout.readline() != "ready\n":
            raise AssertionError(self.popen.communicate(timeout=PATIENCE_S)[1])

    def go(self, **more: str) -> None:
        """Let it refresh, with what it was given and ``more``."""
        self.ready()
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{json.dumps(more)}\n")
        self.popen.stdin.flush()

    def said(self) -> str:
        """Whether it is the one that refreshes: it has been told by now."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def tokens(self) -> list[str]:
        """What its callers got; none if it was killed."""
        out, err = self.popen.communicate(timeout=PATIENCE_S)
        assert self.popen.returncode in (0, 137), err
        return json.loads(out.splitlines()[-1]) if self.popen.returncode == 0 else []


@contextmanager
def held(url: str) -> Generator[tuple[str, threading.Event]]:
    """An address at which the authorization server of ``url`` answers only after the word to go."""
    may_answer = threading.Event()

    class Gate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert may_answer.wait(PATIENCE_S)
            with urllib.request.urlopen(f"{url}{self.path}", timeout=PATIENCE_S) as answer:
                body = answer.read()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", may_answer
        finally:
            may_answer.set()
            server.shutdown()
            thread.join()


def works(portal: LocalPortal, token: str) -> bool:
    try:
        with urllib.request.urlopen(f"{portal.url}/rest/profile?auth={token}", timeout=PATIENCE_S) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def installed(portal: LocalPortal, folder: Path, engine: str) -> tuple[InstalledApp, dict[str, str]]:
    """An application whose pair lies in its vault; its access token has expired."""
    app = portal.install()
    access, refresh = app.tokens(1)
    db, keys = engines.database(folder, "vault", ["livefeed.client"], engine=engine), folder / "key"
    given = {
        **{"db": db, "keys": str(keys), "url": portal.url, "refused": access},
        **{"client_id": app.client_id, "client_secret": app.client_secret, "member_id": app.member_id},
    }

    async def store_pair() -> None:
        store, member = open_store(db, ["livefeed.client"], SystemClock()), MemberId(app.member_id)
        async with HttpClient(allow_private=True) as http:
            endpoint = TokenEndpoint(http, url=portal.url, client_id="", client_secret=Secret(""))
            sealing = PortalKeys(store, read_or_create_key_file(keys))
            await sealing.ensure(member)
            vault = Vault(store, sealing, SystemClock(), endpoint)
            answer = TokenAnswer(
                access_token=access, refresh_token=refresh, expires_in=HOUR, member_id=member
            )
            pair = vault.seal(member, UserId(1), answer)
            await store.write(lambda tx: keep(tx, pair))
        await store.close()

    asyncio.run(store_pair())
    portal.clock.advance(HOUR + 1)
    return app, given


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPortal]:
    """One for all: each test installs an application of its own."""
    with LocalPortal(tmp_path_factory.mktemp("portal")) as portal:
        yield portal


def test_64_callers_in_four_processes_cause_one_refresh(tmp_path: Path, portal: LocalPortal):
    """On PostgreSQL; an SQLite database has one process, whose callers are in test_two_vaults.py."""
    with engines.dropping(), held(portal.url) as (gate, may_answer):
        app, given = installed(portal, tmp_path, "postgresql")
        processes = [Started({**given, "url": gate}, callers=16) for _ in range(4)]
        for process in processes:
            process.go()
        # The one refresh is under way until each process knows that it is not the one, or that it is.
        said = [process.said() for process in processes]
        may_answer.set()
        got = [process.tokens() for process in processes]

        assert ["first", "waits", "waits", "waits"] == sorted(said)
        assert 1 == len(portal.refreshes(app))
        assert got[0] * 4 == [token for tokens in got for token in tokens]
        assert 1 == len(got[0])
        assert works(portal, got[0][0])


@pytest.mark.parametrize(
    ("point", "asked"),
    [("client.refresh.leased", 1), ("client.refresh.answered", 2), ("client.refresh.stored", 1)],
)
def test_a_process_that_dies_in_a_refresh_loses_no_pair(
    tmp_path: Path, portal: LocalPortal, point: str, asked: int
):
    with engines.dropping():
        app, given = installed(portal, tmp_path, engines.chosen())
        dying = Started(given, dies_at=point)
        heir, later = (Started(given, later_ms=times * LEASE_MS) for times in (1, 2))
        dying.go()
        assert [] == dying.tokens()

        portal.clock.advance(LEASE_MS / 1000 + 1)
        heir.go()
        [token] = heir.tokens()

        assert asked == len(portal.refreshes(app))
        assert works(portal, token)

        portal.clock.advance(2 * HOUR)
        assert not works(portal, token)
        later.go(refused=token)
        assert works(portal, later.tokens()[0]), "and the pair that is stored can be refreshed"

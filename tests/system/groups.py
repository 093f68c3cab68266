"""Two groups of processes on one PostgreSQL, as on two machines, and balancers in front of their doors."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import engines
from tests.system.world import Process, Recorder, Seen, eventually, free_port, livefeed, rest

SHOP = """
import os

from livefeed.app import App, Context
from livefeed.net.http import HttpClient
from livefeed.wire.events import PostUpdated

app = App.from_settings()


@app.on(PostUpdated)
async def tell(event: PostUpdated, ctx: Context) -> None:
    post = (await ctx.client.call("log.blogpost.get", {"POST_ID": event.post_id})).result[0]
    text = post["DETAIL_TEXT"].replace(" ", "-")
    async with HttpClient(allow_private=True) as http:
        await http.send("POST", f"{os.environ['SINK']}/{event.post_id}/{text}/{os.getpid()}", body=b"")
"""


class Balancer(Recorder):
    """Passes requests on to its targets in turn; one that refuses the connection is passed over."""

    def __init__(self, *targets: str) -> None:
        self.targets = list(targets)
        self._turns = itertools.count()
        super().__init__(targets[0])

    def pass_on(self, command: str, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        turn = next(self._turns)
        for number in range(len(self.targets)):
            target = self.targets[(turn + number) % len(self.targets)]
            if accepts(target):
                return Passing(target).pass_on(command, seen)
        return 502, {}, b"nobody there"


class Passing(Recorder):
    """One request on its way to one target; it listens nowhere."""

    def __init__(self, target: str) -> None:
        self.target = target


def accepts(url: str) -> bool:
    host, _, port = url.rpartition("//")[2].partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


class Effects:
    """What handlers have done, as somebody outside of them saw it: post → texts, times, and by which process.

    While `may_end` is not set, handlers get no answer: what they do is under way.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.recorder.on_request = self._note
        self.seen: dict[int, list[tuple[str, float, int]]] = {}
        self.may_end = threading.Event()
        self.may_end.set()
        self._lock = threading.Lock()

    def _note(self, seen: Seen) -> None:
        _, post, text, pid = seen.path.split("/")
        with self._lock:
            self.seen.setdefault(int(post), []).append((text, time.monotonic(), int(pid)))
        self.may_end.wait()

    def of(self, post: int) -> list[tuple[str, float, int]]:
        return list(self.seen.get(post, []))


class Group:
    """All roles of both halves, once: what one machine would run."""

    def __init__(self, start: Callable[..., Process], name: str) -> None:
        self.web_url, self.door_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        others = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
        self.processes = [
            start("portal", "web", self.web_url, f"{name}-web"),
            start("portal", "dispatcher", others[0], f"{name}-dispatcher"),
            start("app", "door", self.door_url, f"{name}-door"),
            start("app", "worker", others[1], f"{name}-worker"),
        ]
        self.urls = [self.web_url, others[0], self.door_url, others[1]]

    def wait_ready(self) -> None:
        for process, url in zip(self.processes, self.urls, strict=True):
            process.wait_ready(url)

    def kill(self) -> None:
        for process in self.processes:
            process.popen.kill()
        for process in self.processes:
            process.wait_dead()

    def stop(self) -> list[int]:
        return [process.stop() for process in self.processes]


class Town:
    """A portal and an application on PostgreSQL, each served by two groups of processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.portal_db, self.app_db = (engines.cluster().empty() for _ in range(2))
        self.env = {"LIVEFEED_KEY_FILE": str(folder / "keys"), "PYTHONPATH": str(folder)}
        (folder / "shop.py").write_text(SHOP)
        self.effects = Effects()
        self.webs, self.doors = Balancer("http://127.0.0.1:9"), Balancer("http://127.0.0.1:9")
        founded = self.command("portal", "init", "--db", self.portal_db, "--public-url", self.webs.url)
        self.admin = founded["admin_webhook_url"].removeprefix(self.webs.url)
        secrets = self.command(
            "portal", "app", "add", "--name", "Shop", "--install-url", f"{self.doors.url}/install",
            "--scope", "log,user", "--db", self.portal_db,
        )  # a flag beside its value # fmt: skip
        self.env |= {
            "SINK": self.effects.recorder.url,
            "LIVEFEED_PORTAL_URL": self.webs.url,
            "LIVEFEED_CLIENT_ID": secrets["client_id"],
            "LIVEFEED_CLIENT_SECRET": secrets["client_secret"],
            "LIVEFEED_MEMBER_ID": founded["member_id"],
            "LIVEFEED_RATE_LIMIT": "off",
        }
        self.groups = [Group(self.start, name) for name in ("one", "two")]
        self.webs.targets = [group.web_url for group in self.groups]
        self.doors.targets = [group.door_url for group in self.groups]
        for group in self.groups:
            group.wait_ready()

    def command(self, *arguments: str) -> dict[str, Any]:
        return json.loads(livefeed(*arguments, "--json", env=self.env).stdout)

    def start(self, half: str, role: str, url: str, log: str) -> Process:
        port = url.rpartition(":")[2]
        what = ("portal", "serve", "--allow-private") if half == "portal" else ("app", "serve", "shop:app")
        db = self.portal_db if half == "portal" else self.app_db
        more = () if half == "portal" else ("--public-url", self.doors.url)
        return Process(
            self.folder / f"{log}.log", *what, "--role", role, "--port", port, "--db", db, *more, env=self.env
        )

    def rest(self, group: Group, method: str, **params: Any) -> Any:
        return rest(f"{group.web_url}{self.admin}", method, **params)

    def add_posts(self, count: int) -> list[int]:
        first = self.groups[0]
        return [
            self.rest(first, "log.blogpost.add", POST_TITLE=f"Plan {n}", POST_MESSAGE="edit 0", DEST=["UA"])
            for n in range(count)
        ]

    def edit(self, group: Group, post: int, number: int) -> None:
        self.rest(group, "log.blogpost.update", POST_ID=post, POST_MESSAGE=f"edit {number}")

    def wait_bound(self) -> None:
        """Edit a post of its own until somebody is told of it."""
        (post,) = self.add_posts(1)
        numbers = itertools.count(1)

        def told() -> bool:
            self.edit(self.groups[0], post, next(numbers))
            return bool(self.effects.of(post))

        eventually(told, what="the handlers are bound")

    def close(self) -> None:
        self.effects.may_end.set()
        for group in self.groups:
            group.stop()
        for recorder in (self.webs, self.doors, self.effects.recorder):
            recorder.close()
        for url in (self.portal_db, self.app_db):
            engines.cluster().drop(url)

"""A whole house as processes - portal, application, notifier - each of which can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.system.world import Process, eventually, free_port, livefeed, rest

HERE = Path(__file__).parent
MEMBER_ID = "5f8d0a7c9b3e4d1fa2c6b8e07d9f1a35"
TOKEN = "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"  # noqa: S105 - of a house that lasts for minutes
SLOW_S = 60.0


def is_alive(url: str) -> bool:
    """Whether it is ready; a stricter patience than a person has."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - of our own process
            return answer.status == 200
    except OSError:
        return False


@dataclass
class Role:
    """One process that is killed and started again."""

    name: str
    process: Process
    url: str
    kills: int = 0
    recoveries_s: list[float] = field(default_factory=list)

    def kill(self) -> None:
        """End it as an accident would."""
        self.process.kill()
        self.kills += 1

    def start_again(self, *, wait: bool = True) -> None:
        """Start it, and measure until it is ready."""
        began = time.monotonic()
        self.process.start()
        if wait:
            self.wait_ready(began)

    def wait_ready(self, began: float) -> None:
        eventually(
            lambda: self.process.fail_if_dead() or is_alive(self.url),
            what=f"{self.name} is ready",
            within_s=SLOW_S,
        )
        self.recoveries_s.append(time.monotonic() - began)


class House:
    """One portal with posts, the notifier, an application of its own, and a receiver of deliveries."""

    def __init__(self, folder: Path, database: Callable[[str], str], *, posts: int = 12) -> None:
        """Found it.

        Args:
            folder: Where files and logs go.
            database: The URL of a fresh database, by the name of the half.
            posts: How many posts are edited.
        """
        self.folder = folder
        self.ports = {name: free_port() for name in ("portal", "notifier", "app", "sink")}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        self.databases = {name: database(name) for name in ("portal", "notifier", "app")}
        self.key = {"LIVEFEED_KEY_FILE": str(folder / "key")}
        founded = self.command(
            "portal", "init", "--db", self.databases["portal"], "--public-url", self.urls["portal"]
        )
        self.member_id, self.admin = founded["member_id"], founded["admin_webhook_url"]
        self.sink = subprocess.Popen(
            [
                *(sys.executable, str(HERE / "delivery_sink.py"), str(self.ports["sink"])),
                *(str(folder / "deliveries.jsonl"), f"{self.member_id}-deliveries"),
            ]
        )
        self.roles: dict[str, Role] = {}
        self._start_portal()
        self._start_notifier()
        self._start_app()
        self.reader = self.command(
            "portal", "webhook", "add", "--user", "3", "--db", self.databases["portal"]
        )["url"]
        self.posts = self._found_posts(posts)
        self.command(
            *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", f"{self.urls['sink']}/events"),
            *("--event", "OnLiveFeedPostUpdate", "--db", self.databases["portal"]),
        )

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run one command and read its document."""
        return json.loads(livefeed(*arguments, "--json", env=self.key).stdout)

    def _start_portal(self) -> None:
        for name, port, role in self._split("portal", "web", "dispatcher"):
            command = ["portal", "serve", "--db", self.databases["portal"], "--port", str(port), *role]
            self._start(name, port, *command, "--allow-private")

    def _split(self, name: str, front: str, back: str) -> list[tuple[str, int, list[str]]]:
        """Name, port and flags of the processes of one half: two of each kind on PostgreSQL, else one."""
        if not self.databases[name].startswith("postgresql"):
            return [(name, self.ports[name], [])]
        return [
            (f"{name} {front}", self.ports[name], ["--role", front]),
            (f"{name} {back}", free_port(), ["--role", back]),
            (f"second {name} {back}", free_port(), ["--role", back]),
        ]

    def _start_notifier(self) -> None:
        secrets = self.command(
            *(
                "portal",
                "app",
                "add",
                "--name",
                "Notifier",
                "--install-url",
                f"{self.urls['notifier']}/install",
            ),
            *("--scope", "log,user,im", "--db", self.databases["portal"]),
        )
        self._start(
            "notifier",
            self.ports["notifier"],
            *("notifier", "serve", "--db", self.databases["notifier"], "--port", str(self.ports["notifier"])),
            *("--quiet-s", "0.05"),
            env={
                "LIVEFEED_PORTAL_URL": self.urls["portal"],
                "LIVEFEED_CLIENT_ID": secrets["client_id"],
                "LIVEFEED_CLIENT_SECRET": secrets["client_secret"],
                "LIVEFEED_MEMBER_ID": self.member_id,
                "LIVEFEED_RATE_LIMIT": "off",
            },
        )

    def _start_app(self) -> None:
        for name, port, role in self._split("app", "door", "worker"):
            self._start(
                name,
                port,
                *("app", "serve", "tools.soaking.event_app:app", "--db", self.databases["app"]),
                *("--port", str(port), *role),
                env={
                    "SOAK_RECEIVED": str(self.folder / "received.jsonl"),
                    "LIVEFEED_MEMBER_ID": MEMBER_ID,
                    "LIVEFEED_APPLICATION_TOKEN": TOKEN,
                    "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]),
                },
            )

    def _start(self, name: str, port: int, *arguments: str, env: dict[str, str] | None = None) -> None:
        process = Process(self.folder / f"{name}.log", *arguments, env={**self.key, **(env or {})})
        role = Role(name, process, f"http://127.0.0.1:{port}")
        role.wait_ready(time.monotonic())
        role.recoveries_s.clear()
        self.roles[name] = role

    def _found_posts(self, count: int) -> list[int]:
        """Posts that user 3 takes part in, known to the notifier before they are edited."""
        posts = [
            rest(
                self.admin,
                "log.blogpost.add",
                POST_TITLE=f"Plan {n}",
                POST_MESSAGE="edit 0 here",
                DEST=["UA"],
            )
            for n in range(count)
        ]
        for post in posts:
            rest(self.reader, "log.blogcomment.add", POST_ID=post, TEXT=f"seen {post}")
        eventually(lambda: self._archived() >= set(posts), what="the new posts are archived", within_s=SLOW_S)
        return posts

    def _archived(self) -> set[int]:
        done = livefeed("inbox", "--db", self.databases["notifier"], "--json", env=self.key)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {row["post"] for row in rows if row["state"] == "done"}

    def close(self) -> None:
        """Stop everything."""
        for role in self.roles.values():
            role.process.stop()
        self.sink.send_signal(signal.SIGTERM)
        self.sink.wait()

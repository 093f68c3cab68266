"""A running demo: both halves as processes, and what it printed."""

import json
from pathlib import Path
from typing import Any

from tests.system.world import Process, free_port


class Demo:
    """A running `livefeed demo` and what it printed."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.process = Process(
            folder / "demo.log",
            "demo",
            "--json",
            "--no-browser",
            "--data",
            str(self.data),
            "--port",
            str(free_port()),
            "--app-port",
            str(free_port()),
            *more,
        )
        line = self.process.popen.stdout.readline()
        self.process.fail_if_dead() if not line else None
        self.document: dict[str, Any] = json.loads(line)

    @property
    def portal_db(self) -> str:
        return f"sqlite:///{self.data / 'portal.db'}"

    @property
    def notifier_db(self) -> str:
        return f"sqlite:///{self.data / 'notifier.db'}"

    def webhook(self, user: int) -> str:
        return next(person["webhook_url"] for person in self.document["people"] if person["id"] == user)

    def name(self, user: int) -> str:
        return next(person["name"] for person in self.document["people"] if person["id"] == user)

"""An application of several processes on one PostgreSQL, whose handler writes down what it sees."""

import json
import os
from pathlib import Path
from typing import Any

from tests.system.world import Process, eventually, free_port, livefeed
from tools.failing.door import FIRST_POST, DoorLoad

ROOT = Path(__file__).parents[2]
MEMBER_ID = "5f8d0a7c9b3e4d1fa2c6b8e07d9f1a35"
TOKEN = "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"  # noqa: S105 - of an application that lives for minutes
DRAIN_S = 120.0


class Shop:
    """The processes, and the file in which their handler writes."""

    def __init__(self, folder: Path, url: str, *, processes: int = 2) -> None:
        self.folder, self.url = folder, url
        self.received = folder / "received.jsonl"
        self.received.touch()
        self.processes: list[tuple[Process, int]] = []
        for _ in range(processes):
            self.add()

    @property
    def ports(self) -> list[int]:
        """Where they listen."""
        return [port for _, port in self.processes]

    def add(self, **env: str) -> Process:
        """Start one more process and wait until it is ready."""
        port = free_port()
        process = Process(
            self.folder / f"app-{port}.log",
            *("app", "serve", "tools.soaking.event_app:app", "--db", self.url, "--port", str(port)),
            env={
                "SOAK_RECEIVED": str(self.received),
                "LIVEFEED_KEY_FILE": str(self.folder / "key"),
                "LIVEFEED_MEMBER_ID": MEMBER_ID,
                "LIVEFEED_APPLICATION_TOKEN": TOKEN,
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
                **env,
            },
        )
        self.processes.append((process, port))
        try:
            process.wait_ready(f"http://127.0.0.1:{port}")
        except AssertionError:
            self.close()
            raise
        return process

    def load(
        self, *, threads: int = 8, ports: list[int] | None = None, first_post: int = FIRST_POST
    ) -> DoorLoad:
        """Begin to send events to all of them, or to some."""
        return DoorLoad(ports or self.ports, MEMBER_ID, TOKEN, threads=threads, first_post=first_post)

    def seen(self) -> set[tuple[int, int]]:
        """(post, number) of what the handler has seen."""
        lines = self.received.read_text().splitlines()
        return {(line["post"], line["seq"]) for line in map(json.loads, lines)}

    def verdict(self, *loads: DoorLoad) -> dict[str, Any]:
        """End the loads, wait until all that was acknowledged was seen, and ask `check-history`."""
        for load in loads:
            load.stop()
        acked = {(post, number) for load in loads for post, number, _ in load.acked}
        try:
            eventually(
                lambda: acked <= self.seen() or self.fail_if_dead(),
                what="the handler sees all that was acknowledged",
                within_s=DRAIN_S,
            )
        except AssertionError as exc:
            missing = sorted(acked - self.seen())
            raise AssertionError(
                f"{exc}; {len(missing)} are missing: {missing[:20]}; see {self.folder}"
            ) from exc
        path = self.folder / "history.jsonl"
        for load in loads:
            load.write(path)
        with path.open("a") as file:
            file.write(self.received.read_text())
        return json.loads(livefeed("check-history", str(path), "--json", check=False).stdout)

    def fail_if_dead(self) -> None:
        """Say which process ended, if one did."""
        for process, _ in self.processes:
            if process.popen.poll() not in (None, 0):
                process.fail_if_dead()

    def close(self) -> None:
        """Stop the processes."""
        for process, _ in self.processes:
            process.stop()

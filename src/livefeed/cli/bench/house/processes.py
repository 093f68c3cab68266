"""The processes of a house under measurement: a portal, receivers, and what a process has used."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from livefeed.cli.bench.house.receiver import RECORD
from livefeed.cli.demo.processes import Child
from livefeed.errors import LivefeedError
from livefeed.net.listening import listening

_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchFailed(LivefeedError):
    """The benchmark could not be set up, or what it measured is not whole."""


def free_port() -> int:
    """A port that nobody listens on right now."""
    with listening("127.0.0.1", 0) as probe:
        return int(probe.getsockname()[1])


def command(*arguments: str) -> dict[str, object]:
    """Run one `livefeed … --json` and read its document."""
    done = subprocess.run(
        [sys.executable, "-m", "livefeed", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(done.stderr.strip())
    document: dict[str, object] = json.loads(done.stdout)
    return document


@contextlib.contextmanager
def pinned(core: int) -> Generator[None]:
    """This process, and those it starts, on one core while the block runs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> tuple[int, int]:
    """The core of what is measured, and the core of everything around it; the same on a single core."""
    here = sorted(os.sched_getaffinity(0))
    return here[0], here[-1]


@contextlib.contextmanager
def running(
    name: str, arguments: Sequence[str], url: str, *, core: int, environ: Mapping[str, str] | None = None
) -> Generator[Child]:
    """One ``livefeed`` process on one core, ready when the block begins, stopped when it ends."""
    with pinned(core):
        child = Child(name, arguments, environ or {})
    try:
        child.wait_ready(url)
        yield child
    finally:
        child.stop()


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used so far: CPU seconds, and its largest resident set in MB."""

    cpu_s: float
    rss_mb: float


def used_by(pid: int) -> Used:
    """What the process ``pid`` has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return Used(cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS, rss_mb=int(peak.split()[1]) / 1024)


class Counts(msgspec.Struct, frozen=True):
    """What a receiver tells of itself."""

    counts: dict[str, int]
    open: int


@dataclass(frozen=True, slots=True)
class Receivers:
    """A `receiver` process."""

    url: str

    def at(self, kind: str, name: str = "bench") -> str:
        """An address of one kind: ``ok``, or one of the bad ones."""
        return f"{self.url}/{kind}/{name}"

    def counts(self) -> Counts:
        """How often each kind was called, and how many connections are open."""
        return msgspec.json.decode(self._get("counts"), type=Counts)

    def starts(self) -> dict[int, int]:
        """When each post first came to ``/ok/…`` since it was asked last, in nanoseconds since the epoch."""
        found: dict[int, int] = {}
        for post, at_ns in RECORD.iter_unpack(self._get("starts")):
            found.setdefault(post, at_ns)
        return found

    def _get(self, what: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}/{what}", timeout=30) as answer:
            body: bytes = answer.read()
        return body


@contextlib.contextmanager
def receivers(core: int, *, niceness: int = 0) -> Generator[Receivers]:
    """A process that receives, on one core; a nice one leaves it to the others."""
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with listener:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "livefeed.cli.bench.house.receiver",
                str(listener.fileno()),
                str(core),
                str(niceness),
            ],
            pass_fds=[listener.fileno()],
        )
    try:
        yield Receivers(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()

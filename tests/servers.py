"""PostgreSQL servers of a test's own, which may be killed, frozen, and copied to a standby."""

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.engines import _owner, _programs
from tests.ports import free_port

_PATIENCE_S: Final = 60.0
_SETTINGS: Final = {
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "wal_keep_size": "128MB",
    # A standby whose primary is gone looks for it again before it heeds a promotion: not 5 s, its default.
    "wal_retrieve_retry_interval": "500ms",
    # In the data folder, with which it goes: what a killed server has in /dev/shm stays there.
    "dynamic_shared_memory_type": "mmap",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
}


@cache
def _shared() -> tuple[Path, str | None]:
    """Where the programs are, and who runs them."""
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="livefeed-servers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _give(folder, owner)
    return _programs(folder, owner), owner


class Server:
    """One PostgreSQL with all that makes a commit durable; like a machine it has a name, and a port."""

    def __init__(
        self, name: str, *, settings: Mapping[str, str] | None = None, of: "Server | None" = None
    ) -> None:
        """Make its data, or copy that of a running primary, whose standby it then is; `start` starts it."""
        self._programs, self._owner = _shared()
        self.name = name
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"livefeed-{name}-"))
        _give(self.folder, self._owner)
        self.data = self.folder / "data"
        self.settings = {**_SETTINGS, **(settings or {})}
        self.env: dict[str, str] = {}
        if of is None:
            self._run(
                *("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            )
        else:
            self.copy(of)

    def copy(self, primary: "Server") -> None:
        """Begin anew as a standby of ``primary``; what the data was is gone."""
        shutil.rmtree(self.data, ignore_errors=True)
        # The name is what synchronous_standby_names has: without it nobody waits for this standby.
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
        self._run(
            "pg_basebackup",
            "-D",
            str(self.data),
            "-d",
            source,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        )

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        After a kill its old processes may need a moment to end; until then it cannot be started.
        """
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._run(
                    *("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-t", "30"),
                    *("-o", f"{options} -c port={self.port}", "start"),
                )
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                continue
            return

    def stop(self) -> None:
        """End it as an administrator does who does not wait for clients."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def promote(self) -> None:
        """Make the standby the primary."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def kill(self) -> None:
        """End all its processes at once, as the loss of the machine does."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_postmaster(self) -> None:
        """End only the process that the others come from."""
        os.kill(self.postmaster(), signal.SIGKILL)

    @contextlib.contextmanager
    def frozen(self) -> Generator[None]:
        """Let none of its processes run in the block: connections stay open, and nothing answers."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def postmaster(self) -> int:
        """The process that the others come from."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def pids(self) -> list[int]:
        """Its processes, the parent of all first; none if it does not run."""
        try:
            parent = self.postmaster()
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except FileNotFoundError:
            return []
        return [parent, *map(int, children.split())]

    def url(self, database: str) -> str:
        """The address of one database of this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> list[Any]:
        """Run one statement on a connection of its own; its rows, if it has any."""
        with import_module("psycopg").connect(self.url(database), autocommit=True, connect_timeout=5) as conn:
            cursor = conn.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def wait_for(self, standby: str) -> None:
        """From now on, acknowledge a commit only once the standby of this name has it."""
        self.set("synchronous_standby_names", standby)

    def set(self, name: str, value: str) -> None:
        """Change one setting without a restart."""
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.sql("SELECT pg_reload_conf()")

    def close(self) -> None:
        """Remove it."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / "errors").open("ab") as errors:
            done = subprocess.run(
                [str(self._programs / program), *arguments],
                user=self._owner,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=_PATIENCE_S,
                env={**os.environ, "LC_ALL": "C", **self.env},
            )
        assert done.returncode == 0, "\n".join(
            file.read_text()[-4000:]
            for file in (self.folder / "errors", self.folder / "log")
            if file.exists()
        )


def many_hosts(database: str, *servers: Server) -> str:
    """The address of one database that lies on whichever of these servers is the primary."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgresql://postgres@{hosts}/{database}"


def _give(folder: Path, owner: str | None) -> None:
    if owner:
        known = pwd.getpwnam(owner)
        os.chown(folder, known.pw_uid, known.pw_gid)

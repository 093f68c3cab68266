"""The SQLite engine: one file, one writing process, one writer thread, a few readers."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final, Literal, TypeVar

from livefeed.clock import Clock, SystemClock
from livefeed.durable.engines.checkpoints import Checkpoints
from livefeed.durable.engines.faults import translated
from livefeed.durable.engines.files import Files
from livefeed.durable.engines.migrations import check_schema, migrate
from livefeed.durable.engines.readers import FileSource, Readers, run_query
from livefeed.durable.engines.tray import Tray
from livefeed.durable.engines.unit import Tx
from livefeed.durable.engines.writer import LARGE_LOG_BYTES, Writer
from livefeed.errors import StoreInUse, StoreUnavailable
from livefeed.failpoints import is_mutated

R = TypeVar("R")
T = TypeVar("T")

_READERS: Final = 2
_READ_TOGETHER: Final = 16
_BUSY_S: Final = 5.0
_STATEMENTS: Final = 512
_LARGEST_REWRITTEN_BYTES: Final = 256 * 1024 * 1024  # about a second for each 100 MB, and as much memory
_WRITER_CACHE_KIB: Final = 64 * 1024
_READER_CACHE_KIB: Final = 16 * 1024
_PRAGMAS: Final = (
    f"PRAGMA synchronous = {'OFF' if is_mutated('commit-unsynced') else 'FULL'}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    # Checkpoints are made by their own thread: see checkpoints.py.
    "PRAGMA wal_autocheckpoint = 0",
    # A log that has grown while somebody read for long is cut when it starts anew.
    f"PRAGMA journal_size_limit = {LARGE_LOG_BYTES}",
)


class _Connection(sqlite3.Connection):
    """The driver's connection, which says whose it is."""

    engine: Final = "sqlite"


class SqliteStore:
    """Implements `livefeed.durable.store.Store` on one file."""

    def __init__(
        self,
        path: Path,
        rooms: Sequence[str],
        clock: Clock,
        *,
        first: Callable[[Tx], None],
        create: bool,
        waiting_units: int,
    ) -> None:
        """Take the file, migrate it, run ``first`` in a commit of its own, and start the threads."""
        if not create and not path.exists():
            raise StoreUnavailable(
                f"there is no database {path}; make it with: livefeed portal init --db sqlite:///{path}"
            )
        self._path: Final = path
        self._lock = hold(path)
        with ExitStack() as undo:
            undo.callback(os.close, self._lock)
            conn = undo.enter_context(closing(open_file(path)))
            _bring_up_to_date(conn, path, rooms)
            _run_first(conn, first, clock)
            readers = [undo.enter_context(closing(_open_for_reading(path))) for _ in range(_READERS)]
            copier = undo.enter_context(closing(open_file(path)))
            undo.pop_all()
        self._writer: Final = Writer(conn, clock, Files(path), waiting_units=waiting_units)
        sources = [FileSource(reader, clock) for reader in readers]
        self._readers: Final = Readers(sources, waiting_units=waiting_units, together=_READ_TOGETHER)
        self._checkpoints: Final = Checkpoints(copier, self._writer)
        self._tray: Final = Tray(self._writer, limit=waiting_units)
        self._closed = False
        self._writer.start()
        self._readers.start()
        self._checkpoints.start()

    @property
    def engine(self) -> str:
        """``sqlite``."""
        return "sqlite"

    @property
    def units(self) -> int:
        """How many units were run so far."""
        return self._writer.units

    @property
    def committed_at_ms(self) -> int:
        """When a commit last succeeded."""
        return self._writer.committed_at_ms

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run ``unit`` and return its result after the commit."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tray.flush()
        self._writer.post((unit, None, False, future))
        return await future

    def write_row(self, bulk: Callable[[Tx, Sequence[R]], Sequence[T]], row: R) -> "asyncio.Future[T]":
        """Run ``bulk`` with this row and all others that wait for the same bulk unit."""
        return self._tray.put(bulk, row)

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on a snapshot of this moment."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._readers.post((query, future))
        return await future

    def listen(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` in the running loop after each commit that woke ``topic``."""
        return self._writer.listeners.add(topic, (asyncio.get_running_loop(), callback))

    async def probe(self) -> None:
        """Make a tiny real commit."""
        await self.write(lambda tx: tx.take("probe"))

    async def rewrite(self) -> bool:
        """Write the file anew beside the readers and the writer, who waits; False: it is large, or busy."""
        return await asyncio.to_thread(write_anew, self._path)

    async def close(self) -> None:
        """Run what waits, then close the database and let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._tray.flush()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.close()
        self._checkpoints.close()
        self._writer.close()
        os.close(self._lock)


class SqliteReader:
    """Implements `livefeed.durable.store.Reader`: reads a file that another process may be writing."""

    def __init__(self, path: Path, rooms: Sequence[str], clock: Clock | None) -> None:
        if not path.exists():
            raise StoreUnavailable(f"there is no database {path}; check --db")
        self._clock = clock or SystemClock()
        with ExitStack() as undo:
            self._conn = undo.enter_context(closing(_open_for_reading(path)))
            check_schema(self._conn, path, rooms)
            undo.pop_all()

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on a snapshot."""
        result: T = run_query(self._conn, query, self._clock.now_ms())
        return result

    def changes(self) -> int:
        """A number that is another one once somebody has committed since it was asked for."""
        try:
            (number,) = self._conn.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as exc:
            raise translated(exc) from exc
        return int(number)

    def close(self) -> None:
        """Close the file."""
        self._conn.close()


def hold(path: Path) -> int:
    """Take the lock beside the file, for as long as the descriptor is open."""
    descriptor = -1
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        if descriptor < 0:
            raise StoreUnavailable(f"{path} cannot be opened: {exc.strerror}") from exc
        os.close(descriptor)
        raise StoreInUse(f"another process writes {path}; stop it, or use its administrator API") from exc
    return descriptor


def _bring_up_to_date(conn: sqlite3.Connection, path: Path, rooms: Sequence[str]) -> None:
    try:
        conn.execute("PRAGMA journal_mode = WAL")
        migrate(path, rooms)
    except sqlite3.Error as exc:
        raise translated(exc) from exc


def _run_first(conn: sqlite3.Connection, first: Callable[[Tx], None], clock: Clock) -> None:
    try:
        conn.execute("BEGIN IMMEDIATE")
        first(Tx(conn, clock.now_ms()))
        conn.execute("COMMIT")
    except sqlite3.Error as exc:
        raise translated(exc) from exc


def _open_for_reading(path: Path) -> sqlite3.Connection:
    conn = open_file(path, mode="ro")
    conn.execute("PRAGMA query_only = ON")
    return conn


def open_file(path: Path, *, mode: Literal["rwc", "ro"] = "rwc") -> sqlite3.Connection:
    """Open a file as the store does.

    Raises:
        StoreError: What the driver said, translated.
    """
    try:
        return _connect(path, mode=mode)
    except sqlite3.Error as exc:
        raise translated(exc) from exc


def _connect(path: Path, *, mode: Literal["rwc", "ro"] = "rwc") -> sqlite3.Connection:
    if mode == "rwc":
        _make_private(path)
    conn = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
        factory=_Connection,
    )
    conn.row_factory = sqlite3.Row
    cache_kib = _READER_CACHE_KIB if mode == "ro" else _WRITER_CACHE_KIB
    try:
        for pragma in (*_PRAGMAS, f"PRAGMA cache_size = -{cache_kib}"):
            conn.execute(pragma)
    except sqlite3.Error:
        conn.close()
        raise
    return conn


def write_anew(path: Path) -> bool:
    """Copy every row of a file to fresh pages and empty its log; False: it is too large, or busy.

    Rows that were moved from page to page leave copies behind, which no deletion finds.
    """
    if path.stat().st_size > _LARGEST_REWRITTEN_BYTES:
        return False
    with closing(open_file(path)) as conn, suppress(sqlite3.Error):
        conn.execute("VACUUM")
        is_busy, _, _ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy
    return False


def _make_private(path: Path) -> None:
    """A file that is made belongs to its owner alone; so do its log and its index, which take its mode."""
    with suppress(OSError):  # it is there, or the driver will say why it cannot be
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))

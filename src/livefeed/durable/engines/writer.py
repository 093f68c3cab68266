"""The writer: one thread that runs units in groups, one commit a group."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.engines.faults import translated
from livefeed.durable.engines.mailbox import Mailbox
from livefeed.durable.engines.replies import Future, Listener, Replies, hand_over
from livefeed.durable.engines.unit import Tx
from livefeed.errors import StoreUnavailable

_MOST_JOBS: Final = 256
_LONGEST_S: Final = 0.005

Job = tuple[Callable[..., Any], object, bool, Future]
"""The unit, its row, whether it is a bulk unit, and who waits for the result."""


@dataclass(slots=True, kw_only=True)
class _Group:
    """Jobs that are run as one: a unit alone, or all rows of one bulk unit."""

    unit: Callable[..., Any]
    is_bulk: bool
    rows: list[object] = field(default_factory=list[object])
    futures: list[Future] = field(default_factory=list[Future])


class Writer:
    """Owns the writing connection and its thread."""

    def __init__(self, conn: sqlite3.Connection, clock: Clock, *, waiting_units: int) -> None:
        self._conn = conn
        self._clock = clock
        self._box: Final[Mailbox[Job]] = Mailbox(limit=waiting_units)
        self._listeners: dict[str, list[Listener]] = {}
        self._thread = threading.Thread(target=self._run, name="livefeed-writer", daemon=True)
        self.committed_at_ms = clock.now_ms()
        self.commits = 0
        self._is_checkpoint_asked = False

    def start(self) -> None:
        """Start the thread."""
        telemetry.write_queue.set_function(self._box.waiting)
        self._thread.start()

    def post(self, job: Job) -> None:
        """Hand over one job; `Mailbox.post` says what it raises."""
        self._box.post(job)

    def check_open(self) -> None:
        """Raise what `post` would raise now."""
        self._box.check()

    def waiting(self) -> int:
        """How many jobs wait."""
        return self._box.waiting()

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after each commit that woke ``topic``, until the returned function is called."""
        self._listeners[topic] = [*self._listeners.get(topic, []), listener]

        def end() -> None:
            left = [one for one in self._listeners.get(topic, ()) if one is not listener]
            if left:
                self._listeners[topic] = left
            else:
                self._listeners.pop(topic, None)  # a topic of one person comes and goes with his pages

        return end

    def close(self) -> None:
        """Run what waits, then end the thread and close the connection."""
        self._box.close()
        self._thread.join()

    def ask_checkpoint(self) -> None:
        """Before the next commit, copy what is left of the log, so that it can start anew."""
        self._is_checkpoint_asked = True

    def _run(self) -> None:
        while jobs := self._box.take(_MOST_JOBS):
            groups = _grouped(jobs)
            while groups:
                groups = self._commit_some(groups)
        self._conn.close()

    def _commit_some(self, groups: list[_Group]) -> list[_Group]:
        """Run groups for 5 ms at most, commit, answer; what is left waits for the next commit."""
        replies: list[Replies] = []
        topics: set[str] = set()
        taken = 0
        try:
            if self._is_checkpoint_asked:
                self._is_checkpoint_asked = False
                self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._conn.execute("BEGIN IMMEDIATE")
            began = time.perf_counter()
            now_ms = self._clock.now_ms()
            changes = self._conn.total_changes
            for group in groups:
                taken += 1
                self._run_group(group, now_ms, replies, topics)
                if time.perf_counter() - began > _LONGEST_S:
                    break
            self._conn.execute("COMMIT")
        except sqlite3.Error as exc:
            self._fail(groups[: max(taken, 1)], exc)
            return groups[max(taken, 1) :]
        if self._conn.total_changes != changes:
            self.committed_at_ms = now_ms
            self.commits += 1
            telemetry.commits.inc()
        listeners = [one for topic in topics for one in self._listeners.get(topic, ())]
        hand_over(replies, listeners)
        return groups[taken:]

    def _run_group(self, group: _Group, now_ms: int, replies: list[Replies], topics: set[str]) -> None:
        """Run one group in a savepoint of its own.

        Raises:
            sqlite3.Error: The engine has rolled back the transaction by itself.
        """
        tx = Tx(self._conn, now_ms)
        self._conn.execute("SAVEPOINT unit")
        try:
            results: Sequence[object] = group.unit(tx, group.rows) if group.is_bulk else (group.unit(tx),)
            if len(results) != len(group.futures):
                raise ValueError(f"{len(group.futures)} rows, but {len(results)} results")
        except Exception as exc:  # noqa: BLE001 - the unit is the caller's code, and its error goes to the caller
            self._undo(exc)
            if len(group.futures) > 1:
                self._run_apart(group, now_ms, replies, topics)
            else:
                replies.append((group.futures, (), translated(exc)))
            return
        self._conn.execute("RELEASE unit")
        topics |= tx.topics
        replies.append((group.futures, results, None))

    def _run_apart(self, group: _Group, now_ms: int, replies: list[Replies], topics: set[str]) -> None:
        """Run each row of a failed group alone, so that a bad row fails nobody else's."""
        for row, future in zip(group.rows, group.futures, strict=True):
            alone = _Group(unit=group.unit, is_bulk=True, rows=[row], futures=[future])
            self._run_group(alone, now_ms, replies, topics)

    def _undo(self, cause: Exception) -> None:
        if not self._conn.in_transaction:
            # Disk full, I/O error: the engine has undone every unit of this commit, not only this one.
            raise sqlite3.OperationalError(f"the transaction was rolled back: {cause}") from cause
        self._conn.execute("ROLLBACK TO unit")
        self._conn.execute("RELEASE unit")

    def _fail(self, groups: Sequence[_Group], cause: sqlite3.Error) -> None:
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")
        error = StoreUnavailable(f"the commit failed, nothing is stored: {cause}")
        error.__cause__ = cause
        hand_over([(group.futures, (), error) for group in groups])


def _grouped(jobs: Sequence[Job]) -> list[_Group]:
    """Put the rows of each bulk unit together, where the first of them stands."""
    groups: list[_Group] = []
    bulks: dict[Callable[..., Any], _Group] = {}
    for unit, row, is_bulk, future in jobs:
        group = bulks.get(unit) if is_bulk else None
        if group is None:
            group = _Group(unit=unit, is_bulk=is_bulk)
            groups.append(group)
            if is_bulk:
                bulks[unit] = group
        group.rows.append(row)
        group.futures.append(future)
    return groups

"""The writer: one thread that runs units in groups, one commit a group."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import Counter

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.engines.faults import translated, unavailable
from livefeed.durable.engines.files import Files
from livefeed.durable.engines.mailbox import Mailbox
from livefeed.durable.engines.replies import Future, Listener, Listeners, Replies, hand_over
from livefeed.durable.engines.unit import Last, Tx

_MOST_JOBS: Final = 256
_MOST_ROWS: Final = 64  # of a bulk unit at a time: whoever waits behind it waits for all of them
_LONGEST_S: Final = 0.005
LARGE_LOG_BYTES: Final = 64 * 1024 * 1024
"""The log of a database may grow so large before the writer helps; it is cut to this when it starts anew."""

_LARGER_BYTES: Final = 8 * 1024 * 1024

Job = tuple[Callable[..., Any], object, bool, Future]
"""The unit, its row, whether it is a bulk unit, and who waits for the result."""


@dataclass(slots=True, kw_only=True)
class _Group:
    """Jobs that are run as one: a unit alone, or rows of one bulk unit."""

    unit: Callable[..., Any]
    is_bulk: bool
    rows: list[object] = field(default_factory=list[object])
    futures: list[Future] = field(default_factory=list[Future])


@dataclass(slots=True)
class _Mail:
    """What is said once a commit has succeeded."""

    replies: list[Replies] = field(default_factory=list[Replies])
    topics: set[str] = field(default_factory=set[str])
    seen: list[Listener] = field(default_factory=list[Listener])
    counts: list[tuple[Counter, int]] = field(default_factory=list[tuple[Counter, int]])


class Writer:
    """Owns the writing connection and its thread."""

    def __init__(self, conn: sqlite3.Connection, clock: Clock, files: Files, *, waiting_units: int) -> None:
        self._conn = conn
        self._files = files
        self._clock = clock
        self._box: Final[Mailbox[Job]] = Mailbox(limit=waiting_units)
        self.listeners: Final = Listeners()
        self._thread = threading.Thread(target=self._run, name="livefeed-writer", daemon=True)
        self.committed_at_ms = clock.now_ms()
        self.commits = 0
        self.units = 0
        self._is_checkpoint_asked = False
        self._help_above_bytes = LARGE_LOG_BYTES

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

    def close(self) -> None:
        """Run what waits, then end the thread and close the connection."""
        self._box.close()
        self._thread.join()

    def ask_checkpoint(self) -> None:
        """Before the next commit, copy what is left of the log, so that it can start anew."""
        self._is_checkpoint_asked = True

    def _run(self) -> None:
        while jobs := self._box.take(_MOST_JOBS):
            self.units += len(jobs)
            groups = _grouped(jobs)
            while groups:
                groups = self._commit_some(groups)
        self._conn.close()

    def _commit_some(self, groups: list[_Group]) -> list[_Group]:
        """Run groups for 5 ms at most, commit, answer; what is left waits for the next commit."""
        mail = _Mail()
        taken = 0
        try:
            self._help_checkpoint()
            self._conn.execute("BEGIN IMMEDIATE")
            began = time.perf_counter()
            now_ms = self._clock.now_ms()
            changes = self._conn.total_changes
            for group in groups:
                taken += 1
                self._run_group(group, now_ms, mail, is_alone=len(groups) == 1)
                if time.perf_counter() - began > _LONGEST_S:
                    break
            self._commit(is_change=self._conn.total_changes != changes, now_ms=now_ms)
        except sqlite3.Error as exc:
            self._fail(groups[: max(taken, 1)], exc)
            return groups[max(taken, 1) :]
        telemetry.commit_units.observe(sum(len(group.futures) for group in groups[:taken]))
        for counter, amount in mail.counts:
            counter.inc(amount)
        hand_over(mail.replies, [*self.listeners.of(mail.topics), *mail.seen])
        return groups[taken:]

    def _commit(self, *, is_change: bool, now_ms: int) -> None:
        """Commit, unless what is committed would not lie where it will be looked for."""
        if not is_change:
            self._conn.execute("COMMIT")
            return
        self._watch_log(self._files.check())
        began = time.perf_counter()
        self._conn.execute("COMMIT")
        telemetry.commit_seconds.observe(time.perf_counter() - began)
        telemetry.commits.inc()
        self.committed_at_ms = now_ms
        self.commits += 1

    def _watch_log(self, size: int) -> None:
        """Help at once when the log grows faster than it is looked at; beside a long reader now and then."""
        if size > self._help_above_bytes:
            self._is_checkpoint_asked = True
            self._help_above_bytes = size + _LARGER_BYTES
        elif size <= LARGE_LOG_BYTES:
            self._help_above_bytes = LARGE_LOG_BYTES

    def _help_checkpoint(self) -> None:
        if not self._is_checkpoint_asked:
            return
        self._is_checkpoint_asked = False
        with suppress(sqlite3.Error):  # the log just grows; what is wrong with the disk, the commit will say
            self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _run_group(self, group: _Group, now_ms: int, mail: _Mail, *, is_alone: bool = False) -> None:
        """Run one group in a savepoint of its own; alone in its transaction it needs none.

        A savepoint keeps a copy of each page that is written.

        Raises:
            sqlite3.Error: The engine has rolled back the transaction by itself.
        """
        tx = Tx(self._conn, now_ms)
        if not is_alone:
            self._conn.execute("SAVEPOINT unit")
        try:
            results: Sequence[object] = group.unit(tx, group.rows) if group.is_bulk else (group.unit(tx),)
            if len(results) != len(group.futures):
                raise ValueError(f"{len(group.futures)} rows, but {len(results)} results")
        except Exception as exc:  # noqa: BLE001 - the unit is the caller's code, and its error goes to the caller
            self._undo(exc, is_alone=is_alone)
            if len(group.futures) > 1:
                self._run_apart(group, now_ms, mail)
            else:
                mail.replies.append((group.futures, (), translated(exc)))
            return
        if not is_alone:
            self._conn.execute("RELEASE unit")
        last: object = group.unit
        if isinstance(last, Last):
            mail.seen.append((group.futures[0].get_loop(), last.on_seen))
        mail.topics |= tx.topics
        mail.counts += tx.counts
        mail.replies.append((group.futures, results, None))

    def _run_apart(self, group: _Group, now_ms: int, mail: _Mail) -> None:
        """Run each row of a failed group alone, so that a bad row fails nobody else's."""
        for row, future in zip(group.rows, group.futures, strict=True):
            alone = _Group(unit=group.unit, is_bulk=True, rows=[row], futures=[future])
            self._run_group(alone, now_ms, mail)

    def _undo(self, cause: Exception, *, is_alone: bool) -> None:
        if not self._conn.in_transaction:
            # Disk full, I/O error: the engine has undone every unit of this commit, not only this one.
            raise sqlite3.OperationalError(f"the transaction was rolled back: {cause}") from cause
        if is_alone:
            self._conn.execute("ROLLBACK")
            self._conn.execute("BEGIN IMMEDIATE")
        else:
            self._conn.execute("ROLLBACK TO unit")
            self._conn.execute("RELEASE unit")

    def _fail(self, groups: Sequence[_Group], cause: sqlite3.Error) -> None:
        telemetry.failed_commits.inc()
        with suppress(sqlite3.Error):  # the next BEGIN finds out whether the database can be used again
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
        error = unavailable(cause)
        hand_over([(group.futures, (), error) for group in groups])


def _grouped(jobs: Sequence[Job]) -> list[_Group]:
    """Put rows of each bulk unit together, where the first of them stands, and last what wants to be last."""
    groups: list[_Group] = []
    bulks: dict[Callable[..., Any], _Group] = {}
    for unit, row, is_bulk, future in jobs:
        group = bulks.get(unit) if is_bulk else None
        if group is None or len(group.rows) >= _MOST_ROWS:
            group = _Group(unit=unit, is_bulk=is_bulk)
            groups.append(group)
            if is_bulk:
                bulks[unit] = group
        group.rows.append(row)
        group.futures.append(future)
    groups.sort(key=lambda group: isinstance(group.unit, Last))
    return groups

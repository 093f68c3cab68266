"""The crew: threads with a connection each, which run units side by side and rows of bulk units together."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable.engines.postgresql.lines import Line
from livefeed.durable.engines.postgresql.transactions import run_unit
from livefeed.durable.engines.replies import Future, hand_over
from livefeed.durable.engines.unit import Tx
from livefeed.durable.engines.writer import Job
from livefeed.errors import StoreBusy, StoreUnavailable

_MOST_ROWS: Final = 256
# While one batch is being committed the next is prepared; more would only be smaller.
_MOST_OF_ONE_BULK: Final = 2

Bulk = Callable[..., Any]


@dataclass(slots=True, kw_only=True)
class _Work:
    """A unit alone, or rows of one bulk unit."""

    unit: Callable[..., Any]
    is_bulk: bool
    rows: list[object] = field(default_factory=list[object])
    futures: list[Future] = field(default_factory=list[Future])

    def run(self, tx: Tx) -> Sequence[object]:
        results: Sequence[object] = self.unit(tx, self.rows) if self.is_bulk else (self.unit(tx),)
        if len(results) != len(self.futures):
            raise ValueError(f"{len(self.futures)} rows, but {len(results)} results")
        return results


class Crew:
    """Owns the threads that write, and what waits for them."""

    def __init__(
        self,
        lines: Sequence[Line],
        clock: Clock,
        *,
        waiting_units: int,
        on_woken: Callable[[set[str]], Sequence[Any]],
    ) -> None:
        """Prepare; ``on_woken`` passes topics on and gives the listeners of this process."""
        self._clock = clock
        self._limit = waiting_units
        self._on_woken = on_woken
        self._ready: Final = threading.Condition()
        self._turns: Final[deque[_Work | Bulk]] = deque()
        self._rows: Final[dict[Bulk, deque[Job]]] = {}
        self._running: Final[dict[Bulk, int]] = {}
        self._waiting = 0
        self.units = 0
        self._closed = False
        self.committed_at_ms = clock.now_ms()
        self._threads = [
            threading.Thread(target=self._run, args=(line,), name="livefeed-writer", daemon=True)
            for line in lines
        ]

    def start(self) -> None:
        """Start the threads."""
        telemetry.write_queue.set_function(self.waiting)
        for thread in self._threads:
            thread.start()

    def post(self, job: Job) -> None:
        """Hand over one job.

        Raises:
            StoreBusy: Too many wait already; try again later.
            StoreUnavailable: The store is closed.
        """
        unit, _, is_bulk, future = job
        with self._ready:
            self.check_open()
            self._waiting += 1
            self.units += 1
            if not is_bulk:
                self._turns.append(_Work(unit=unit, is_bulk=False, futures=[future]))
                self._ready.notify()
                return
            rows = self._rows.get(unit)
            if rows is None:
                rows = self._rows[unit] = deque()
            rows.append(job)
            if len(rows) == 1 and self._running.get(unit, 0) < _MOST_OF_ONE_BULK:
                self._turns.append(unit)
                self._ready.notify()

    def check_open(self) -> None:
        """Raise what `post` would raise now."""
        if self._waiting >= self._limit:
            raise StoreBusy(f"{self._limit} units wait to be run; try again later")
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def waiting(self) -> int:
        """How many jobs wait."""
        return self._waiting

    def close(self) -> None:
        """Run what waits, then end the threads."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self, line: Line) -> None:
        while work := self._take():
            self._do(line, work)
            if work.is_bulk:
                self._finish(work.unit)
        line.drop()

    def _take(self) -> _Work | None:
        """Wait for work; None once the crew is closed and nothing is left."""
        with self._ready:
            while True:
                if self._turns:
                    return self._next(self._turns.popleft())
                if self._closed and not any(self._rows.values()):
                    self._ready.notify_all()
                    return None
                self._ready.wait()

    def _next(self, turn: "_Work | Bulk") -> _Work:
        if isinstance(turn, _Work):
            self._waiting -= 1
            return turn
        waiting = self._rows[turn]
        jobs = [waiting.popleft() for _ in range(min(len(waiting), _MOST_ROWS))]
        self._waiting -= len(jobs)
        self._running[turn] = self._running.get(turn, 0) + 1
        if waiting:
            self._call_for(turn)
        return _Work(unit=turn, is_bulk=True, rows=[job[1] for job in jobs], futures=[job[3] for job in jobs])

    def _finish(self, bulk: Bulk) -> None:
        with self._ready:
            self._running[bulk] -= 1
            if self._rows[bulk]:
                self._call_for(bulk)
            elif self._closed:
                self._ready.notify_all()

    def _call_for(self, bulk: Bulk) -> None:
        """Let the rows that wait have a turn, unless they have one, or enough of theirs are running."""
        if self._running.get(bulk, 0) < _MOST_OF_ONE_BULK and bulk not in self._turns:
            self._turns.append(bulk)
            self._ready.notify()

    def _do(self, line: Line, work: _Work) -> None:
        try:
            results, tx, is_written = run_unit(line, work.run, self._clock, is_short=work.is_bulk)
        except StoreUnavailable as exc:
            telemetry.failed_commits.inc()
            hand_over([(work.futures, (), exc)])
        except Exception as exc:  # noqa: BLE001 - the caller's code, and his error
            if len(work.futures) > 1 and not isinstance(exc, StoreBusy):
                self._do_apart(line, work)
            else:
                hand_over([(work.futures, (), exc)])
        else:
            if is_written:
                self.committed_at_ms = self._clock.now_ms()
                telemetry.commits.inc()
                telemetry.commit_units.observe(len(work.futures))
            for counter, amount in tx.counts:
                counter.inc(amount)
            hand_over([(work.futures, results, None)], self._on_woken(tx.topics) if tx.topics else ())

    def _do_apart(self, line: Line, work: _Work) -> None:
        """Run each row of a failed batch alone, so that a bad row fails nobody else's."""
        for row, future in zip(work.rows, work.futures, strict=True):
            self._do(line, _Work(unit=work.unit, is_bulk=True, rows=[row], futures=[future]))

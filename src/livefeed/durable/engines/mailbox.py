"""A bounded queue from event loops to a thread, drained many jobs at a time."""

import queue
from typing import Final, Generic, TypeVar

from livefeed.errors import StoreBusy, StoreUnavailable

J = TypeVar("J")


class Mailbox(Generic[J]):
    """Jobs on their way to the threads of one engine."""

    def __init__(self, *, limit: int) -> None:
        self._jobs: Final[queue.SimpleQueue[J | None]] = queue.SimpleQueue()
        self._limit = limit
        self._closed = False

    def post(self, job: J) -> None:
        """Hand over ``job``.

        Raises:
            StoreBusy: ``limit`` jobs wait already; try again later.
            StoreUnavailable: The store is closed.
        """
        self.check()
        self._jobs.put(job)

    def check(self) -> None:
        """Raise what `post` would raise now."""
        if self._jobs.qsize() >= self._limit:
            raise StoreBusy(f"{self._limit} units wait to be run; try again later")
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def take(self, most: int) -> list[J]:
        """Wait for a job, then take what else is there, ``most`` at most; empty once the box is closed."""
        first = self._jobs.get()
        if first is None:
            self._jobs.put(None)
            return []
        jobs = [first]
        for _ in range(min(self._jobs.qsize(), most - 1)):
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def waiting(self) -> int:
        """How many jobs wait."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Accept nothing more; what waits is still taken."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)

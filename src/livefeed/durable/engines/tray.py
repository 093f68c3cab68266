"""Collects the rows of one turn of the event loop, so that the writer is woken once for all of them."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol

from livefeed.durable.engines.replies import Future
from livefeed.durable.engines.writer import Job
from livefeed.errors import StoreBusy, StoreError


class Taker(Protocol):
    """Who runs jobs."""

    def post(self, job: Job) -> None:
        """Take one job, or say that there are too many."""
        ...

    def check_open(self) -> None:
        """Raise what `post` would raise now."""
        ...

    def waiting(self) -> int:
        """How many jobs wait."""
        ...


class Tray:
    """Rows on their way from the loop that filled it first; those of other loops go straight to the writer.

    A writer that is woken by the first row commits it alone, at the price of a commit with all of them.
    """

    def __init__(self, writer: Taker, *, limit: int) -> None:
        self._writer = writer
        self._limit = limit
        self._jobs: list[Job] = []
        self._home: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def put(self, bulk: Callable[..., Any], row: object) -> Future:
        """Take one row; it is handed over when this turn of the loop is over.

        Raises:
            StoreBusy: Too many wait already; try again later.
            StoreUnavailable: The store is closed.
        """
        loop = self._home
        # The running loop is asked for as rarely as can be: on Linux that is a system call.
        if loop is None or self._thread != threading.get_ident() or loop.is_closed():
            loop = asyncio.get_running_loop()
            if self._home is None or self._home.is_closed():
                self._home, self._thread = loop, threading.get_ident()
        future: Future = loop.create_future()
        job: Job = (bulk, row, True, future)
        if loop is not self._home:
            self._writer.post(job)
        elif not self._jobs:
            self._writer.check_open()
            self._jobs.append(job)
            loop.call_soon(self.flush)
        elif len(self._jobs) + self._writer.waiting() >= self._limit:
            raise StoreBusy(f"{self._limit} units wait to be run; try again later")
        else:
            self._jobs.append(job)
        return future

    def flush(self) -> None:
        """Hand over what lies here, in the order it came."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            try:
                self._writer.post(job)
            except StoreError as exc:
                if not job[3].done():  # who waited has given up meanwhile
                    job[3].set_exception(exc)

"""Rush: while answers come thick and fast, the client's thread lets ours finish what it is at.

pyreqwest works in a thread of its own and needs the interpreter lock to hand over an answer. The kernel lets
a thread that wakes up take the core from one that has run for longer, here from the very one that holds the
lock: for one answer both are switched, twice. Under SCHED_BATCH it waits until the core is free, or the slice
of the other is over, and hands over many. Where a core is idle that changes nothing. It is for a rush only:
beside a handler that sends without end the others would wait longer.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_THREAD: Final = "pyreqwest"
_ANSWERS: Final = 64
_WITHIN_S: Final = 0.032  # so many answers: 2,000 a second
_LOOK_EVERY_S: Final = 0.1


class Rush:
    """Notices how fast answers come, for one client.

    Attributes:
        answers: How many there were; the client counts them.
        look_at: With so many `look` is called.
    """

    def __init__(self, give_way: Callable[[bool], None] | None = None) -> None:
        """There is no rush.

        Args:
            give_way: Told when one begins and when it is over; default: sets the policy of the thread.
        """
        self._give_way = give_way or let_give_way
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at_s = 0.0
        self.answers = 0
        self.look_at = _ANSWERS

    def look(self, now_s: float | None = None) -> None:
        """See how long the last answers took; in the loop that waits for them."""
        now_s = time.monotonic() if now_s is None else now_s
        is_fast = now_s - self._looked_at_s < _WITHIN_S
        self._looked_at_s, self.look_at = now_s, self.answers + _ANSWERS
        if is_fast and self._timer is None:
            self._give_way(True)
            self._look_later()

    def end(self) -> None:
        """It is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._give_way(False)

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_LOOK_EVERY_S, self._look_again, self.answers)

    def _look_again(self, answers_before: int) -> None:
        if (self.answers - answers_before) * _WITHIN_S < _ANSWERS * _LOOK_EVERY_S:
            self.end()
        else:
            self._look_later()


def client_threads() -> Iterable[int]:
    """The threads of pyreqwest in this process; none where the system does not tell."""
    with suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):
                if (task / "comm").read_text().strip() == _THREAD:
                    yield int(task.name)


def let_give_way(is_giving: bool) -> None:
    """Let the client's threads wait for their turn, or take the core as soon as there is something to do."""
    if hasattr(os, "SCHED_BATCH"):
        for thread in client_threads():
            with suppress(OSError):  # forbidden here, or gone: everything works as well, but slower
                os.sched_setscheduler(
                    thread, os.SCHED_BATCH if is_giving else os.SCHED_OTHER, os.sched_param(0)
                )

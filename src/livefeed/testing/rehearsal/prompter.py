"""The test's side: what is wanted of a portal in another process, and what is known of it."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from livefeed.clock import SystemClock
from livefeed.testing.faults.plan import Faults, Step
from livefeed.testing.loops import total_seconds
from livefeed.testing.rehearsal.journal import (
    Entered,
    Journal,
    Left,
    Line,
    Saw,
    Turned,
    read_journal,
    steps_of,
)
from livefeed.testing.rehearsal.words import PATH, Wish
from livefeed.testing.seen import Seen


class RemoteClock:
    """The clock of a portal in another process: the machine's, ahead by as much as it was turned."""

    def __init__(self, turn: Callable[[int], None], ahead_ms: Callable[[], int]) -> None:
        self._turn = turn
        self._ahead_ms = ahead_ms

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return SystemClock().now_ms() + self._ahead_ms()

    def advance(
        self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0
    ) -> None:
        """Turn the clock forward by all of this together.

        Raises:
            ValueError: That would be backwards.
        """
        self._turn(round(total_seconds(seconds, minutes, hours, days) * 1000))


class Prompter:
    """Tells a rehearsal what is wanted; where the process does not run, its journal keeps it.

    Attributes:
        path: The journal.
        clock: The portal's.
    """

    def __init__(self, path: Path, ask: Callable[[str, str], Any]) -> None:
        """Begin a rehearsal.

        Args:
            path: Where the journal is to be.
            ask: Sends a wish to the process, and gives what it answers; None: it does not run.
        """
        self.path: Final = path
        self.clock: Final = RemoteClock(self._turn, self._ahead_ms)
        self._ask = ask
        self._numbers = itertools.count(1)

    def faults(self, seed: int) -> Faults:
        """What goes wrong while a block lasts."""
        number = next(self._numbers)

        def enter(faults: Faults) -> None:
            plan = faults.plan
            self._want(Entered(number=number, plan=plan), "enter", Wish(number=number, plan=plan))

        def leave(_: Faults) -> None:
            self._want(Left(number=number), "leave", Wish(number=number))

        def steps(_: Faults) -> list[Step]:
            return steps_of(list(read_journal(self.path)), number)

        return Faults(seed, enter=enter, leave=leave, steps=steps)

    def deliver(self) -> None:
        """Wait until nothing is due."""
        self._wish("deliver", Wish())

    def settle(self, hours: float) -> bool:
        """Turn the clock from one moment to the next; whether nothing is due in the end."""
        return bool(self._wish("settle", Wish(hours=hours)))

    def bind(self, client_id: str, event: str, url: str) -> None:
        """Bind a handler in the name of an application."""
        self._wish("bind", Wish(client_id=client_id, event=event, url=url))

    def seen(self) -> list[Seen]:
        """What was delivered, called and refreshed."""
        lines = (line for line in read_journal(self.path) if isinstance(line, Saw))
        seen = (line.delivery or line.called or line.refreshed for line in lines)
        return [one for one in seen if one is not None]

    def _turn(self, by_ms: int) -> None:
        self._want(Turned(by_ms=by_ms), "turn", Wish(by_ms=by_ms))

    def _ahead_ms(self) -> int:
        return sum(line.by_ms for line in read_journal(self.path) if isinstance(line, Turned))

    def _want(self, line: Line, name: str, wish: Wish) -> None:
        """Tell the process, which writes it down; where there is none, leave it to the next one."""
        if self._wish(name, wish, is_required=False) is None:
            journal = Journal(self.path)
            try:
                journal.write(line)
            finally:
                journal.close()

    def _wish(self, name: str, wish: Wish, *, is_required: bool = True) -> Any:
        answer = self._ask(f"{PATH}{name}", msgspec.json.encode(wish).decode())
        if answer is None and is_required:
            raise AssertionError("the portal does not run; start it first")
        return answer

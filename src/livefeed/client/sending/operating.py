"""How long each method may still run: what the portal tells of it, and a pace at which it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.client.ticking import LoopTime, Time
from livefeed.errors import Fault
from livefeed.wire.calls import Answer
from livefeed.wire.faults import OperationTimeLimit

LIMIT_S: Final = 480.0
"""Seconds of ten minutes that one method may run for one caller, as in the example of the documentation."""

WINDOW_S: Final = 600.0
MINUTE_S: Final = 60.0
"""What is used up is forgotten minute by minute."""

_CALM: Final = 0.5
_NEWER: Final = 0.3


@dataclass(slots=True)
class Spent:
    """What is known of one method; times are those of the caller's clock.

    Attributes:
        used_s: Seconds it has run in the last ten minutes.
        frees_at_s: When the first of them are forgotten.
        call_s: What one call takes, about.
        out: Calls that are not answered yet.
        next_at_s: The earliest moment for the next call, where calls are spread.
        promised_s: When the last of those may come again that were sent away.
    """

    used_s: float = 0.0
    frees_at_s: float = 0.0
    call_s: float = 0.0
    out: int = 0
    next_at_s: float = 0.0
    promised_s: float = 0.0

    def place(self, count: int, limit_s: float, now_s: float) -> tuple[float, float]:
        """When so many calls may be made, and how long after them the next; it changes nothing of that."""
        if self.frees_at_s <= now_s:
            self.used_s = 0.0  # some of it is forgotten; the next answer tells how much is left
        calls_s = count * self.call_s
        soon_s = self.used_s + self.out * self.call_s + calls_s
        if soon_s <= limit_s * _CALM:
            return now_s, 0.0
        # A clock that was put back makes nobody wait for longer than the portal remembers.
        until_free_s = min(WINDOW_S, max(0.0, self.frees_at_s - now_s))
        left_s = limit_s - soon_s
        if left_s <= 0.0:
            return now_s + until_free_s, calls_s
        at_s = min(max(now_s, self.next_at_s), now_s + until_free_s)
        return at_s, until_free_s * min(1.0, calls_s / left_s)

    def promise(self, at_s: float, step_s: float, now_s: float) -> float:
        """Seconds after which one who is sent away may come again: one after the other, as calls are made."""
        self.promised_s = min(max(at_s, self.promised_s + step_s), now_s + WINDOW_S)
        return self.promised_s - now_s


class Budget:
    """The running time of every method for one caller.

    Up to half of the limit nothing waits. From there on calls are spread over the time until the portal
    forgets the first of what was used, so that what is left lasts; where too little is left they wait until
    then.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.limit_s: Final = limit_s
        self._spent: dict[str, Spent] = {}

    def reserve(self, methods: Mapping[str, int], now_s: float, longest_s: float = WINDOW_S) -> float:
        """Take the time of so many calls of each method; returns the seconds to wait before they are made.

        If that would be more than ``longest_s``, nothing is taken, and they may be asked for again then.
        """
        places = {
            method: self.of(method).place(count, self.limit_s, now_s) for method, count in methods.items()
        }
        wait_s = max((at_s - now_s for at_s, _ in places.values()), default=0.0)
        if wait_s > longest_s:
            return max(
                self.of(method).promise(at_s, step_s, now_s)
                for method, (at_s, step_s) in places.items()
                if at_s - now_s > longest_s
            )
        for method, (at_s, step_s) in places.items():
            spent = self.of(method)
            spent.out += methods[method]
            spent.next_at_s = at_s + step_s if step_s else spent.next_at_s
        return wait_s

    def note(self, method: str, outcome: Answer | Fault | None, now_s: float) -> None:
        """One call that was reserved is over; None: nobody knows how it ended."""
        spent = self.of(method)
        spent.out = max(0, spent.out - 1)
        if isinstance(outcome, OperationTimeLimit):
            spent.used_s = max(spent.used_s, self.limit_s)
            spent.frees_at_s = max(spent.frees_at_s, now_s + MINUTE_S)
        if not isinstance(outcome, Answer) or outcome.took is None:
            return
        took = outcome.took
        if spent.frees_at_s <= now_s:
            spent.used_s, spent.frees_at_s = 0.0, now_s + WINDOW_S
        took_s = took.duration_s
        if took.operating_s is not None:
            took_s = min(took_s, max(0.0, took.operating_s - spent.used_s))
            spent.used_s = took.operating_s
            if took.reset_at is not None and took.finished_s is not None:
                # It is told in whole seconds, and some time in that second it happens.
                spent.frees_at_s = now_s + max(0.0, took.reset_at + 1 - took.finished_s)
        else:  # a call of a batch tells only how long it took
            spent.used_s += took_s
        spent.call_s += _NEWER * (took_s - spent.call_s)

    def hear(self, method: str, used_s: float, call_s: float, frees_at_s: float, now_s: float) -> None:
        """Another one who calls for the same application has been told this by the portal."""
        spent = self.of(method)
        spent.call_s = spent.call_s or call_s
        if frees_at_s > now_s and used_s > spent.used_s:
            spent.used_s, spent.frees_at_s = used_s, frees_at_s

    def frees_in_s(self, methods: Mapping[str, int], now_s: float) -> float:
        """Seconds until the portal forgets some of what these methods have used, as far as it is known."""
        return max((self.of(method).frees_at_s - now_s for method in methods), default=0.0)

    def of(self, method: str) -> Spent:
        """What is known of one method."""
        return self._spent.setdefault(method.lower(), Spent())


class OwnOperating:
    """The budget of one process, in its memory."""

    def __init__(self, limit_s: float = LIMIT_S, time: Time | None = None) -> None:
        self._budget = Budget(limit_s)
        self._time = time or LoopTime()

    async def reserve(self, methods: Mapping[str, int], longest_s: float) -> float:
        """See `Budget.reserve`."""
        return self._budget.reserve(methods, self._time.now_s(), longest_s)

    def note(self, method: str, outcome: Answer | Fault | None) -> None:
        """See `Budget.note`."""
        self._budget.note(method, outcome, self._time.now_s())

    async def share(self, methods: Mapping[str, int]) -> None:
        """There is nobody to tell."""

    def frees_in_s(self, methods: Mapping[str, int]) -> float:
        """See `Budget.frees_in_s`."""
        return self._budget.frees_in_s(methods, self._time.now_s())

"""How long each method may still run: what the portal tells of it, and a pace at which it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.errors import Fault
from livefeed.wire.calls import Answer
from livefeed.wire.faults import OperationTimeLimit

LIMIT_S: Final = 480.0
"""Seconds of ten minutes that one method may run for one caller, as in the example of the documentation."""

WINDOW_S: Final = 600.0

_CALM: Final = 0.5
_NEWER: Final = 0.3


@dataclass(slots=True)
class _Account:
    """What is known of one method; times are those of the caller's clock.

    Attributes:
        used_s: Seconds it has run in the last ten minutes.
        frees_at_s: When the first of them are forgotten.
        call_s: What one call takes, about.
        out: Calls that are not answered yet.
        next_at_s: The earliest moment for the next call, where calls are spread.
    """

    used_s: float = 0.0
    frees_at_s: float = 0.0
    call_s: float = 0.0
    out: int = 0
    next_at_s: float = 0.0


class Budget:
    """The running time of every method for one caller.

    Up to half of the limit nothing waits. From there on calls are spread over the time until the portal
    forgets the first of what was used, so that what is left lasts; where too little is left they wait until
    then.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._accounts: dict[str, _Account] = {}

    def reserve(self, methods: Mapping[str, int], now_s: float) -> float:
        """Take the time of so many calls of each method; returns the seconds to wait before they are made."""
        return max((self._reserve(method, count, now_s) for method, count in methods.items()), default=0.0)

    def note(self, method: str, outcome: Answer | Fault | None, now_s: float) -> None:
        """One call that was reserved is over; None: nobody knows how it ended."""
        account = self._accounts.setdefault(method, _Account())
        account.out = max(0, account.out - 1)
        if isinstance(outcome, OperationTimeLimit):
            account.used_s = max(account.used_s, self._limit_s)
        if not isinstance(outcome, Answer) or outcome.took is None:
            return
        took = outcome.took
        if account.frees_at_s <= now_s:
            account.used_s, account.frees_at_s = 0.0, now_s + WINDOW_S
        took_s = took.duration_s
        if took.operating_s is not None:
            took_s = min(took_s, max(0.0, took.operating_s - account.used_s))
            account.used_s = took.operating_s
            if took.reset_at is not None and took.finished_s is not None:
                # It is told in whole seconds, and some time in that second it happens.
                account.frees_at_s = now_s + max(0.0, took.reset_at + 1 - took.finished_s)
        else:  # a call of a batch tells only how long it took
            account.used_s += took_s
        account.call_s += _NEWER * (took_s - account.call_s)

    def frees_in_s(self, methods: Mapping[str, int], now_s: float) -> float:
        """Seconds until the portal forgets some of what these methods have used, as far as it is known."""
        known = [self._accounts[method].frees_at_s - now_s for method in methods if method in self._accounts]
        return max([0.0, *known])

    def _reserve(self, method: str, count: int, now_s: float) -> float:
        account = self._accounts.setdefault(method, _Account())
        if account.frees_at_s <= now_s:
            account.used_s = 0.0  # some of it is forgotten; the next answer tells how much is left
        soon_s = account.used_s + (account.out + count) * account.call_s
        account.out += count
        if soon_s <= self._limit_s * _CALM:
            return 0.0
        until_free_s = max(0.0, account.frees_at_s - now_s)
        left_s = self._limit_s - soon_s
        if left_s <= 0.0:
            return until_free_s
        at_s = max(now_s, account.next_at_s)
        account.next_at_s = at_s + until_free_s * min(1.0, count * account.call_s / left_s)
        return min(at_s - now_s, until_free_s)

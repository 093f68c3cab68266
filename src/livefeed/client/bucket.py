"""The rate at which one portal may be called: the documented leaky bucket, kept on this side."""

from collections import deque
from dataclasses import dataclass
from typing import Final

CAPACITY: Final = 50
DRAIN_PER_S: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a portal lets through.

    Attributes:
        capacity: Calls at once.
        drain_per_s: Calls a second after that.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    capacity: int = CAPACITY
    drain_per_s: int = DRAIN_PER_S


STANDARD: Final = Rate()
"""Every plan but the largest."""

ENTERPRISE: Final = Rate(capacity=250, drain_per_s=5)
"""The Enterprise plan."""


class Bucket:
    """Lets 50 calls through at once, then two a second; another `Rate` has other numbers.

    The portal's counter falls by two once a second, at a moment nobody knows. So for any n calls in a row
    the last is kept ``ceil((n - 50) / 2)`` whole seconds behind the first: then no moment makes one too many.

    A place may be used for ``hold_s`` seconds from its time on; it counts as if it were used last of all.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    def __init__(self, *, hold_s: float = 0.0, rate: Rate = STANDARD) -> None:
        self._hold_s = hold_s
        self._rate = rate
        never = float("-inf")
        # The last times given out, and the earliest times that all calls before them allow the next ones.
        many = rate.capacity + rate.drain_per_s - 1
        self._given = deque([never] * many, maxlen=many)
        self._allowed = deque([never] * rate.drain_per_s, maxlen=rate.drain_per_s)

    @classmethod
    def restored(cls, times: tuple[float, ...], *, hold_s: float = 0.0) -> "Bucket":
        """The bucket whose `times` these are."""
        bucket = cls(hold_s=hold_s)
        bucket._given.extend(times[: CAPACITY + 1])
        bucket._allowed.extend(times[CAPACITY + 1 :])
        return bucket

    @property
    def times(self) -> tuple[float, ...]:
        """All that is to be remembered of it: 53 times."""
        return (*self._given, *self._allowed)

    def reserve(self, now_s: float) -> float:
        """Take the next place; returns the seconds to wait until it may be used."""
        oldest_s = self._given[self._rate.drain_per_s - 1] + self._hold_s
        allowed_s = max(self._allowed[0], oldest_s) + 1.0
        self._allowed.append(allowed_s)
        at_s = max(now_s, allowed_s, self._given[-1])
        self._given.append(at_s)
        return at_s - now_s

    def fill(self, now_s: float) -> None:
        """Others have filled the portal's counter: from now on it is as if all of that were ours."""
        self._given = deque((max(time, now_s) for time in self._given), maxlen=self._given.maxlen)

    def is_calm(self, now_s: float) -> bool:
        """Whether less than half of what it holds was asked for in the time in which it drains."""
        middle, drains_s = self._rate.capacity // 2, self._rate.capacity / self._rate.drain_per_s
        return self._given[middle] < now_s - drains_s

    def shift(self, by_s: float) -> None:
        """Move all times: the clock has been set."""
        self._given = deque((time + by_s for time in self._given), maxlen=self._given.maxlen)
        self._allowed = deque((time + by_s for time in self._allowed), maxlen=self._allowed.maxlen)

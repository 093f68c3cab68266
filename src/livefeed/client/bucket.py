"""The rate at which one portal may be called: the documented leaky bucket, kept on this side."""

from collections import deque
from typing import Final

CAPACITY: Final = 50
DRAIN_PER_S: Final = 2


class Bucket:
    """Lets 50 calls through at once, then two a second.

    The portal's counter falls by two once a second, at a moment nobody knows. So for any n calls in a row
    the last is kept ``ceil((n - 50) / 2)`` whole seconds behind the first: then no moment makes one too many.

    A place may be used for ``hold_s`` seconds from its time on; it counts as if it were used last of all.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    def __init__(self, *, hold_s: float = 0.0) -> None:
        self._hold_s = hold_s
        never = float("-inf")
        # The last 51 times given out, and the earliest times that all calls before them allow the next two.
        self._given = deque([never] * (CAPACITY + 1), maxlen=CAPACITY + 1)
        self._allowed = deque([never] * DRAIN_PER_S, maxlen=DRAIN_PER_S)

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
        oldest_s = max(self._given[0], self._given[1]) + self._hold_s
        allowed_s = max(self._allowed[0], oldest_s) + 1.0
        self._allowed.append(allowed_s)
        at_s = max(now_s, allowed_s, self._given[-1])
        self._given.append(at_s)
        return at_s - now_s

    def is_calm(self, now_s: float) -> bool:
        """Whether less than half of what it holds was asked for in the time in which it drains."""
        return self._given[CAPACITY // 2] < now_s - CAPACITY / DRAIN_PER_S

    def shift(self, by_s: float) -> None:
        """Move all times: the clock has been set."""
        self._given = deque((time + by_s for time in self._given), maxlen=CAPACITY + 1)
        self._allowed = deque((time + by_s for time in self._allowed), maxlen=DRAIN_PER_S)

"""Appetite: how many lanes a worker takes at a time."""

from typing import Final

from livefeed.durable.store import Store
from livefeed.durable.worker.slots import Slots

# Leases are taken ahead, a whole batch at a time, so that one costs little and the same pages are written
# once for many. Who writes to the same file meanwhile waits for a whole turn: beside him batches are smaller.
_AHEAD_FACTOR: Final = 3
_AHEAD_ALONE_FACTOR: Final = 6
_FEW_FACTOR: Final = 0.5
_FEW_ALONE_FACTOR: Final = 2
_MOST_A_TURN: Final = 192
_MOST_ALONE: Final = 384
_UNSETTLED_FACTOR: Final = 4
_UNSETTLED_ALONE_FACTOR: Final = 8
_OWN_UNITS: Final = 3  # from one turn to the next: the turn, the log that goes with it, a renewal


class Appetite:
    """Decides from what is under way, and from whether anybody else writes.

    Attributes:
        few: As many ready leases are few: so many are run while the next are being taken.
    """

    def __init__(self, store: Store, concurrency: int) -> None:
        """Nobody else has been seen yet.

        Args:
            store: Where the lanes are.
            concurrency: How many runs at a time.
        """
        self._store = store
        self._concurrency = concurrency
        self._is_file = store.engine == "sqlite"
        self._units_before = 0
        self._is_alone = False
        self.few = self._few()

    def look_around(self) -> None:
        """See whether anybody else has written since the last look, a turn ago."""
        before, self._units_before = self._units_before, self._store.units
        self._is_alone = self._is_file and self._units_before - before <= _OWN_UNITS
        self.few = self._few()

    def _few(self) -> int:
        return int((_FEW_ALONE_FACTOR if self._is_alone else _FEW_FACTOR) * self._concurrency)

    def wanted(self, slots: Slots, *, ready: int, unsettled: int) -> int:
        """How many lanes to lease; none, or less, if there are enough.

        Args:
            slots: What is under way.
            ready: How many leases wait for a slot.
            unsettled: How many have not ended yet; a slow disk may leave some, but not any number.
        """
        ahead, most_unsettled, most = _AHEAD_FACTOR, _UNSETTLED_FACTOR, _MOST_A_TURN
        if self._is_alone:
            ahead, most_unsettled = _AHEAD_ALONE_FACTOR, _UNSETTLED_ALONE_FACTOR
        if self._is_alone or not self._is_file:  # a server has others write beside a turn
            most = _MOST_ALONE
        return min(
            ahead * self._concurrency - (slots.running - slots.hanging) - ready,
            most_unsettled * self._concurrency - (unsettled - slots.parked - slots.hanging),
            most,
        )

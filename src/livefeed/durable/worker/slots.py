"""Slots: which of the leased runs may begin, so that no consumer holds up another."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Dead, Done, Down, Outcome

Entry = Literal["run", "later", "back"]
"""run: it begins · later: its consumer has as many under way as it may · back: it went down since."""

HANGING_AFTER_S: Final = 0.25
_MOST_FACTOR: Final = 4
_UNBOUNDED: Final = 1 << 30
_KEPT: Final = 50_000  # of those whose last run ended well


@dataclass(slots=True)
class _Gate:
    """One consumer with runs under way.

    Attributes:
        window: How many runs it may have under way; grows with each that ends, up to its cap.
        running: How many it has.
        stale: The token of the last lease that was taken before it went down; 0: it is up.
        parked: Leases that wait for others of the same consumer to end.
    """

    window: int
    running: int = 0
    stale: int = 0
    parked: deque[Lease] = field(default_factory=deque[Lease])


class Slots:
    """Counts runs, of all consumers together and of each.

    A run that hangs for longer than `HANGING_AFTER_S` gives up its slot to others, to a limit: those who
    never answer are then held, all together, to what they may begin in that time.

    Attributes:
        newest: The token of the last lease that was taken.
        tick: Which stretch of time this is; `leave` is told in which the run began.
        running: How many runs are under way.
        parked: How many leases wait for a run of the same consumer to end.
    """

    def __init__(self, concurrency: int, *, opening: int | None = None) -> None:
        """Nothing runs yet.

        Args:
            concurrency: How many runs at a time, not counting those that hang.
            opening: How many runs a consumer may begin before one has ended, since the start or since it was
                down; None: up to its cap.
        """
        self._concurrency = concurrency
        self._opening = _UNBOUNDED if opening is None else opening
        self._proved: set[ConsumerId] = set()
        self._gates: dict[ConsumerId, _Gate] = {}
        self.newest = 0
        self.running = 0
        self.parked = 0
        # Runs under way by the tick in which they began: this one, the one before, and all earlier ones.
        self.tick = 0
        self._begun = [0, 0, 0]

    @property
    def hanging(self) -> int:
        """How many runs have given up their slots."""
        return self._begun[2]

    def room(self) -> int:
        """How many more runs may begin."""
        most = _MOST_FACTOR * self._concurrency
        return min(self._concurrency - self.running + self._begun[2], most - self.running)

    def enter(self, lease: Lease) -> Entry:
        """Whether a run may begin; if not now, it is kept until `leave` gives it back."""
        consumer = lease.consumer
        gate = self._gates.get(consumer.id)
        if gate is None:
            window = _UNBOUNDED if consumer.id in self._proved else self._opening
            gate = self._gates[consumer.id] = _Gate(window)
        elif lease.token <= gate.stale:
            return "back"
        elif gate.running >= consumer.cap or gate.running >= gate.window:
            gate.parked.append(lease)
            self.parked += 1
            return "later"
        gate.running += 1
        self.running += 1
        self._begun[0] += 1
        return "run"

    def next_tick(self) -> None:
        """`HANGING_AFTER_S` have passed."""
        self.tick += 1
        new, old, oldest = self._begun
        self._begun = [0, new, old + oldest]

    def follow(self, lease: Lease, outcome: Outcome, tick: int) -> Lease | None:
        """A run has ended and another lease of its consumer, which waited, takes its slot.

        That is so where the consumer is up and has as many runs as it may: nothing else changes.

        Returns:
            The other lease, whose run begins; None: nothing is done, and it is for `leave`.
        """
        gate, cap = self._gates[lease.consumer.id], lease.consumer.cap
        is_full = gate.running == cap <= gate.window and not gate.stale
        if not gate.parked or not is_full or type(outcome) is not Done or self.room() < 0:
            return None
        self._begun[min(self.tick - tick, 2)] -= 1
        self._begun[0] += 1
        gate.window += 1
        self.parked -= 1
        return gate.parked.popleft()

    def leave(self, lease: Lease, outcome: Outcome, tick: int) -> list[Lease]:
        """A run has ended; gives the leases that may be tried again by that."""
        consumer = lease.consumer
        self.running -= 1
        self._begun[min(self.tick - tick, 2)] -= 1
        gate = self._gates[consumer.id]
        gate.running -= 1
        if type(outcome) is Down or (type(outcome) is Dead and outcome.probe_at_ms is not None):
            gate.stale = self.newest
            gate.window = self._opening
            self._proved.discard(consumer.id)
        else:
            gate.stale = 0
            gate.window += 1
        if not gate.parked:
            if not gate.running and not gate.stale:
                del self._gates[consumer.id]
                self._prove(consumer.id)
            return []
        free = len(gate.parked) if gate.stale else min(consumer.cap, gate.window) - gate.running
        released = [gate.parked.popleft() for _ in range(min(free, len(gate.parked)))]
        self.parked -= len(released)
        return released

    def _prove(self, consumer: ConsumerId) -> None:
        if len(self._proved) >= _KEPT:
            self._proved.clear()
        self._proved.add(consumer)

    def clear(self) -> list[Lease]:
        """Nothing is tried again; gives the leases that waited."""
        waiting = [lease for gate in self._gates.values() for lease in gate.parked]
        for gate in self._gates.values():
            gate.parked.clear()
        self.parked = 0
        return waiting

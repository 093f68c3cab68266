"""When a call is made once more: growing pauses, and only where that cannot do anything twice."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.client.access import Operating
from livefeed.client.sending.posting import Received
from livefeed.client.ticking import LoopTime, Time
from livefeed.errors import ConnectFailed, ConnectionReset, Fault, NotYet, TimedOut, TransportError
from livefeed.wire.calls import Answer
from livefeed.wire.faults import OperationTimeLimit, OverloadLimit, QueryLimitExceeded

Jitter = Callable[[], float]
"""A number from 0 to 1, another one each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How often one call is made, and how long it may take.

    Attributes:
        attempts: At most; 1: never again.
        first_s: The first pause, which doubles each time; up to half of it is added at random.
        longest_s: No pause that nobody asked for is longer.
        patience_s: How long one call waits, all its pauses together, and for the time of its method.
    """

    attempts: int = 10
    first_s: float = 1.0
    longest_s: float = 60.0
    patience_s: float = 900.0

    def pause_s(self, attempt: int, jitter: float, asked_s: float | None = None) -> float:
        """Seconds between ``attempt``, from 1, and the next; never less than the portal asked for."""
        grown_s = min(self.longest_s, self.first_s * 2 ** min(attempt - 1, 30))
        return max(grown_s, asked_s or 0.0) + jitter * grown_s / 2


REPEATS: Final = Repeats()
"""What a client that is used alone does."""

NEVER: Final = Repeats(attempts=1, patience_s=2.0)
"""What a client of an application does: its clockwork repeats, and wakes up whoever would have to wait."""


def is_safe_again(problem: Fault | TransportError, *, is_read: bool) -> bool:
    """Whether a call may be made again after ``problem`` without doing anything twice.

    Refusals for a limit, and connections that did not come about, tell that nothing has happened. After
    anything else only what reads may be repeated, and only where the portal may answer otherwise next time.

    Source: https://apidocs.bitrix24.com/limits.html
    """
    match problem:
        case QueryLimitExceeded() | OperationTimeLimit() | ConnectFailed():
            return True
        case TimedOut() | ConnectionReset():
            return is_read
        case OverloadLimit():
            return False  # blocked by hand until somebody asks for it
        case Fault():
            return is_read and problem.retryable
        case _:
            return False


class Repeater:
    """Makes calls again as `Repeats` says, and in time for the budget of their method."""

    def __init__(
        self,
        repeats: Repeats,
        budget: Operating | None = None,
        *,
        time: Time | None = None,
        jitter: Jitter = random.random,
    ) -> None:
        self._repeats = repeats
        self._budget = budget
        self._time = time or LoopTime()
        self._jitter = jitter

    async def run(
        self, methods: Mapping[str, int], once: Callable[[], Awaitable[Received]], *, is_read: bool
    ) -> Answer:
        """Make a call until it is answered.

        Args:
            methods: What is called, and how often: one method, or those of a batch.
            once: One attempt.
            is_read: Whether it may be repeated even if it may have happened.

        Raises:
            Fault: The portal refused, and it is of no use or not safe to ask again, or patience is over.
            TransportError: There was no usable answer, likewise.
            NotYet: It would be too long until its method may run; nothing was sent.
        """
        attempt, waited_s = 0, 0.0
        while True:
            attempt += 1
            await self._in_time(methods)
            asked_s: float | None = None
            problem: Fault | TransportError
            try:
                received = await once()
            except TransportError as exc:
                problem = exc
            else:
                if self._budget is not None:
                    await self._budget.share(methods)
                if isinstance(received.outcome, Answer):
                    return received.outcome
                problem, asked_s = received.outcome, received.asked_s
            pause_s = self._repeats.pause_s(attempt, self._jitter(), asked_s)
            if isinstance(problem, OperationTimeLimit) and self._budget is not None:
                pause_s = max(pause_s, self._budget.frees_in_s(methods))
            waited_s += pause_s
            is_over = attempt >= self._repeats.attempts or waited_s > self._repeats.patience_s
            if is_over or not is_safe_again(problem, is_read=is_read):
                raise problem
            await self._time.sleep(pause_s)

    async def _in_time(self, methods: Mapping[str, int]) -> None:
        if self._budget is None:
            return
        longest_s = self._repeats.patience_s
        pause_s = await self._budget.reserve(methods, longest_s)
        if pause_s > longest_s:
            raise NotYet(f"the running time of {', '.join(methods)} is used up", after_s=pause_s)
        if pause_s <= 0:
            return
        try:
            await self._time.sleep(pause_s)
        except BaseException:  # who gives up makes no call
            for method, count in methods.items():
                for _ in range(count):
                    self._budget.note(method, None)
            raise

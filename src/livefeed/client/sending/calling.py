"""Calls with all that belongs to them: gathered or alone, repeated, in time for their method."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from livefeed.client.access import Credentials, Operating, Pace, Parameters, Sends
from livefeed.client.gathering.collector import Collector
from livefeed.client.sending.posting import Poster, Received
from livefeed.client.sending.reads import is_read
from livefeed.client.sending.repeating import Repeater, Repeats
from livefeed.client.ticking import Time
from livefeed.errors import Fault
from livefeed.wire.batch import build_batch, read_batch
from livefeed.wire.calls import Answer

Commands: TypeAlias = Mapping[str, tuple[str, Parameters]]
"""Name → method and parameters."""

_Post: TypeAlias = Callable[[str, Parameters], Awaitable[Received]]


class Caller:
    """Makes calls until they are answered, or it is of no use to go on."""

    def __init__(
        self,
        http: Sends,
        credentials: Credentials,
        pace: Pace | None,
        *,
        repeats: Repeats,
        budget: Operating | None,
        time: Time | None,
    ) -> None:
        self._poster = Poster(http, credentials, pace)
        self._collector = Collector(self._poster.post)
        self._budget = budget
        self._repeater = Repeater(repeats, budget, time=time)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._collector.close()

    async def alone(self, method: str, params: Parameters, *, is_safe: bool | None = None) -> Answer:
        """One call in a request of its own."""
        return await self._call(method, params, self._poster.post, is_safe)

    async def gathered(self, method: str, params: Parameters, *, is_safe: bool | None = None) -> Answer:
        """One call in a request with whatever else is called at the same time."""
        return await self._call(method, params, self._collector.call, is_safe)

    async def batch(self, commands: Commands, *, halt: bool) -> dict[str, Answer | Fault]:
        """One batch of at most fifty; what becomes of its commands is not repeated, the whole of it is."""
        methods = Counter(method for method, _ in commands.values())
        wire = build_batch(commands, halt=halt).to_wire()

        async def once() -> Received:
            told: dict[str, Answer | Fault] = {}
            try:
                received = await self._poster.post("batch", wire)
                if isinstance(received.outcome, Answer):
                    told = read_batch(received.outcome)
            finally:
                for name, (method, _) in commands.items():
                    self._note(method, told.get(name))
            return received

        answer = await self._repeater.run(methods, once, is_read=all(map(is_read, methods)))
        return read_batch(answer)

    async def chain(self, method: str, calls: Sequence[Parameters]) -> list[Answer]:
        """Calls one after the other in one request, up to the first fault; the first is always answered."""
        answers: list[Answer] = []
        if len(calls) > 1:
            commands = {f"p{number}": (method, params) for number, params in enumerate(calls)}
            for outcome in (await self.batch(commands, halt=True)).values():
                if isinstance(outcome, Fault):
                    break
                answers.append(outcome)
        return answers or [await self.gathered(method, calls[0])]

    async def _call(self, method: str, params: Parameters, post: _Post, is_safe: bool | None) -> Answer:
        async def once() -> Received:
            outcome: Answer | Fault | None = None
            try:
                received = await post(method, params)
                outcome = received.outcome
            finally:
                self._note(method, outcome)
            return received

        may_repeat = is_read(method) if is_safe is None else is_safe
        return await self._repeater.run({method: 1}, once, is_read=may_repeat)

    def _note(self, method: str, outcome: Answer | Fault | None) -> None:
        if self._budget is not None:
            self._budget.note(method, outcome)

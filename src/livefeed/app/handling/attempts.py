"""Attempts: one try of one handler, from its filters to its verdict."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import TracebackType

from livefeed.app.contexts.context import Context
from livefeed.app.contexts.items import Call, Item
from livefeed.app.contexts.verdicts import Verdict
from livefeed.app.handling.turns import Turns
from livefeed.app.routing.arguments import Values
from livefeed.app.routing.handlers import Handler, InTime
from livefeed.app.routing.sources import given
from livefeed.app.runtime import Runtime
from livefeed.durable.lanes import Lease


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try of a handler with some events.

    Attributes:
        runtime: The running application.
        handler: Who is called.
        lease: The run's lease.
        number: 1 for the first try.
        turns: One of them is taken while it is called; None: it may be called any number of times at once.
        wanted: The events that its filters let pass, once they were asked.
        context: What it was called with; None: it was not called.
    """

    runtime: Runtime
    handler: Handler
    lease: Lease
    number: int
    turns: Turns | None
    wanted: Sequence[Item] = ()
    context: Context | None = field(default=None)

    async def run(self, items: Sequence[Item]) -> Verdict:
        """Ask the filters event by event, and call the handler with what they let pass.

        Raises:
            NoTurn: It was not called, because others are.
            HandlerTooSlow: The filters, the call, or what follows a ``yield`` took too long.
            Exception: Whatever a filter, a middleware, a factory or the handler raises.
        """
        if len(items) > 1:
            return await self._run_many(items)
        # What was made for the filters of one event serves its handler too.
        context = self._context(items)
        async with self._values(context) as values:
            if not await self._is_wanted(items[0], context, values):
                return None
            self.wanted = items
            return await self._called(context, values)

    async def _run_many(self, items: Sequence[Item]) -> Verdict:
        async with self._in_time():
            self.wanted = [item for item in items if await self._passes(item)]
        if not self.wanted:
            return None
        context = self._context(self.wanted)
        async with self._values(context) as values:
            return await self._called(context, values)

    async def _passes(self, item: Item) -> bool:
        context = self._context([item])
        async with self._values(context) as values:
            return await self._is_wanted(item, context, values)

    def _values(self, context: Context) -> "_Made":
        return _Made(Values(self.handler.sources, given(context)), self.handler.options.timeout_s)

    def _in_time(self) -> InTime:
        return InTime(self.handler.options.timeout_s)

    async def _is_wanted(self, item: Item, context: Context, values: Values) -> bool:
        if item.is_own and not self.handler.options.own:
            return False
        wants = self.handler.wants
        if wants.is_anything:
            return True
        async with self._in_time():
            return await wants.let_pass(context.post_id, context.portal, values)

    async def _called(self, context: Context, values: Values) -> Verdict:
        async with self.turns.taken() if self.turns is not None else nullcontext():
            self.context = context
            return await self.handler.call(values, self.runtime.threads)

    def _context(self, items: Sequence[Item]) -> Context:
        call = Call(handler=self.handler.name, attempt=self.number, timeout_s=self.handler.options.timeout_s)
        return Context(self.runtime, self.lease, items, call)


@dataclass(frozen=True, slots=True)
class _Made:
    """What is made for a call; what follows a ``yield`` sees what was raised, and cannot hide it."""

    values: Values
    timeout_s: float | None

    async def __aenter__(self) -> Values:
        return self.values

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.values.is_open:
            async with InTime(self.timeout_s):
                await self.values.close(failure)

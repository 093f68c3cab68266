"""Attempts: one try of one handler, from its filters to its verdict."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from livefeed.app.contexts.context import Context
from livefeed.app.contexts.items import Call, Item
from livefeed.app.contexts.verdicts import Verdict
from livefeed.app.routing.arguments import Values
from livefeed.app.routing.handlers import Handler
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
        slot: Held while it is called; None: it may be called any number of times at once.
        wanted: The events that its filters let pass, once they were asked.
        context: What it was called with; None: it was not called.
    """

    runtime: Runtime
    handler: Handler
    lease: Lease
    number: int
    slot: asyncio.Semaphore | None
    wanted: Sequence[Item] = ()
    context: Context | None = field(default=None)

    async def run(self, items: Sequence[Item]) -> Verdict:
        """Ask the filters event by event, and call the handler with what they let pass.

        Raises:
            Exception: Whatever a filter, a middleware, a factory or the handler raises.
        """
        if len(items) > 1:
            self.wanted = [item for item in items if await self._passes(item)]
            return await self._run_filtered(self.wanted) if self.wanted else None
        # What was made for the filters of one event serves its handler too.
        context = self._context(items)
        values = Values(self.handler.sources, given(context))
        try:
            if not await self._is_wanted(items[0], context, values):
                return None
            self.wanted = items
            return await self._called(context, values)
        finally:
            await values.close()

    async def _run_filtered(self, items: Sequence[Item]) -> Verdict:
        context = self._context(items)
        values = Values(self.handler.sources, given(context))
        try:
            return await self._called(context, values)
        finally:
            await values.close()

    async def _passes(self, item: Item) -> bool:
        context = self._context([item])
        values = Values(self.handler.sources, given(context))
        try:
            return await self._is_wanted(item, context, values)
        finally:
            await values.close()

    async def _is_wanted(self, item: Item, context: Context, values: Values) -> bool:
        if item.is_own and not self.handler.options.own:
            return False
        wants = self.handler.wants
        return wants.is_anything or await wants.let_pass(context.post_id, context.portal, values)

    async def _called(self, context: Context, values: Values) -> Verdict:
        self.context = context
        async with self.slot or nullcontext():
            return await self.handler.call(values, self.runtime.threads)

    def _context(self, items: Sequence[Item]) -> Context:
        call = Call(handler=self.handler.name, attempt=self.number, timeout_s=self.handler.options.timeout_s)
        return Context(self.runtime, self.lease, items, call)

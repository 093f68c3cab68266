"""Handlers: one registered function with all that was said of it, and how it is called."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, TypeAlias, TypeVar, cast

from livefeed.app.contexts.verdicts import Drop, Retry, Verdict
from livefeed.app.routing.arguments import Asked, Names, Plan, Values
from livefeed.app.routing.filters import Wants
from livefeed.durable.schedule import Schedule
from livefeed.errors import LivefeedError, SettingsError
from livefeed.telemetry import logger

HandlerFunction: TypeAlias = Callable[..., "Awaitable[Verdict] | Verdict"]
"""Sync or async; takes arguments by name."""

Next: TypeAlias = Callable[[], Awaitable[Verdict]]
"""What a middleware is around: the next one, or the handler."""

MiddlewareFunction: TypeAlias = Callable[..., Awaitable[Verdict]]
"""Async; takes ``call`` (a `Next`) and other arguments by name."""

F = TypeVar("F", bound=HandlerFunction)
M = TypeVar("M", bound=MiddlewareFunction)

_LOG: Final = logger("app")
RETRIES: Final = Schedule()
"""For a handler that fails: half a second, doubled up to three hours, given up after three days."""

TIMEOUT_S: Final = 10.0
THREADS: Final = 32
"""How many sync handlers of a running application run at a time."""


class HandlerTooSlow(LivefeedError):
    """A handler took longer than its ``timeout_s``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a registration says beside the events.

    Attributes:
        name: Under which the store remembers that it has finished.
        coalesces: Whether it takes a run of equal events at once.
        quiet_s: A lane of its own, due after so many seconds without a new event; None: no lane of its own.
        max_wait_s: Such a lane is due after this in any case.
        retry: When a failure is repeated; None: never.
        timeout_s: Seconds for its filters, for one call, and for what follows a ``yield``; None: any.
        concurrency: Calls at a time in this process; None: any number.
        own: Whether it also gets events of what the application itself has written.
    """

    name: str
    coalesces: bool = False
    quiet_s: float | None = None
    max_wait_s: float = 300.0
    retry: Schedule | None = RETRIES
    timeout_s: float | None = TIMEOUT_S
    concurrency: int | None = None
    own: bool = False

    def check(self) -> None:
        """Raises SettingsError where an option says nothing."""
        if self.quiet_s is not None and not self.coalesces:
            raise SettingsError(f"{self.name}: quiet_s waits for more of the same; it needs coalesce=True")
        for word, seconds in {"quiet_s": self.quiet_s, "max_wait_s": self.max_wait_s}.items():
            if seconds is not None and not 0 <= seconds < float("inf"):
                raise SettingsError(f"{self.name}: {word} is a number of seconds, not {seconds!r}")
        if self.timeout_s is not None and not 0 < self.timeout_s < float("inf"):
            raise SettingsError(f"{self.name}: timeout_s is more than 0 seconds, or None")
        if self.concurrency is not None and self.concurrency < 1:
            raise SettingsError(f"{self.name}: concurrency is at least 1, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One registered function, as it is called.

    Attributes:
        options: What was said of it.
        function: The function; a sync one runs in a thread.
        sources: What it, its filters and its middlewares can ask for.
        plan: How its arguments are filled.
        wants: Which events it wants.
        around: The middlewares around it, the outermost first, with their plans.
        is_async: Decided at registration.
    """

    options: Options
    function: HandlerFunction
    sources: Names
    plan: Plan
    wants: Wants
    around: tuple[tuple[MiddlewareFunction, Plan], ...]
    is_async: bool

    @property
    def name(self) -> str:
        """Under which the store remembers that it has finished: ``module.qualname`` unless it was named."""
        return self.options.name

    @property
    def coalesces(self) -> bool:
        """Whether it takes a run of equal events at once."""
        return self.options.coalesces

    @property
    def has_own_lanes(self) -> bool:
        """Whether its events wait in lanes of its own."""
        return self.options.quiet_s is not None

    async def call(self, values: Values, threads: ThreadPoolExecutor) -> Verdict:
        """Run it to its end, within its time.

        A thread cannot be stopped: of a sync handler that takes longer, the log tells, and its answer counts.

        Raises:
            HandlerTooSlow: The time was over; the call was cancelled.
        """
        async with InTime(self.options.timeout_s) as limit:
            return await self._call_from(0, values, _Way(threads, limit))

    async def _call_from(self, number: int, values: Values, way: "_Way") -> Verdict:
        if number == len(self.around):
            return await self._call_function(values, way)
        function, planned = self.around[number]
        arguments = await values.of(planned)
        return await function(call=partial(self._call_from, number + 1, values, way), **arguments)

    async def _call_function(self, values: Values, way: "_Way") -> Verdict:
        arguments = await values.of(self.plan)
        if self.is_async:
            answer: object = await cast("Awaitable[object]", self.function(**arguments))
        else:
            answer = await self._call_in_thread(partial(self.function, **arguments), way)
            if inspect.isawaitable(answer):  # a lambda, or a decorator that hides what it has decorated
                answer = await answer
        if answer is Retry or answer is Drop:
            answer = answer()
        return answer if isinstance(answer, Retry | Drop) else None

    async def _call_in_thread(self, function: Callable[[], object], way: "_Way") -> object:
        """What is around it in the event loop has its time again when the thread is done."""
        loop, timeout_s = asyncio.get_running_loop(), self.options.timeout_s
        work = partial(copy_context().run, function)
        if timeout_s is None:
            return await loop.run_in_executor(way.threads, work)
        words = partial(_LOG.warning, "handler_slow", handler=self.name, timeout_s=timeout_s)
        warning = loop.call_later(timeout_s, words)
        way.limit.reschedule(None)
        try:
            return await loop.run_in_executor(way.threads, work)
        finally:
            warning.cancel()
            way.limit.reschedule(loop.time() + timeout_s)


@dataclass(frozen=True, slots=True)
class _Way:
    """How one call is made."""

    threads: ThreadPoolExecutor
    limit: asyncio.Timeout


class InTime:
    """Cancels its block after so many seconds, and raises `HandlerTooSlow` then; None: never."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(seconds)

    async def __aenter__(self) -> asyncio.Timeout:
        return await self._limit.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            return await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as exc:
            words = f"it took longer than {self._seconds:g} s; give it more with timeout_s"
            raise HandlerTooSlow(words) from exc


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives something to await."""
    whole = function.func if isinstance(function, partial) else function
    return inspect.iscoroutinefunction(whole) or inspect.iscoroutinefunction(type(whole).__call__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A function as it was registered with one router, for one wire name or several.

    Attributes:
        events: Wire names.
        function: The function.
        asked: What it asks for.
        wants: Which events it wants.
        options: What else was said.
    """

    events: tuple[str, ...]
    function: HandlerFunction
    asked: Asked
    wants: Wants
    options: Options

"""Which handlers an event has, and how one is called: by the names of its arguments."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from livefeed.errors import SettingsError
from livefeed.wire.events import (
    AppInstalled,
    AppTest,
    AppUninstalled,
    AppUpdated,
    Event,
    PostAdded,
    PostDeleted,
    PostUpdated,
)

HandlerFunction: TypeAlias = Callable[..., Awaitable[None] | None]
F = TypeVar("F", bound=HandlerFunction)

_ARGUMENTS: Final = frozenset({"event", "ctx"})
_EVENTS: Final = (PostAdded, PostUpdated, PostDeleted, AppInstalled, AppUpdated, AppUninstalled, AppTest)
EventType: TypeAlias = (
    type[PostAdded]
    | type[PostUpdated]
    | type[PostDeleted]
    | type[AppInstalled]
    | type[AppUpdated]
    | type[AppUninstalled]
    | type[AppTest]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One registered function.

    Attributes:
        name: Under which the store remembers that it has finished: ``module.qualname``.
        function: The function; a sync one runs in a thread.
        wants: Names of the arguments it takes.
        coalesces: Whether it takes a run of equal events at once.
        is_async: Decided at registration.
    """

    name: str
    function: HandlerFunction
    wants: frozenset[str]
    coalesces: bool
    is_async: bool

    async def __call__(self, event: Event, ctx: object) -> None:
        """Run it to its end."""
        available: dict[str, Any] = {"event": event, "ctx": ctx}
        arguments = {name: available[name] for name in self.wants}
        if not self.is_async:
            await asyncio.to_thread(self.function, **arguments)
            return
        pending = self.function(**arguments)
        assert pending is not None, "an async function gives something to wait for"
        await pending


class Router:
    """The handlers of an application by the wire name of their event."""

    def __init__(self) -> None:
        self._by_event: dict[str, list[Handler]] = {}

    def add(self, function: HandlerFunction, events: Sequence[EventType], *, coalesce: bool) -> None:
        """Register ``function`` for ``events``.

        Raises:
            SettingsError: It takes an argument that nothing can fill, the event is none, or two handlers of
                one event have the same name.
        """
        handler = _handler(function, coalesce=coalesce)
        if not events:
            raise SettingsError(f"{handler.name}: name at least one event, as in @app.on(PostUpdated)")
        for event in events:
            if event not in _EVENTS:
                raise SettingsError(f"{handler.name}: {event!r} is not an event of livefeed.wire.events")
            handlers = self._by_event.setdefault(event.wire_name, [])
            if any(other.name == handler.name for other in handlers):
                raise SettingsError(
                    f"{event.wire_name} already has a handler named {handler.name}; rename one"
                )
            handlers.append(handler)

    def handlers_of(self, wire_name: str) -> Sequence[Handler]:
        """The handlers of one event, in the order of their registration."""
        return self._by_event.get(wire_name, ())

    def events(self) -> frozenset[str]:
        """The wire names that have a handler."""
        return frozenset(self._by_event)

    @property
    def coalesces(self) -> bool:
        """Whether any handler takes runs of events."""
        return bool(self.coalesced())

    def coalesced(self) -> frozenset[str]:
        """The wire names of which some handler takes runs; only these have a reason to wait for more."""
        return frozenset(
            name for name, handlers in self._by_event.items() if any(one.coalesces for one in handlers)
        )


def _handler(function: HandlerFunction, *, coalesce: bool) -> Handler:
    name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    wants: set[str] = set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in _ARGUMENTS:
            raise SettingsError(f"{name}: a handler takes 'event' and 'ctx', not {parameter.name!r}")
        wants.add(parameter.name)
    return Handler(
        name=name,
        function=function,
        wants=frozenset(wants),
        coalesces=coalesce,
        is_async=inspect.iscoroutinefunction(function),
    )

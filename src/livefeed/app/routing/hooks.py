"""Hooks: what runs before the first handler of an application and after the last one."""

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeAlias

from livefeed.app.routing.arguments import Names, Plan, Provided, asked_by, plan
from livefeed.app.runtime import Runtime

Hook: TypeAlias = Callable[..., Any]
"""Takes ``state`` and ``runtime`` by name; plain, async, or a generator of either kind that yields once."""

_SOURCES: Final[Names] = {name: Provided(name=name) for name in ("state", "runtime")}


class Hooks:
    """The start and stop functions of one application."""

    def __init__(self) -> None:
        self._starts: list[tuple[Hook, Plan]] = []
        self._stops: list[tuple[Hook, Plan]] = []

    def add_start(self, function: Hook) -> None:
        """Run ``function`` at the start, after those that were added before.

        Raises:
            SettingsError: It asks for something else than ``state`` and ``runtime``.
        """
        self._starts.append((function, plan(asked_by(function), _SOURCES)))

    def add_stop(self, function: Hook) -> None:
        """Run ``function`` at the stop, before those that were added before.

        Raises:
            SettingsError: It asks for something else than ``state`` and ``runtime``.
        """
        self._stops.append((function, plan(asked_by(function), _SOURCES)))

    @asynccontextmanager
    async def around(self, runtime: Runtime) -> AsyncGenerator[None]:
        """Run the start functions; at the end of the block the stop functions, then what they left open.

        Where a start function fails no stop function runs, but what was opened before is closed.
        """
        values = {"state": runtime.state, "runtime": runtime}
        async with AsyncExitStack() as stack:
            for function, planned in self._starts:
                arguments = _arguments(planned, values)
                if inspect.isasyncgenfunction(function):
                    generator = function(**arguments)
                    stack.push_async_callback(anext, generator, None)
                    await anext(generator)
                elif inspect.isgeneratorfunction(function):
                    plain = function(**arguments)
                    stack.callback(next, plain, None)
                    next(plain)
                else:
                    await _called(function, arguments)
            for function, planned in self._stops:
                stack.push_async_callback(_called, function, _arguments(planned, values))
            yield


def _arguments(planned: Plan, values: dict[str, Any]) -> dict[str, Any]:
    return {parameter: values[source.name] for parameter, source in planned.fills}


async def _called(function: Hook, arguments: dict[str, Any]) -> None:
    answer = function(**arguments)
    if inspect.isawaitable(answer):
        await answer

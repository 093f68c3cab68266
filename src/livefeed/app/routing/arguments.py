"""Arguments: what a function asks for by the names of its parameters, decided and checked at registration."""

import inspect
import types
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Final, cast

from livefeed.errors import SettingsError

Factory = Callable[..., Any]
Names = Mapping[str, "Provided"]

_YIELDING: Final = {AsyncGenerator, AsyncIterator, Generator, Iterator}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one function asks for.

    Attributes:
        name: ``module.qualname``, for messages.
        wanted: Parameter → the type it is annotated with; None where that is no class.
        optional: Parameters with a default, which they keep if nothing provides them.
    """

    name: str
    wanted: Mapping[str, type | None]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """Something that functions may ask for.

    Attributes:
        name: The parameter's name that asks for it.
        kind: Its type: a parameter of another name that is annotated with it asks for it as well.
        factory: Makes it for one call of a handler; None: it is there already.
        asked: What the factory asks for itself.
        is_scoped: The factory is a generator; what follows its ``yield`` runs after the handler.
    """

    name: str
    kind: type | None = None
    factory: Factory | None = None
    asked: Asked | None = None
    is_scoped: bool = False


def name_of(function: Callable[..., object]) -> str:
    """``module.qualname`` of a function or of another callable."""
    whole = function.func if isinstance(function, partial) else function
    return f"{whole.__module__}.{getattr(whole, '__qualname__', type(whole).__qualname__)}"


def asked_by(function: Callable[..., object]) -> Asked:
    """What ``function`` asks for.

    Raises:
        SettingsError: It takes an argument that has no name, or that may be many.
    """
    name = name_of(function)
    hints = _hints(function)
    wanted: dict[str, type | None] = {}
    optional: set[str] = set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise SettingsError(f"{name}: {parameter} cannot be filled; take arguments by their names")
        hint = hints.get(parameter.name)
        wanted[parameter.name] = hint if isinstance(hint, type) else None
        if parameter.default is not parameter.empty:
            optional.add(parameter.name)
    return Asked(name=name, wanted=wanted, optional=frozenset(optional))


def annotated_events(function: Callable[..., object], parameter: str) -> tuple[type, ...] | None:
    """The classes that ``parameter`` is said to be; None if nothing is said that can be compared."""
    hint = _hints(function).get(parameter)
    if isinstance(hint, type):
        return (hint,)
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        members = typing.get_args(hint)
        if all(isinstance(member, type) for member in members):
            return tuple(members)
    return None


def provided_by(factory: Factory, name: str | None) -> Provided:
    """What ``factory`` provides: under ``name``, by default its own name, and by the type it returns.

    Raises:
        SettingsError: It asks for what has no name.
    """
    kind = factory if isinstance(factory, type) else _hints(factory).get("return")
    if typing.get_origin(kind) in _YIELDING:
        kind = typing.get_args(kind)[0]
    return Provided(
        name=name or getattr(factory, "__name__", ""),
        kind=kind if isinstance(kind, type) and kind is not type(None) else None,
        factory=factory,
        asked=asked_by(factory),
        is_scoped=inspect.isasyncgenfunction(factory) or inspect.isgeneratorfunction(factory),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """How the arguments of one function are filled: parameter → what fills it."""

    fills: tuple[tuple[str, Provided], ...]


def plan(asked: Asked, sources: Names, *, among: Sequence[str] = ()) -> Plan:
    """Decide what fills each parameter: what bears its name, else what is of its type.

    Args:
        asked: What the function asks for.
        sources: What can be asked for, by name.
        among: The names of the factories that are being planned, outermost first.

    Raises:
        SettingsError: Nothing fills a parameter, or a factory asks for itself in the end.
    """
    fills: list[tuple[str, Provided]] = []
    for name, kind in asked.wanted.items():
        source = sources.get(name) or _of_kind(kind, sources)
        if source is None:
            if name in asked.optional:
                continue
            known = ", ".join(sorted(sources))
            raise SettingsError(
                f"{asked.name}: nothing provides {name!r}; there are {known}; provide it with app.provide"
            )
        if source.name in among:
            raise SettingsError(f"{asked.name}: {' → '.join([*among, source.name])} ask for each other")
        if source.asked is not None:
            plan(source.asked, sources, among=[*among, source.name])
        fills.append((name, source))
    return Plan(tuple(fills))


def _of_kind(kind: type | None, sources: Names) -> Provided | None:
    """What is of just this type; nothing if several are."""
    if kind is None:
        return None
    found = [source for source in sources.values() if source.kind is kind]
    return found[0] if len(found) == 1 else None


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    """What the annotations say; those that cannot be read now, as under TYPE_CHECKING, say nothing."""
    whole = function.func if isinstance(function, partial) else function
    if isinstance(whole, type):
        whole = whole.__init__
    elif not inspect.isfunction(whole) and not inspect.ismethod(whole):
        whole = getattr(whole, "__call__", whole)  # noqa: B004 - its annotations are wanted, not whether it is callable
    try:
        return typing.get_type_hints(whole)
    except (NameError, TypeError, AttributeError):
        return {}


@dataclass(slots=True)
class Values:
    """What has been made for one call of a handler; closed after it.

    Attributes:
        sources: What can be asked for.
        made: What is there, by name.
    """

    sources: Names
    made: dict[str, Any]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _is_open: bool = False

    async def of(self, planned: Plan) -> dict[str, Any]:
        """The arguments of one function."""
        return {parameter: await self._value(source) for parameter, source in planned.fills}

    @property
    def is_open(self) -> bool:
        """Whether something is to be run by `close`."""
        return self._is_open

    async def close(self, failure: BaseException | None = None) -> None:
        """Run what follows the ``yield`` of factories, the last one first.

        Each sees ``failure`` raised at its ``yield``; one that raises another in its place puts that in its
        place for all, one that raises nothing hides it from nobody.
        """
        self._is_open = False
        trace = None if failure is None else failure.__traceback__
        await self._stack.__aexit__(None if failure is None else type(failure), failure, trace)

    async def _value(self, source: Provided) -> Any:  # noqa: ANN401 - whatever its factory makes
        if source.name in self.made:
            return self.made[source.name]
        assert source.factory is not None, "what has no factory is there from the start"
        assert source.asked is not None, "a factory was looked at when it was registered"
        arguments = await self.of(plan(source.asked, self.sources))
        made: Any = source.factory(**arguments)
        if source.is_scoped:
            made = await self._entered(made)
        elif isinstance(made, Awaitable):
            made = await cast("Awaitable[Any]", made)
        self.made[source.name] = made
        return made

    async def _entered(self, generator: Any) -> Any:  # noqa: ANN401 - whatever it yields
        self._is_open = True
        if inspect.isgenerator(generator):
            plain = contextmanager(lambda: cast("Generator[Any]", generator))()
            made = plain.__enter__()
            self._stack.push(partial(_leave, plain))
            return made
        manager = asynccontextmanager(lambda: cast("AsyncGenerator[Any]", generator))()
        made = await manager.__aenter__()
        self._stack.push_async_exit(partial(_leave_async, manager))
        return made


def _leave(
    manager: AbstractContextManager[object],
    kind: type[BaseException] | None,
    failure: BaseException | None,
    trace: TracebackType | None,
) -> None:
    manager.__exit__(kind, failure, trace)


async def _leave_async(
    manager: AbstractAsyncContextManager[object],
    kind: type[BaseException] | None,
    failure: BaseException | None,
    trace: TracebackType | None,
) -> None:
    await manager.__aexit__(kind, failure, trace)

"""Routers: which handlers an event has; an application includes them, and they include others."""

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from livefeed.app.routing.arguments import (
    Asked,
    Factory,
    Provided,
    asked_by,
    name_of,
    plan,
    provided_by,
)
from livefeed.app.routing.events import EventType, check_event, wire_name_of
from livefeed.app.routing.filters import Wants, Where, wants
from livefeed.app.routing.handlers import (
    RETRIES,
    TIMEOUT_S,
    F,
    Handler,
    HandlerFunction,
    M,
    Options,
    Registration,
    is_async,
)
from livefeed.app.routing.sources import BUILT_IN
from livefeed.app.routing.table import Middleware, Surroundings, Table, handler_of
from livefeed.durable.schedule import Schedule
from livefeed.errors import SettingsError


class Router:
    """Handlers that belong together, to be included in an application or in another router.

    Example:
        >>> deals = Router(portal="a223c6b3710f85df22e9377d6c4f7553")
        >>> @deals.on("ONCRMDEALUPDATE")
        ... async def deal(event: UnknownEvent, ctx: Context) -> None: ...
        >>> app.include(deals)
    """

    def __init__(
        self,
        *,
        where: Where = None,
        posts: int | Collection[int] | None = None,
        portal: str | Collection[str] | None = None,
    ) -> None:
        """Want of all its handlers' events what `on` can want of one's."""
        self._wants = wants(where, posts, portal)
        self._registered: list[Registration] = []
        self._middlewares: list[Middleware] = []
        self._provided: dict[str, Provided] = {}
        self._included: list[Router] = []
        self._parents: list[Router] = []

    def on(
        self,
        *events: EventType | str,
        coalesce: bool = False,
        quiet_s: float | None = None,
        max_wait_s: float = 300.0,
        where: Where = None,
        posts: int | Collection[int] | None = None,
        portal: str | Collection[str] | None = None,
        retry: Schedule | None = RETRIES,
        timeout_s: float | None = TIMEOUT_S,
        concurrency: int | None = None,
        own: bool = False,
        name: str | None = None,
    ) -> Callable[[F], F]:
        """Handle ``events`` with the decorated function, async or sync (in a thread: see `Context.wait`).

        It takes arguments by name: ``event``, ``events``, ``ctx``, ``portal``, ``post`` (as it is now),
        ``rest`` (a client), ``state``, and what `provide` provides, by name or by type.

        Args:
            events: Types of ``livefeed.wire.events``, or wire names: ``"ONCRMDEALUPDATE"``.
            coalesce: Take all equal events of one post that wait as one call; ``ctx.events`` holds them.
                Adding and deleting are never taken together.
            quiet_s: With ``coalesce``: called when for so many seconds nothing new came, in own lanes,
                for which no other handler waits; None: ``LIVEFEED_QUIET_S``, together with the others.
            max_wait_s: With ``quiet_s``: called after so many seconds in any case.
            where: Filters that all have to let an event pass.
            posts: Only events of these posts.
            portal: Only events of these portals, by member_id.
            retry: When a failure is repeated; None: never, it becomes a dead letter at once.
            timeout_s: Seconds after which a call is cancelled and counts as failed; None: never. Its filters
                have as long before it, and what follows a ``yield`` as long after it.
            concurrency: Calls at a time in this process; an event that finds none free comes again later.
            own: Whether to be called for what this application itself has written; see ``ctx.is_own``.
            name: Under which the store remembers that it has finished; default ``module.qualname``.

        Raises:
            SettingsError: An argument that nothing can fill, an event that is none, an unusable option.
        """

        def register(function: F) -> F:
            self._add(
                function,
                events,
                wants(where, posts, portal),
                Options(
                    name=name or name_of(function),
                    coalesces=coalesce,
                    quiet_s=quiet_s,
                    max_wait_s=max_wait_s,
                    retry=retry,
                    timeout_s=timeout_s,
                    concurrency=concurrency,
                    own=own,
                ),
            )
            return function

        return register

    def include(self, router: "Router") -> None:
        """Add the handlers of ``router``, with its filters and middlewares inside those of this one.

        Raises:
            SettingsError: It would include itself, or one of its handlers asks for what nothing provides.
        """
        if self is router or self in router.descendants():
            raise SettingsError("a router cannot include itself")
        self._included.append(router)
        router._parents.append(self)
        try:
            self._check_roots()
        except SettingsError:
            self._included.pop()
            router._parents.pop()
            raise

    def middleware(self, function: M) -> M:
        """Put an async function around every handler of this router, inside those that were put before.

        It takes ``call`` and whatever handlers may take, awaits ``call()`` to go on, and returns its answer
        or another: ``Retry``, ``Drop``. What it raises counts as raised by the handler.

        Example:
            >>> @app.middleware
            ... async def timed(call: Next, ctx: Context) -> Verdict:
            ...     began = time.monotonic()
            ...     verdict = await call()
            ...     ctx.step("timed", f"{time.monotonic() - began:.3f} s")
            ...     return verdict

        Raises:
            SettingsError: It is not async, or takes no ``call``.
        """
        asked = asked_by(function)
        if not is_async(function) or "call" not in asked.wanted:
            raise SettingsError(f"{asked.name}: a middleware is async and takes 'call', to await it")
        rest = {name: kind for name, kind in asked.wanted.items() if name != "call"}
        self._middlewares.append(
            Middleware(function=function, asked=Asked(name=asked.name, wanted=rest, optional=asked.optional))
        )
        self._undo_unless_checked(self._middlewares)
        return function

    def provide(self, name: str | Factory | None = None, factory: Factory | None = None) -> Any:  # noqa: ANN401 - a decorator, or the factory
        """Let handlers, filters and middlewares ask for what ``factory`` makes: by name, or by its type.

        It is made once for each call of a handler. A factory takes arguments by name too; it is a plain
        function that is quick, an async one, or a generator of either kind that yields once. What follows its
        ``yield`` runs after the handler, and sees what the handler has raised raised there: by another error
        in its place it decides what becomes of the event, by none it changes nothing.

        Example:
            >>> @app.provide
            ... async def rates(ctx: Context) -> Rates: ...
            >>> app.provide("limit", lambda: 10)

        Raises:
            SettingsError: The name is taken, or the factory asks for what nothing provides.
        """
        if callable(name):
            self._provide(name, None)
            return name
        if factory is not None:
            self._provide(factory, name)
            return factory

        def register(function: Factory) -> Factory:
            self._provide(function, name)
            return function

        return register

    def descendants(self) -> "Iterator[Router]":
        """The routers that it includes, and those that they include."""
        for router in self._included:
            yield router
            yield from router.descendants()

    def table(self) -> "Table":
        """Its handlers by event, with all that the routers around them say.

        Raises:
            SettingsError: Something that a handler asks for is provided by nothing, or two have one name.
        """
        handlers: dict[str, list[Handler]] = {}
        for events, handler in self._handlers(Surroundings(sources=dict(BUILT_IN))):
            for event in events:
                others = handlers.setdefault(event, [])
                if any(other.name == handler.name for other in others):
                    raise SettingsError(f"{event} already has a handler named {handler.name}; rename one")
                others.append(handler)
        return Table({event: tuple(some) for event, some in handlers.items()})

    def _handlers(self, outer: Surroundings) -> Iterator[tuple[tuple[str, ...], Handler]]:
        here = Surroundings(
            sources=outer.sources | self._provided,
            wants=self._wants.inside(outer.wants),
            around=(*outer.around, *self._middlewares),
        )
        for source in self._provided.values():
            assert source.asked is not None, "a factory was looked at when it was registered"
            plan(source.asked, here.sources, among=[source.name])
        here.wants.check(here.sources)
        for one in self._registered:
            yield one.events, handler_of(one, here)
        for router in self._included:
            yield from router._handlers(here)

    def _add(
        self, function: HandlerFunction, events: Sequence[EventType | str], wanted: Wants, options: Options
    ) -> None:
        if not events:
            raise SettingsError(f"{options.name}: name at least one event, as in @app.on(PostUpdated)")
        names = tuple(dict.fromkeys(wire_name_of(event, options.name) for event in events))
        options.check()
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise SettingsError(
                f"{options.name}: a handler does not yield, it returns; provide what is set up"
            )
        check_event(function, names, options.name)
        asked = asked_by(function)
        self._registered.append(
            Registration(events=names, function=function, asked=asked, wants=wanted, options=options)
        )
        self._undo_unless_checked(self._registered)

    def _provide(self, factory: Factory, name: str | None) -> None:
        source = provided_by(factory, name)
        if (
            not source.name.isidentifier()
            or source.name in BUILT_IN
            or source.name in {*self._provided, "call"}
        ):
            raise SettingsError(f"{source.name!r} cannot be provided: it is taken, or no name of an argument")
        self._provided[source.name] = source
        try:
            self._check_roots()
        except SettingsError:
            del self._provided[source.name]
            raise

    def _undo_unless_checked(self, some: list[Any]) -> None:
        try:
            self._check_roots()
        except SettingsError:
            some.pop()
            raise

    def _check_roots(self) -> None:
        """Check the applications that this belongs to; a router that is in none yet is checked when it is."""
        for parent in self._parents:
            parent._check_roots()

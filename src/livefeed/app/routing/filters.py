"""Filters: which events a handler wants; predicates that can be put together with ``&``, ``|`` and ``~``."""

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from livefeed.app.routing.arguments import Asked, Names, Values, asked_by, plan
from livefeed.wire.ids import MemberId, PostId

Predicate: TypeAlias = Callable[..., Any]
"""Takes arguments by name, as handlers do, and gives a truth value or something to await for one."""

Where: TypeAlias = "Filter | Predicate | Sequence[Filter | Predicate] | None"
"""One predicate, or several that all have to let an event pass."""


class Filter:
    """Which events a handler wants. Any predicate becomes one; it is asked event by event.

    Example:
        >>> @Filter
        ... async def important(post: Post) -> bool:
        ...     return post.is_important
        >>> @app.on(PostUpdated, where=important & ~Filter(lambda ctx: ctx.is_own))
        ... async def tell(post: Post, ctx: Context) -> None: ...
    """

    def __init__(self, predicate: Predicate) -> None:
        """Take a predicate, sync or async; a sync one runs on the event loop and must be quick."""
        self._predicate = predicate
        self._asked: tuple[Asked, ...] = (asked_by(predicate),)

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What the predicates in it ask for."""
        return self._asked

    async def passes(self, values: Values) -> bool:
        """Whether the handler wants the event of ``values``."""
        arguments = await values.of(plan(self._asked[0], values.sources))
        answer = self._predicate(**arguments)
        return bool(await answer if inspect.isawaitable(answer) else answer)

    def __and__(self, other: "Filter") -> "Filter":
        return _Together("and", self, other)

    def __or__(self, other: "Filter") -> "Filter":
        return _Together("or", self, other)

    def __invert__(self) -> "Filter":
        return _Not(self)


class _Together(Filter):
    """Both, or one of two; the second is not asked where the first decides."""

    def __init__(self, word: str, first: Filter, second: Filter) -> None:
        self._word = word
        self._first = first
        self._second = second
        self._asked = first.asked + second.asked

    async def passes(self, values: Values) -> bool:
        first = await self._first.passes(values)
        if first == (self._word == "or"):
            return first
        return await self._second.passes(values)


class _Not(Filter):
    def __init__(self, one: Filter) -> None:
        self._one = one
        self._asked = one.asked

    async def passes(self, values: Values) -> bool:
        return not await self._one.passes(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What one registration, and the routers around it, want of an event.

    Attributes:
        posts: Only events of these posts; None: of all, and of none.
        portals: Only of these portals; None: of all.
        filters: All of these have to let it pass, those of the outermost router first.
    """

    posts: frozenset[PostId] | None = None
    portals: frozenset[MemberId] | None = None
    filters: tuple[Filter, ...] = ()

    @property
    def is_anything(self) -> bool:
        """Whether there is nothing to ask."""
        return self.posts is None and self.portals is None and not self.filters

    def inside(self, outer: "Wants") -> "Wants":
        """What both want."""
        return Wants(
            posts=_both(outer.posts, self.posts),
            portals=_both(outer.portals, self.portals),
            filters=outer.filters + self.filters,
        )

    def check(self, sources: Names) -> None:
        """Raises SettingsError where a filter asks for what nothing provides."""
        for one in self.filters:
            for asked in one.asked:
                plan(asked, sources)

    async def let_pass(self, post: PostId | None, portal: MemberId, values: Values) -> bool:
        """Whether an event of ``post`` in ``portal`` is wanted."""
        if self.posts is not None and post not in self.posts:
            return False
        if self.portals is not None and portal not in self.portals:
            return False
        for one in self.filters:
            if not await one.passes(values):
                return False
        return True


def wants(
    where: Where,
    posts: int | Collection[int] | None,
    portal: str | Collection[str] | None,
) -> Wants:
    """What the keywords of a registration say."""
    given = _given(where)
    numbers = (posts,) if isinstance(posts, int) else posts
    ids = (portal,) if isinstance(portal, str) else portal
    return Wants(
        posts=None if numbers is None else frozenset(PostId(one) for one in numbers),
        portals=None if ids is None else frozenset(MemberId(one) for one in ids),
        filters=tuple(one if isinstance(one, Filter) else Filter(one) for one in given),
    )


def _given(where: Where) -> tuple[Filter | Predicate, ...]:
    if where is None:
        return ()
    if isinstance(where, Filter) or callable(where):
        return (where,)
    return tuple(where)


def _both(outer: "frozenset[Any] | None", inner: "frozenset[Any] | None") -> "frozenset[Any] | None":
    if outer is None or inner is None:
        return inner if outer is None else outer
    return outer & inner

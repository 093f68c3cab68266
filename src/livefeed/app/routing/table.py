"""The table: the handlers of each event, with all that the routers around them say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livefeed.app.routing.arguments import Asked, Provided, plan
from livefeed.app.routing.events import is_coalescible
from livefeed.app.routing.filters import Wants
from livefeed.app.routing.handlers import Handler, MiddlewareFunction, Registration, is_async


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """An async function around handlers, and what it asks for beside ``call``."""

    function: MiddlewareFunction
    asked: Asked


@dataclass(slots=True)
class Surroundings:
    """What the routers around a handler give it, the outermost first."""

    sources: dict[str, Provided]
    wants: Wants = field(default_factory=Wants)
    around: tuple[Middleware, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The handlers of an application by the wire name of their event, in the order of their registration."""

    by_event: Mapping[str, tuple[Handler, ...]]

    def handlers_of(self, wire_name: str) -> Sequence[Handler]:
        """The handlers of one event."""
        return self.by_event.get(wire_name, ())

    def events(self) -> frozenset[str]:
        """The wire names that have a handler."""
        return frozenset(self.by_event)

    def coalesced(self) -> frozenset[str]:
        """The wire names of which some handler takes runs; only these have a reason to wait for more."""
        return frozenset(
            name
            for name, handlers in self.by_event.items()
            if is_coalescible(name) and any(one.coalesces and not one.has_own_lanes for one in handlers)
        )

    def with_own_lanes(self) -> Sequence[Handler]:
        """The handlers whose events wait in lanes of their own."""
        every = {
            one.name: one for handlers in self.by_event.values() for one in handlers if one.has_own_lanes
        }
        return tuple(every.values())


def handler_of(one: Registration, here: Surroundings) -> Handler:
    """A registered function as it is called there.

    Raises:
        SettingsError: It, or a filter, or a middleware, asks for what nothing provides.
    """
    wanted = one.wants.inside(here.wants)
    wanted.check(here.sources)
    return Handler(
        options=one.options,
        function=one.function,
        plan=plan(one.asked, here.sources),
        sources=here.sources,
        wants=wanted,
        around=tuple((each.function, plan(each.asked, here.sources)) for each in here.around),
        is_async=is_async(one.function),
    )

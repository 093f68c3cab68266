"""Events: what can be registered for, and what a function may expect of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from livefeed.app.contexts.posts import Post
from livefeed.app.routing.arguments import annotated_events, asked_by
from livefeed.errors import SettingsError
from livefeed.wire.events import (
    AppInstalled,
    AppMethodConfirmed,
    AppPayment,
    AppTest,
    AppUninstalled,
    AppUpdated,
    OfflineNews,
    PostAdded,
    PostDeleted,
    PostUpdated,
    UnknownEvent,
)

_READABLE: Final = frozenset({PostAdded.wire_name, PostUpdated.wire_name})
EventType: TypeAlias = (
    type[PostAdded]
    | type[PostUpdated]
    | type[PostDeleted]
    | type[AppInstalled]
    | type[AppUpdated]
    | type[AppUninstalled]
    | type[AppPayment]
    | type[AppMethodConfirmed]
    | type[AppTest]
    | type[OfflineNews]
)
_TYPES: Final[Mapping[str, type]] = {
    one.wire_name: one
    for one in (
        PostAdded,
        PostUpdated,
        PostDeleted,
        AppInstalled,
        AppUpdated,
        AppUninstalled,
        AppPayment,
        AppMethodConfirmed,
        AppTest,
        OfflineNews,
    )
}


def is_coalescible(wire_name: str) -> bool:
    """Whether events of this kind may be taken together: what was added or deleted is never swallowed."""
    return not wire_name.endswith(("ADD", "DELETE"))


def wire_name_of(event: EventType | str, name: str) -> str:
    """The wire name of what ``name`` is registered for.

    Raises:
        SettingsError: It is no event.
    """
    if isinstance(event, str):
        if not event.isascii() or not event.replace("_", "").replace(":", "").replace(".", "").isalnum():
            raise SettingsError(f"{name}: {event!r} is not the name of an event, as ONCRMDEALUPDATE is")
        return event.upper()
    if event not in _TYPES.values():
        raise SettingsError(
            f"{name}: {event!r} is not an event of livefeed.wire.events; name others by their wire name"
        )
    return event.wire_name


def check_event(function: Callable[..., object], names: Sequence[str], name: str) -> None:
    """See that what the function takes can be what comes.

    Raises:
        SettingsError: Its ``event`` is annotated as something else, or it asks for a post that is not there.
    """
    annotated = annotated_events(function, "event")
    for wire_name in names:
        kind = _TYPES.get(wire_name, UnknownEvent)
        if annotated is not None and not any(issubclass(kind, one) for one in annotated):
            raise SettingsError(
                f"{name}: {wire_name} comes as {kind.__name__}; its 'event' is annotated as something else"
            )
        if _READABLE.isdisjoint({wire_name}) and Post in asked_by(function).wanted.values():
            raise SettingsError(f"{name}: with {wire_name} comes no post that could be read; take no Post")

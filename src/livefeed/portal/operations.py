"""What an administrator can ask for: one type for each operation, read from names and values."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from livefeed.portal.apps.registry import AuthKeys
from livefeed.portal.lifecycle import Refused

_MOST: Final = 2**63 - 1
_Number = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
_Scopes = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+([, ]+[a-z_]+)*$")]


class AppAdd(msgspec.Struct, frozen=True, kw_only=True):
    """Register an application; what its words mean stands at `registry.NewApp`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    handler_url: str = ""
    install_url: str = ""
    scope: _Scopes = "log,user,im"
    interface: bool = False
    auth_keys: AuthKeys = "documented"
    portal: str | None = None


class AppFinish(msgspec.Struct, frozen=True, kw_only=True):
    """Finish the installation of an application with an interface."""

    client_id: str
    portal: str | None = None


class AppRemove(msgspec.Struct, frozen=True, kw_only=True):
    """Uninstall an application; ``clean`` asks it to erase its data."""

    client_id: str
    clean: bool = False
    portal: str | None = None


class AppRotate(msgspec.Struct, frozen=True, kw_only=True):
    """Give an application another secret."""

    client_id: str
    portal: str | None = None


class AppOpen(msgspec.Struct, frozen=True, kw_only=True):
    """What the frame of an application would be handed if ``user`` opened it."""

    client_id: str
    user: _Number = 1
    portal: str | None = None


class WebhookAdd(msgspec.Struct, frozen=True, kw_only=True):
    """Make an incoming webhook with the rights of ``user``."""

    user: _Number
    scope: _Scopes
    portal: str | None = None


class EditPost(msgspec.Struct, frozen=True, kw_only=True):
    """Edit a post; title and recipients stay unless a title is given. Default: as user 1."""

    post: _Number
    text: str
    title: str | None = None
    user: _Number | None = None
    as_automation: bool = False
    portal: str | None = None


class HandlerState(msgspec.Struct, frozen=True, kw_only=True):
    """Pause a handler, or resume it: what waits goes out then."""

    handler: _Number
    state: Literal["active", "paused"]
    portal: str | None = None


class DeadReplay(msgspec.Struct, frozen=True, kw_only=True):
    """Put dead letters back: one, those of a handler, or all since a time; by default all of every portal."""

    id: _Number | None = None
    handler: _Number | None = None
    since_ms: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] = 0
    portal: str | None = None


Operation: TypeAlias = (
    AppAdd | AppFinish | AppRemove | AppRotate | AppOpen | WebhookAdd | EditPost | HandlerState | DeadReplay
)

_TYPES: Final[Mapping[str, type[Operation]]] = {
    "app_add": AppAdd,
    "app_finish": AppFinish,
    "app_remove": AppRemove,
    "app_rotate": AppRotate,
    "app_open": AppOpen,
    "webhook_add": WebhookAdd,
    "edit_post": EditPost,
    "handler_state": HandlerState,
    "dead_replay": DeadReplay,
}


def read_operation(name: str, arguments: Mapping[str, object]) -> Operation:
    """The operation called ``name``; arguments that are null count as not given.

    Raises:
        Refused: There is no such operation, or an argument is missing or cannot be read.
    """
    kind = _TYPES.get(name)
    if kind is None:
        raise Refused(f"there is no operation {name!r}; there are: {', '.join(_TYPES)}")
    given = {key: value for key, value in arguments.items() if value is not None}
    unknown = sorted(given.keys() - set(kind.__struct_fields__))
    if unknown:
        raise Refused(f"{name}: there is no argument {unknown[0]!r}")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as exc:
        raise Refused(f"{name}: {_told(str(exc))}") from exc


def _told(complaint: str) -> str:
    return "the scope is a list such as log,user,im" if "regex" in complaint else complaint

"""Commands of a frame: each is one unit, bound to the very opening, person and session it comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from livefeed.durable.store import Tx
from livefeed.errors import Fault
from livefeed.portal import lifecycle
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events.handlers import person_epoch
from livefeed.portal.frames import openings, options, targets
from livefeed.portal.frames.handing import SLIDER
from livefeed.portal.frames.openings import Opening, Sid
from livefeed.portal.frames.options import EVERYBODY
from livefeed.portal.frames.paths import LinkPath, PostPath, link_params, read_path
from livefeed.portal.frames.targets import Target, WhyNot
from livefeed.portal.people import people, sessions
from livefeed.portal.people.people import Person
from livefeed.portal.portals import PortalRow
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import AppId, UserId
from livefeed.wire.params import Params

_NOT_AVAILABLE: Final[Mapping[str, JsonValue]] = {"result": "error", "errorCode": "PATH_NOT_AVAILABLE"}
_NOT_PERMITTED: Final[Mapping[str, JsonValue]] = {"result": "error", "errorCode": "ACCESS_DENIED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who sends a command, as the request says; nothing of it is believed before it is looked up.

    Attributes:
        portal: Where.
        app: The application in the address.
        visit_hash: Of the browser's session.
        sid_hash: Of the frame in the address.
        slider: The sid of a slider, if the command opens one.
        language: In which titles are wanted; empty: in the person's own.
    """

    portal: PortalRow
    app: AppId
    visit_hash: bytes
    sid_hash: bytes
    slider: Sid
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who it is: looked up in the unit."""

    asking: Asking
    app: App
    me: Person
    person_epoch: int
    opening: Opening

    @property
    def language(self) -> str:
        """Of the person."""
        return self.asking.language or self.me.language


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The frame's library starts: it is handed everything."""

    is_first_run: bool
    app_options: Mapping[str, JsonValue]
    user_options: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The frame gets another pair of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as it is."""

    payload: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Slid:
    """A slider opens with an application in it."""

    target: Target


Outcome: TypeAlias = Started | Renewed | Said | Slid
Command: TypeAlias = Callable[[Tx, Caller, Params], Outcome]


def run(tx: Tx, asking: Asking, command: Command, params: Params) -> tuple[Caller, Outcome] | None:
    """Look up who asks, and do what is asked; None if the frame is not this person's in this session."""
    person = sessions.person_of(tx, asking.portal.member_id, asking.visit_hash)
    caller = None if person is None else _caller(tx, asking, person)
    if caller is None:
        return None
    try:
        return caller, command(tx, caller, params)
    except Fault as fault:
        return caller, Said(payload={"result": "error", "errorCode": fault.code})


def _caller(tx: Tx, asking: Asking, person: UserId) -> Caller | None:
    opening = openings.find(tx, asking.sid_hash, app=asking.app, person=person, visit_hash=asking.visit_hash)
    app, me = registry.find(tx, asking.app), people.find(tx, asking.portal.member_id, person)
    epoch = person_epoch(tx, asking.portal.member_id, person)
    if opening is None or app is None or me is None or epoch is None:
        return None
    if app.portal != asking.portal.member_id or app.state == "removed" or not app.is_paid(tx.now_ms):
        return None
    return Caller(asking=asking, app=app, me=me, person_epoch=epoch, opening=opening)


def _start(tx: Tx, caller: Caller, _params: Params) -> Outcome:
    app, me = caller.app.id, caller.me.id
    return Started(
        is_first_run=openings.is_first_run(tx, app, me),
        app_options=options.get(tx, app, EVERYBODY),
        user_options=options.get(tx, app, me),
    )


def _renew(_tx: Tx, _caller: Caller, _params: Params) -> Outcome:
    return Renewed()


def _launch(tx: Tx, caller: Caller, _params: Params) -> Outcome:
    openings.launch(tx, caller.app.id, caller.me.id)
    return Said(payload=None)


def _finish(tx: Tx, caller: Caller, _params: Params) -> Outcome:
    """End the installation; from any other page than the installer's this has no effect.

    Source: sdk/bx24-js-sdk/system-functions/bx24-install-finish.md
    """
    may = caller.opening.is_installer and caller.me.is_admin and caller.app.state == "withheld"
    if may:
        lifecycle.finish(tx, caller.asking.portal, caller.app.client_id, by_page=True)
    return Said(payload={"finished": may})


def _set_app_option(tx: Tx, caller: Caller, params: Params) -> Outcome:
    if not caller.me.is_admin:
        return Said(payload=_NOT_PERMITTED)
    return _set_option(tx, caller, params, EVERYBODY)


def _set_user_option(tx: Tx, caller: Caller, params: Params) -> Outcome:
    return _set_option(tx, caller, params, caller.me.id)


def _set_option(tx: Tx, caller: Caller, params: Params, person: UserId) -> Outcome:
    options.put(tx, caller.app.id, person, {params.text("name"): params.value("value")})
    return Said(payload=options.get(tx, caller.app.id, person))


def _open_application(tx: Tx, caller: Caller, params: Params) -> Outcome:
    """The application once more, in a slider, with what its first page passes on.

    Source: sdk/bx24-js-sdk/additional-functions/bx24-open-application.md
    """
    return _slide(tx, caller, targets.own_page(caller.app, caller.me, {**params.to_wire(), **SLIDER}))


def _open_path(tx: Tx, caller: Caller, params: Params) -> Outcome:
    wanted = read_path(params.text("path"))
    match wanted:
        case None:
            return Said(payload=_NOT_AVAILABLE)
        case PostPath(post=post):
            return Said(payload={"page": f"/posts/{post}"})
        case LinkPath(client_id=client_id, query=query):
            given = {**link_params(query), **SLIDER}
            portal = caller.asking.portal.member_id
            target = targets.find_link(
                tx, portal, caller.me, client_id, given, uri="", language=caller.language
            )
            # Another application lives elsewhere: this page may show none but the one it was made for.
            is_same = isinstance(target, Target) and target.app.id == caller.app.id
            return _slide(tx, caller, target) if is_same else Said(payload=_NOT_AVAILABLE)


def _slide(tx: Tx, caller: Caller, target: Target | WhyNot) -> Outcome:
    if not isinstance(target, Target):
        return Said(payload=_NOT_AVAILABLE)
    opening = Opening(
        app=target.app.id,
        person=caller.me.id,
        place=target.place,
        options=target.options,
        is_installer=target.is_installer,
    )
    openings.begin(tx, opening, caller.asking.slider, visit_hash=caller.asking.visit_hash)
    return Slid(target=target)


COMMANDS: Final[Mapping[str, Command]] = {
    "getInitData": _start,
    "refreshAuth": _renew,
    "setInstall": _launch,
    "setInstallFinish": _finish,
    "setAppOption": _set_app_option,
    "setUserOption": _set_user_option,
    "openApplication": _open_application,
    "openPath": _open_path,
}
"""What the page hands on to the portal; the others it answers itself."""

READING: Final = frozenset({"getInitData", "refreshAuth"})
"""Those that leave no trace."""

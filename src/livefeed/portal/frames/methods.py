"""Methods about widgets, ``placement.*``, beside those about settings, and ``user.admin``."""

from collections.abc import Mapping
from typing import Final

from livefeed.durable.store import Tx
from livefeed.net.http import is_http_url
from livefeed.portal.apps.methods import calling_app
from livefeed.portal.call import Call, Method
from livefeed.portal.frames import placements, places, settings
from livefeed.portal.frames.placements import NewPlacement, Placement, Words
from livefeed.portal.frames.places import Place
from livefeed.wire.calls import Answer
from livefeed.wire.faults import (
    AccessDenied,
    ArgumentError,
    BindNeedsHandler,
    PlacementMissing,
    PlacementNotFound,
    PlacementNotText,
    PlacementUserMode,
    WidgetsNeedApp,
)
from livefeed.wire.form import JsonValue
from livefeed.wire.params import Params

_MOST_CHARS: Final = 255
_MOST_URL: Final = 2_000


def bind(tx: Tx, call: Call) -> Answer:
    """Bind a widget.

    Source: api-reference/widgets/placement-bind.md

    Raises:
        AccessDenied: The caller is no administrator.
        PlacementMissing: No place; BindNeedsHandler: no address.
        PlacementNotFound: No such place, or its scope is not the application's.
        PlacementUserMode: It is asked for one person.
        PlacementMaxCount: The place takes one handler, and has it.
        PlacementAlreadyBound: The same is bound already.
        ArgumentError: The address is not one, or something is too long.
    """
    app, params = calling_app(tx, call), call.params
    code, handler = _place_code(call), params.text("HANDLER").strip()
    if not handler:
        raise BindNeedsHandler
    place = next((one for one in places.available(app.scopes) if one.code == code), None)
    if place is None:
        raise PlacementNotFound
    if params.integer("USER_ID"):
        raise PlacementUserMode
    if not is_http_url(handler) or len(handler) > _MOST_URL:
        raise ArgumentError("The handler is not an absolute http or https URL")
    placements.bind(tx, app, _new(params, place, handler))
    return Answer(result=True)


def get(tx: Tx, call: Call) -> Answer:
    """The widgets of the calling application.

    Source: api-reference/widgets/placement-get.md

    Raises:
        AccessDenied: The caller is no administrator.
    """
    _check_administrator(call)
    return Answer(result=[_row(one) for one in placements.of_app(tx, calling_app(tx, call).id)])


def unbind(tx: Tx, call: Call) -> Answer:
    """Unbind the widgets of one place, or the one with this handler.

    The documented count is twice the widgets removed: each counts when it is found and when it is gone.

    Source: api-reference/widgets/placement-unbind.md

    Raises:
        AccessDenied: The caller is no administrator.
        PlacementMissing: No place.
    """
    code, handler = _place_code(call), call.params.text("HANDLER").strip()
    of_person = call.params.integer("USER_ID")
    found = [
        one
        for one in placements.of_app(tx, calling_app(tx, call).id)
        if one.place == code and handler in ("", one.handler) and not of_person
    ]
    for one in found:
        placements.unbind(tx, one)
    return Answer(result={"count": 2 * len(found)})


def list_places(tx: Tx, call: Call) -> Answer:
    """The places of one scope, all places, or those the application may bind.

    Source: api-reference/widgets/placement-list.md
    """
    app, scope = calling_app(tx, call), call.params.text("SCOPE").strip().lower()
    if scope:
        return Answer(result=[place.code for place in places.of_scope(scope)])
    chosen = places.PLACES if call.params.flag("FULL") else places.available(app.scopes)
    return Answer(result=[place.code for place in chosen])


def is_administrator(_tx: Tx, call: Call) -> Answer:
    """Whether the caller administers the portal.

    Source: api-reference/common/users/user-admin.md
    """
    return Answer(result=call.principal.is_admin)


def _place_code(call: Call) -> str:
    _check_administrator(call)
    if isinstance(call.params.value("PLACEMENT"), (list, dict)):
        raise PlacementNotText
    code = call.params.text("PLACEMENT").strip().upper()
    if not code:
        raise PlacementMissing
    return code


def _check_administrator(call: Call) -> None:
    if not call.principal.is_admin:
        raise AccessDenied


def _new(params: Params, place: Place, handler: str) -> NewPlacement:
    translations = {
        language.lower(): _words(Params(words))
        for language, words in params.mapping("LANG_ALL").items()
        if isinstance(words, Mapping)
    }
    return NewPlacement(
        place=place,
        handler=handler,
        words=_words(params),
        translations=translations,
        options=params.mapping("OPTIONS"),
    )


def _words(params: Params) -> Words:
    words = Words(
        title=params.text("TITLE").strip(),
        description=params.text("DESCRIPTION").strip(),
        group_name=params.text("GROUP_NAME").strip(),
    )
    if max(len(words.title), len(words.description), len(words.group_name)) > _MOST_CHARS:
        raise ArgumentError(f"Titles, descriptions and group names have at most {_MOST_CHARS} characters")
    return words


def _row(placement: Placement) -> dict[str, JsonValue]:
    """A widget as it is listed; empty maps are lists, as PHP writes them."""
    translations: dict[str, JsonValue] = {
        language: {"TITLE": words.title, "DESCRIPTION": words.description, "GROUP_NAME": words.group_name}
        for language, words in placement.translations.items()
    }
    return {
        "placement": placement.place,
        "userId": 0,
        "handler": placement.handler,
        "options": placement.options or [],
        "title": placement.words.title,
        "description": placement.words.description,
        "langAll": translations or [],
    }


METHODS: Final = (
    Method(
        name="placement.bind",
        fn=bind,
        scope="placement",
        writes=True,
        needs_app=True,
        webhook_fault=WidgetsNeedApp,
    ),
    Method(name="placement.get", fn=get, scope="placement", needs_app=True, webhook_fault=WidgetsNeedApp),
    Method(
        name="placement.unbind",
        fn=unbind,
        scope="placement",
        writes=True,
        needs_app=True,
        webhook_fault=WidgetsNeedApp,
    ),
    Method(
        name="placement.list", fn=list_places, scope="placement", needs_app=True, webhook_fault=WidgetsNeedApp
    ),
    *settings.METHODS,
    Method(name="user.admin", fn=is_administrator),
)

"""Placements: the widgets of applications, and which of them a person is shown where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import granted
from livefeed.portal.frames.places import LEFT_MENU, PLACES, Place
from livefeed.portal.people.people import Person
from livefeed.wire.faults import PlacementAlreadyBound, PlacementMaxCount
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import AppId, MemberId, PlacementId, PostId

_SCOPES: Final = {place.code: place.scope for place in PLACES}
_encode: Final = msgspec.json.Encoder().encode
_sql = load("livefeed.portal.frames", "frames.sql")


class Words(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """What a widget is called in one language: TITLE, DESCRIPTION, GROUP_NAME."""

    title: str = ""
    description: str = ""
    group_name: str = ""


_decode_words: Final = msgspec.json.Decoder(dict[str, Words]).decode
_decode_options: Final = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlacement:
    """What ``placement.bind`` asks for; ``words`` are shown in languages without ``translations``."""

    place: Place
    handler: str
    words: Words
    translations: Mapping[str, Words]
    options: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A widget that is bound; `NewPlacement` says what its words mean."""

    id: PlacementId
    portal: MemberId
    app: AppId
    place: str
    handler: str
    words: Words
    translations: Mapping[str, Words]
    options: Mapping[str, JsonValue]
    bound_at: int

    def title(self, language: str) -> str:
        """What a person who reads ``language`` is shown."""
        translated = self.translations.get(language)
        return (translated.title if translated is not None else "") or self.words.title

    def group(self, language: str) -> str:
        """Under which heading it stands, or empty."""
        translated = self.translations.get(language)
        return (translated.group_name if translated is not None else "") or self.words.group_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a menu that opens an application.

    Attributes:
        app: Which.
        placement: Its widget; None: its own page.
        title: What people read.
        group: Heading under which it stands, or empty.
    """

    app: AppId
    placement: PlacementId | None
    title: str
    group: str = ""

    def href(self, post: PostId | None = None) -> str:
        """The address that opens it, about ``post`` if one is given."""
        asked: dict[str, int] = {} if self.placement is None else {"placement": self.placement}
        if post is not None:
            asked["post"] = post
        return f"/apps/{self.app}/?{urlencode(asked)}" if asked else f"/apps/{self.app}/"


def bind(tx: Tx, app: App, new: NewPlacement) -> PlacementId:
    """Bind a widget; it is shown once its application is installed.

    Raises:
        PlacementMaxCount: The place takes one handler of an application, and it has one.
        PlacementAlreadyBound: The application has bound the same already.
    """
    there = [one for one in of_app(tx, app.id) if one.place == new.place.code]
    if there and new.place.is_single:
        raise PlacementMaxCount
    if any(one.handler == new.handler for one in there):
        raise PlacementAlreadyBound
    placement_id = _sql.add_placement(
        tx.conn,
        portal=app.portal,
        app=app.id,
        place=new.place.code,
        handler=new.handler,
        title=new.words.title or app.name,
        description=new.words.description,
        group_name=new.words.group_name,
        translations=_encode(new.translations).decode(),
        options=_encode(new.options).decode(),
        now=tx.now_ms,
    )
    return PlacementId(placement_id)


def unbind(tx: Tx, placement: Placement) -> None:
    """It is shown no longer."""
    _sql.remove_placement(tx.conn, id=placement.id)


def forget(tx: Tx, app: AppId) -> None:
    """None of an application's widgets is shown any longer."""
    _sql.remove_placements(tx.conn, app=app)


def of_app(tx: Tx, app: AppId) -> list[Placement]:
    """The widgets of one application."""
    return [_placement(row) for row in _sql.placements(tx.conn, app=app)]


def find(tx: Tx, portal: MemberId, placement_id: PlacementId) -> Placement | None:
    """The widget with this number, whether it may be shown or not."""
    row = _sql.placement(tx.conn, portal=portal, id=placement_id)
    return None if row is None else _placement(row)


def shown(tx: Tx, portal: MemberId, me: Person, place: str, *, language: str = "") -> list[Entry]:
    """What a person finds at ``place``: widgets of installed applications, in the menu their own pages too.

    Args:
        tx: Any unit.
        portal: Where.
        me: Who looks.
        place: ``LEFT_MENU`` or ``LIVEFEED_POST``.
        language: In which titles are wanted; by default the person's own.
    """
    scope, wanted = _SCOPES.get(place), language or me.language
    entries = [
        Entry(app=one.app, placement=one.id, title=one.title(wanted), group=one.group(wanted))
        for one, app_scope in _shown(tx, portal, place)
        if scope is None or scope in granted(app_scope)
    ]
    if place != LEFT_MENU:
        return entries
    own = [
        Entry(app=AppId(row["id"]), placement=None, title=row["name"])
        for row in _sql.own_pages(tx.conn, portal=portal)
    ]
    return [*own, *entries]


def _shown(tx: Tx, portal: MemberId, place: str) -> list[tuple[Placement, str]]:
    return [(_placement(row), row["app_scope"]) for row in _sql.shown(tx.conn, portal=portal, place=place)]


def _placement(row: Any) -> Placement:  # noqa: ANN401 - a row of the database
    return Placement(
        id=PlacementId(row["id"]),
        portal=MemberId(row["portal"]),
        app=AppId(row["app"]),
        place=row["place"],
        handler=row["handler"],
        words=Words(title=row["title"], description=row["description"], group_name=row["group_name"]),
        translations=_decode_words(row["translations"]),
        options=_decode_options(row["options"]),
        bound_at=row["bound_at"],
    )

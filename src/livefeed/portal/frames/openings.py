"""Openings: each rendering of an application's frame, and which person in which browser may command it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from livefeed.clock import fresh_hex
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.secrets import KeyRing
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import AppId, UserId

LIFE_S: Final = 86_400
"""How long a frame takes commands; after that its page is to be loaded again."""

_SID_DIGITS: Final = 32
_sql = load("livefeed.portal.frames", "frames.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sid:
    """APP_SID of a frame to be shown, and its hash: made before the unit that stores the hash."""

    text: str
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One rendering of a frame.

    Attributes:
        app: What is open.
        person: Who has opened it.
        place: ``DEFAULT``, ``LEFT_MENU``, …
        options: PLACEMENT_OPTIONS.
        is_installer: Whether its page may finish the installation.
    """

    app: AppId
    person: UserId
    place: str
    options: Mapping[str, JsonValue]
    is_installer: bool


def fresh_sid(keys: KeyRing) -> Sid:
    """Another one for each rendering: 32 hex digits."""
    text = fresh_hex(_SID_DIGITS)
    return Sid(text=text, hash=keys.hash(text))


def begin(tx: Tx, opening: Opening, sid: Sid, *, visit_hash: bytes) -> None:
    """A frame is shown to the browser with this session."""
    _sql.add_frame(
        tx.conn,
        sid_hash=sid.hash,
        app=opening.app,
        person=opening.person,
        visit_hash=visit_hash,
        place=opening.place,
        options=msgspec.json.encode(opening.options).decode(),
        is_installer=int(opening.is_installer),
        now=tx.now_ms,
        expires_at=tx.now_ms + LIFE_S * 1000,
    )
    _sql.forget_frames(tx.conn, now=tx.now_ms)


def find(tx: Tx, sid_hash: bytes, *, app: AppId, person: UserId, visit_hash: bytes) -> Opening | None:
    """The frame with this sid, if it was shown for this application to this person in this session."""
    row = _sql.frame(tx.conn, sid_hash=sid_hash, now=tx.now_ms)
    if row is None or row["visit_hash"] != visit_hash:
        return None
    found = _opening(row)
    return found if found.app == app and found.person == person else None


def forget(tx: Tx, app: AppId) -> None:
    """What an application has open takes no more commands."""
    _sql.remove_frames(tx.conn, app=app)


def is_first_run(tx: Tx, app: AppId, person: UserId) -> bool:
    """Whether a person has yet to launch an application."""
    return _sql.launched(tx.conn, app=app, person=person) is None


def launch(tx: Tx, app: AppId, person: UserId) -> None:
    """A person has launched an application; only the first time counts."""
    _sql.add_launch(tx.conn, app=app, person=person, now=tx.now_ms)


def forget_launches(tx: Tx, app: AppId) -> None:
    """Everybody's next launch is the first one."""
    _sql.remove_launches(tx.conn, app=app)


def _opening(row: Any) -> Opening:  # noqa: ANN401 - a row of the database
    return Opening(
        app=AppId(row["app"]),
        person=UserId(row["person"]),
        place=row["place"],
        options=cast("Mapping[str, JsonValue]", msgspec.json.decode(row["options"])),
        is_installer=bool(row["is_installer"]),
    )

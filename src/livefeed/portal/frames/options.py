"""Settings that applications keep with the portal: one set for everybody, one for each person."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.wire.faults import ArgumentError
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import AppId, UserId

EVERYBODY: Final = UserId(0)
"""Instead of a person: the settings that all share."""

_MOST: Final = 1_000
_MOST_BYTES: Final = 65_536
_MOST_CHARS: Final = 255
_MOST_IN_ALL: Final = 1_000_000
_sql = load("livefeed.portal.frames", "frames.sql")


def get(tx: Tx, app: AppId, person: UserId) -> dict[str, JsonValue]:
    """Every setting, by name."""
    return {
        row["name"]: cast("JsonValue", msgspec.json.decode(row["value"]))
        for row in _sql.options(tx.conn, app=app, person=person)
    }


def put(tx: Tx, app: AppId, person: UserId, given: Mapping[str, JsonValue]) -> None:
    """Set what is given, with the types it came in; other settings stay.

    Raises:
        ArgumentError: A name or a value is too long, or there would be more than a thousand, or more than
            1 MB of them; then nothing is set.
    """
    encoded = {name: msgspec.json.encode(value).decode() for name, value in given.items()}
    if any(not name or len(name) > _MOST_CHARS or len(text) > _MOST_BYTES for name, text in encoded.items()):
        raise ArgumentError(
            f"A setting has a name of {_MOST_CHARS} characters and {_MOST_BYTES} bytes at most"
        )
    kept: dict[str, str] = {
        row["name"]: row["value"] for row in _sql.options(tx.conn, app=app, person=person)
    }
    then = {**kept, **encoded}
    if len(then) > _MOST or sum(map(len, then.values())) > _MOST_IN_ALL:
        raise ArgumentError(f"An application keeps at most {_MOST} settings of {_MOST_IN_ALL} characters")
    for name, text in encoded.items():
        _sql.set_option(tx.conn, app=app, person=person, name=name, value=text)


def forget(tx: Tx, app: AppId) -> None:
    """Drop every setting of an application, of everybody and of each person."""
    _sql.remove_options(tx.conn, app=app)

"""A case: one person of one portal, and the places in which something of him may be kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from livefeed.app.inbox import Opener, open_body
from livefeed.durable.sql import Query
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError, WireError
from livefeed.notifier.privacy.screen import Screen
from livefeed.wire.envelopes import Envelope, parse_envelope, parse_json_envelope
from livefeed.wire.form import FormValue, decode
from livefeed.wire.ids import MemberId, PostId, UserId

After: TypeAlias = tuple[int, int]
"""Where a walk stands: the last row that was looked at."""

START: After = (-1, -1)

Row: TypeAlias = Mapping[str, Any]
Mended: TypeAlias = Literal["mended", "left", "held"]
"""left: it is being worked on, come again · held: a legal hold keeps it."""

_NUMBERS = ("USER_ID", "AUTHOR_ID", "CREATED_BY", "CREATED_BY_ID", "MODIFIED_BY", "ASSIGNED_BY_ID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Whose data, and what is needed to find them.

    Attributes:
        person: Who.
        screen: Of his portal; it knows him as erased when he is to be erased.
        opener: Opens events that lie sealed in the inbox.
        held: Posts that are held.
    """

    person: UserId
    screen: Screen
    opener: Opener
    held: frozenset[PostId] = field(default=frozenset())

    @property
    def portal(self) -> MemberId:
        """Where."""
        return self.screen.portal

    @property
    def key(self) -> str:
        """The lane of his notices."""
        return f"person:{self.person}"

    def opened(self, body: bytes) -> Envelope | None:
        """An event of the inbox; None for what is none, or cannot be opened."""
        try:
            kind, content = open_body(self.opener, self.portal, body)
            if kind == "application/json":
                return parse_json_envelope(content)
            return parse_envelope(decode(content, strict=True))
        except (SettingsError, WireError, msgspec.DecodeError):
            return None

    def is_named(self, envelope: Envelope) -> bool:
        """Whether an event says that he acted, or is about him."""
        if envelope.auth.user_id == self.person:
            return True
        data = envelope.data
        if envelope.event.startswith("ONUSER") and str(data.get("ID", "")) == str(self.person):
            return True
        return _names(data, str(self.person))


class Walk(Protocol):
    """The rows of a place behind ``after``, in order; each has its own place as ``a`` and ``b``."""

    def __call__(self, tx: Tx, case: Case, after: After, most: int, /) -> Sequence[Row]:
        """At most ``most`` rows."""
        ...


def _always(_row: Row, _case: Case) -> bool:
    """The statement finds his rows alone."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One kind of rows in which a person may be kept.

    Attributes:
        name: What it is called in an export.
        columns: ``table.column`` of all that holds his number or his words.
        walk: The rows.
        is_about: Whether a row is about him.
        show: The row as it is exported: never a secret.
        mend: Takes him out of a row.
    """

    name: str
    columns: tuple[str, ...]
    walk: Walk
    show: Callable[[Row, Case], Mapping[str, object]]
    mend: Callable[[Tx, Row, Case], Mended]
    is_about: Callable[[Row, Case], bool] = _always


def rows_of(query: Query) -> Walk:
    """Walks what a statement finds."""

    def walk(tx: Tx, case: Case, after: After, most: int, /) -> Sequence[Row]:
        given: dict[str, object] = {
            "portal": case.portal,
            "person": case.person,
            "a": after[0],
            "b": after[1],
            "most": most,
        }
        rows: Any = query(tx.conn, **{name: given[name] for name in query.parameters})
        return [dict(row) for row in rows]

    return walk


def place_of(row: Row) -> After:
    """Where a walk stands that has come to this row."""
    return int(row["a"]), int(row["b"])


def _names(data: Mapping[str, FormValue], number: str) -> bool:
    for name, value in data.items():
        if isinstance(value, Mapping):
            if _names(value, number):
                return True
        elif value == number and name.upper().endswith(_NUMBERS):
            return True
    return False

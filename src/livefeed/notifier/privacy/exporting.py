"""Exporting: everything that is kept of one person of a portal, as one document."""

from typing import Final

from livefeed.app.inbox import Opener
from livefeed.app.keeping import holds
from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.notifier.privacy.cases import START, Case, Place, place_of
from livefeed.notifier.privacy.places import PLACES
from livefeed.notifier.privacy.screen import Screen
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId, UserId

_SLICE: Final = 500


def export(tx: Tx, keys: KeyRing, opener: Opener, portal: MemberId, person: UserId) -> dict[str, object]:
    """What is kept of ``person``: by place, each row as its place shows it; no token and no secret.

    Args:
        tx: A reading unit.
        keys: Of the database.
        opener: Opens what lies sealed in the inbox.
        portal: Where.
        person: Of whom.
    """
    screen = Screen.read(tx, keys, portal)
    case = Case(person=person, screen=screen, opener=opener)
    hold = holds.find(tx, portal, "person", person)
    return {
        "portal": portal,
        "person": person,
        "exported_at": iso(tx.now_ms),
        "is_erased": screen.is_erased(person),
        "is_held": hold is not None,
        "kept": {place.name: _rows(tx, case, place) for place in PLACES},
    }


def _rows(tx: Tx, case: Case, place: Place) -> list[object]:
    found: list[object] = []
    after = START
    while rows := place.walk(tx, case, after, _SLICE):
        found.extend(place.show(row, case) for row in rows if place.is_about(row, case))
        after = place_of(rows[-1])
    return found

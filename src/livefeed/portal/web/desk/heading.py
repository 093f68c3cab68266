"""The head of a page: who is signed in, what waits for him, what the menu holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livefeed.durable.store import Tx
from livefeed.portal.frames import placements, places
from livefeed.portal.frames.placements import Entry
from livefeed.portal.im import notifications
from livefeed.portal.people.people import Person
from livefeed.portal.web.desk.showing import Face, Look
from livefeed.wire.ids import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every page needs besides its own content.

    Attributes:
        me: Who is signed in; None on pages for everybody.
        people: Whom one can be with one click; empty outside the demo.
        token: Of every form on the page.
        here: The address of the page, for forms that lead back to it.
        unread: How many notifications wait.
        shown_at: When the page was read from the database, in ms; what changes later is told to it.
        menu: What installed applications put into the menu.
        query: The query string.
    """

    me: Face | None
    people: list[Face]
    token: str
    here: str
    unread: int = 0
    shown_at: int = 0
    menu: list[Entry] = field(default_factory=list[Entry])
    query: Mapping[str, str] = field(default_factory=dict[str, str])


def head_of(
    tx: Tx,
    portal: MemberId,
    look: Look,
    *,
    people: Sequence[Person],
    token: str,
    here: str,
    query: Mapping[str, str],
) -> Head:
    """The head of a page for somebody who is signed in."""
    return Head(
        me=look.face(look.me.id),
        people=[look.face(person.id) for person in people],
        token=token,
        here=here,
        unread=notifications.counts(tx, portal, look.me.id).unread,
        shown_at=tx.now_ms,
        menu=placements.shown(tx, portal, look.me, places.LEFT_MENU, language=look.language),
        query=query,
    )

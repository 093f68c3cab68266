"""Which template a page of the feed uses, and what goes into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.feed import reading
from livefeed.portal.feed.reading import Filter, Post
from livefeed.portal.frames import placements
from livefeed.portal.frames.placements import Entry
from livefeed.portal.frames.places import POST
from livefeed.portal.web.desk import Guest, Shown, Sorry
from livefeed.portal.web.desk.results import NO_POST, NOT_YOURS
from livefeed.portal.web.feed.audience import choices
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import decimal

_PAGE: Final = 20
_BELL: Final = 8
_WHOLE_BELL: Final = 50
_SAID: Final = {
    "saved": noted("Saved. Everybody who takes part will be told what changed."),
    "published": noted("Published."),
    "deleted": noted("Deleted."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in a form about a post, and why it was not saved."""

    title: str = ""
    text: str = ""
    audience: Sequence[str] = ("UA",)
    is_important: bool = False
    problem: Words | str = ""

    def values(self, tx: Tx, guest: Guest) -> dict[str, object]:
        """As the templates name it."""
        return {
            "title": self.title,
            "text": self.text,
            "choices": choices(tx, guest, self.audience),
            "is_important": self.is_important,
            "problem": self.problem,
        }


def feed(tx: Tx, guest: Guest) -> Shown:
    """The newest posts, or those older than the feed entry ``before``, with the bell beside them."""
    look, before = guest.look, decimal(guest.query.get("before", ""))
    viewer, portal = guest.me.viewer, guest.portal.member_id
    found = reading.newest(tx, portal, viewer, Filter(), count=_PAGE + 1, before=before)
    return Shown(
        template="feed.html",
        values={
            **Typed().values(tx, guest),
            "cards": [look.card(post) for post in found[:_PAGE]],
            "older": found[_PAGE - 1].log_id if len(found) > _PAGE else None,
            "is_first": before is None,
            "bell": look.bell(_BELL),
            "widgets": _widgets(tx, guest),
            "message": _SAID.get(guest.query.get("said", ""), ""),
        },
    )


def write(tx: Tx, guest: Guest) -> Shown:
    """The form for a new post, on a page of its own."""
    return write_form(tx, guest, Typed())


def write_form(tx: Tx, guest: Guest, typed: Typed) -> Shown:
    """The form for a new post with what was typed, and why it was not published."""
    return Shown(template="write.html", values=typed.values(tx, guest), status=400 if typed.problem else 200)


def post(tx: Tx, guest: Guest) -> Shown | Sorry:
    """One post with its comments."""
    found = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if found is None:
        return NO_POST
    values = {
        "card": guest.look.card(found),
        "widgets": _widgets(tx, guest),
        "message": _SAID.get(guest.query.get("said", ""), ""),
    }
    return Shown(template="post.html", values=values)


def edit(tx: Tx, guest: Guest) -> Shown | Sorry:
    """The form to edit a post."""
    found = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if found is None:
        return NO_POST
    if not guest.me.viewer.may_change(found.author):
        return NOT_YOURS
    typed = Typed(
        title="" if found.is_micro else found.title,
        text=found.text,
        audience=found.audience,
        is_important=found.is_important,
    )
    return edit_form(tx, guest, found, typed)


def edit_form(tx: Tx, guest: Guest, post: Post, typed: Typed, *, status: int = 200) -> Shown:
    """The form with what stands in the post or was typed, and why it was not saved."""
    values = {**typed.values(tx, guest), "card": guest.look.card(post), "version": post.version}
    return Shown(template="edit.html", values=values, status=status)


def bell(_tx: Tx, guest: Guest) -> Shown:
    """The person's notifications."""
    return Shown(template="bell.html", values={"bell": guest.look.bell(_WHOLE_BELL)})


def _widgets(tx: Tx, guest: Guest) -> list[Entry]:
    """What installed applications put under each post."""
    return placements.shown(tx, guest.portal.member_id, guest.me, POST, language=guest.language)

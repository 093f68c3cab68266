"""Which template a page of the feed uses, and what goes into it."""

from dataclasses import dataclass
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.access import addressable
from livefeed.portal.feed import reading
from livefeed.portal.feed.reading import Filter, Post
from livefeed.portal.people import places
from livefeed.portal.web.desk import Guest, Shown, Sorry
from livefeed.portal.web.desk.results import NO_POST, NOT_YOURS
from livefeed.ui.languages import Words, noted, told
from livefeed.wire.ids import decimal

_PAGE: Final = 20
_BELL: Final = 8
_WHOLE_BELL: Final = 50
_EVERYONE: Final = noted("Everyone")
_SAID: Final = {
    "saved": noted("Saved. Everybody who takes part will be told what changed."),
    "published": noted("Published."),
    "deleted": noted("Deleted."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere a post can be addressed to."""

    code: str
    name: str


def feed(tx: Tx, guest: Guest) -> Shown:
    """The newest posts, or those older than the feed entry ``before``, with the bell beside them."""
    look, before = guest.look, decimal(guest.query.get("before", ""))
    viewer, portal = guest.me.viewer, guest.portal.member_id
    found = reading.newest(tx, portal, viewer, Filter(), count=_PAGE + 1, before=before)
    return Shown(
        template="feed.html",
        values={
            "cards": [look.card(post) for post in found[:_PAGE]],
            "older": found[_PAGE - 1].log_id if len(found) > _PAGE else None,
            "is_first": before is None,
            "places": _places(tx, guest),
            "bell": look.bell(_BELL),
            "message": _SAID.get(guest.query.get("said", ""), ""),
        },
    )


def post(tx: Tx, guest: Guest) -> Shown | Sorry:
    """One post with its comments and versions."""
    found = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if found is None:
        return NO_POST
    values = {
        "card": guest.look.card(found),
        "versions": guest.look.versions(found),
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
    title = "" if found.is_micro else found.title
    return edit_form(guest, found, title=title, text=found.text)


def edit_form(
    guest: Guest, post: Post, *, title: str, text: str, problem: Words | str = "", status: int = 200
) -> Shown:
    """The form with what stands in the post or was typed, and why it was not saved."""
    values = {
        "card": guest.look.card(post),
        "title": title,
        "text": text,
        "version": post.version,
        "problem": problem,
    }
    return Shown(template="edit.html", values=values, status=status)


def bell(_tx: Tx, guest: Guest) -> Shown:
    """The person's notifications."""
    return Shown(template="bell.html", values={"bell": guest.look.bell(_WHOLE_BELL)})


def _places(tx: Tx, guest: Guest) -> list[Place]:
    """Everyone, the departments, and the groups the person belongs to; of an administrator all groups."""
    portal = guest.portal.member_id
    names = {code: name for code, name in places.names(tx, portal).items() if not _is_single(code)}
    open_to = addressable(tx, portal, list(names), guest.me.viewer)
    everyone = Place(code="UA", name=told(_EVERYONE, guest.language))
    return [everyone, *(Place(code=code, name=names[code]) for code in open_to)]


def _is_single(code: str) -> bool:
    """Whether it is a department without those below it, which the form leaves to REST."""
    return code.startswith("D") and not code.startswith("DR")

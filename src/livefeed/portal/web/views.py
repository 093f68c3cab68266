"""Which template a page uses, and what goes into it."""

from dataclasses import dataclass
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.access import addressable
from livefeed.portal.feed import reading
from livefeed.portal.feed.reading import Filter
from livefeed.portal.people import places
from livefeed.portal.portals import PortalRow
from livefeed.portal.web.showing import Look
from livefeed.portal.web.writing import NO_POST, NOT_YOURS, Again, Sorry
from livefeed.wire.ids import PostId

_PAGE: Final = 20
_BELL: Final = 8
_WHOLE_BELL: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A template and its values."""

    template: str
    values: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere a post can be addressed to."""

    code: str
    name: str


def feed(tx: Tx, look: Look, portal: PortalRow, *, before: int | None) -> Shown:
    """The newest posts, or those older than the feed entry ``before``, with the bell beside them."""
    found = reading.newest(tx, portal.member_id, look.me.viewer, Filter(), count=_PAGE + 1, before=before)
    return Shown(
        template="feed.html",
        values={
            "cards": [look.card(post) for post in found[:_PAGE]],
            "older": found[_PAGE - 1].log_id if len(found) > _PAGE else None,
            "is_first": before is None,
            "places": _places(tx, look, portal),
            "bell": look.bell(_BELL),
        },
    )


def post(tx: Tx, look: Look, portal: PortalRow, post_id: PostId) -> Shown | Sorry:
    """One post with its comments and versions."""
    found = reading.find_visible(tx, portal.member_id, look.me.viewer, post_id)
    if found is None:
        return NO_POST
    return Shown(template="post.html", values={"card": look.card(found), "versions": look.versions(found)})


def edit(tx: Tx, look: Look, portal: PortalRow, post_id: PostId) -> Shown | Sorry:
    """The form to edit a post."""
    found = reading.find_visible(tx, portal.member_id, look.me.viewer, post_id)
    if found is None:
        return NO_POST
    if not look.me.viewer.may_change(found.author):
        return NOT_YOURS
    return Shown(
        template="edit.html",
        values={
            "card": look.card(found),
            "title": "" if found.is_micro else found.title,
            "text": found.text,
            "version": found.version,
            "problem": "",
        },
    )


def edit_again(look: Look, again: Again) -> Shown:
    """The form with what was typed, and why it was not saved."""
    return Shown(
        template="edit.html",
        values={
            "card": look.card(again.post),
            "title": again.title,
            "text": again.text,
            "version": again.post.version,
            "problem": again.problem,
        },
    )


def bell(_tx: Tx, look: Look, _portal: PortalRow) -> Shown:
    """The person's notifications."""
    return Shown(template="bell.html", values={"bell": look.bell(_WHOLE_BELL)})


def _places(tx: Tx, look: Look, portal: PortalRow) -> list[Place]:
    """Everyone, the departments, and the groups the person belongs to; of an administrator all groups."""
    names = {code: name for code, name in places.names(tx, portal.member_id).items() if not _is_single(code)}
    open_to = addressable(tx, portal.member_id, list(names), look.me.viewer)
    return [Place(code="UA", name="Everyone"), *(Place(code=code, name=names[code]) for code in open_to)]


def _is_single(code: str) -> bool:
    """Whether it is a department without those below it, which the form leaves to REST."""
    return code.startswith("D") and not code.startswith("DR")

"""Which post the scene plays with: one that the person may change, and about which others are told."""

from livefeed.content.bbcode import parse
from livefeed.content.mentions import mentions
from livefeed.durable.store import Tx
from livefeed.portal.feed import comments, reading
from livefeed.portal.feed.reading import Filter, Post
from livefeed.portal.people.people import Person
from livefeed.portal.portals import PortalRow
from livefeed.portal.web.scene.suggestions import Newcomer
from livefeed.wire.ids import PostId

_LOOKED_AT = 50


def choose(tx: Tx, portal: PortalRow, me: Person, wanted: int | None) -> Post | None:
    """The ``wanted`` post if ``me`` may change it, else the one of the scene.

    That is the post of his own with the most others in it, the newest of several; if he wrote none, any
    that he may change.
    """
    if wanted is not None:
        found = reading.find_visible(tx, portal.member_id, me.viewer, PostId(wanted))
        if found is not None and me.viewer.may_change(found.author):
            return found
    seen = reading.newest(tx, portal.member_id, me.viewer, Filter(), count=_LOOKED_AT)
    mine = [post for post in seen if post.author == me.id]
    usable = mine or [post for post in seen if me.viewer.may_change(post.author)]
    return max(usable, key=lambda post: len(participants(tx, post) - {me.id}), default=None)


def participants(tx: Tx, post: Post) -> set[int]:
    """Author, mentioned and commenters."""
    commenters = {comment.author for comment in comments.of_post(tx, post)}
    return {post.author, *mentions(parse(post.text)), *commenters}


def newcomer(tx: Tx, post: Post, everyone: list[Person]) -> Newcomer | None:
    """Somebody who takes no part in the discussion of ``post``."""
    known = participants(tx, post)
    found = next((person for person in everyone if person.id not in known), None)
    return None if found is None else Newcomer(id=found.id, name=found.display_name)

"""Operations on posts."""

from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.feed import posts, reading
from livefeed.portal.feed.posts import Change
from livefeed.portal.lifecycle import Refused
from livefeed.portal.operations.office import (
    ADMINISTRATOR,
    Asked,
    Document,
    Number,
    Office,
    OperationSpec,
    active_person,
)
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import PostId, UserId


class EditPost(Asked, frozen=True, kw_only=True):
    """Edit a post; title and recipients stay unless a title is given. Default: as user 1."""

    post: Number
    text: str
    title: str | None = None
    user: Number | None = None
    as_automation: bool = False


async def edit_post(office: Office, portal: PortalRow, asked: EditPost) -> Document:
    """Edit a post; whether that user may edit it is not asked."""
    if asked.as_automation and asked.user is not None:
        raise Refused("an edit is made by a user or by an automation, not by both")
    if not asked.text.strip():
        raise Refused("text is empty; a post has one")
    actor = None if asked.as_automation else UserId(asked.user or ADMINISTRATOR)

    def unit(tx: Tx) -> int:
        if actor is not None:
            active_person(tx, portal, actor)
        post = reading.find(tx, portal.member_id, PostId(asked.post))
        if post is None:
            raise Refused(f"there is no post {asked.post} on this portal")
        change = Change(text=asked.text, title=asked.title)
        return posts.edit(tx, post, change, actor=actor, source="command").version

    return {"post": asked.post, "version": await office.write(portal, unit)}


OPERATIONS: Final = (OperationSpec(name="edit_post", asked=EditPost, run=edit_post),)

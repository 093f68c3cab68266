"""Edits: what calls of log.blogpost.update want, whether it may be, and writing all of them at once."""

from collections.abc import Iterable, Sequence
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.portal.call import Call
from livefeed.portal.feed import files, posts, reading
from livefeed.portal.feed.reading import Post
from livefeed.portal.feed.wishes import audience_of, moment
from livefeed.portal.offline.origins import origin_of
from livefeed.wire.calls import Answer
from livefeed.wire.faults import Fault, UpdateFailed, UpdateNotPermitted, UpdatePostNotFound
from livefeed.wire.feed import UpdatePost
from livefeed.wire.ids import MemberId, PostId

_SOURCE: Final = "rest"

_Place = tuple[MemberId, PostId]
_Wish = tuple[Call, UpdatePost]


def update_post(tx: Tx, call: Call) -> Answer:
    """Edit a post; a new text without a title drops the old title (docs/adr/0032).

    Source: api-reference/log/log-blogpost-update.md
    """
    [told] = update_posts(tx, [call])
    if isinstance(told, Fault):
        raise told
    return told


def update_posts(tx: Tx, calls: Sequence[Call]) -> list[Answer | Fault]:
    """What `update_post` answers, for many calls: what they read and write is read and written together."""
    told: dict[int, Answer | Fault] = {}
    left: dict[int, _Wish] = {}
    for number, call in enumerate(calls):
        try:
            left[number] = (call, UpdatePost.from_params(call.params))
        except Fault as fault:
            told[number] = fault
    while left:  # a second edit of a post reads what the first has made of it
        some = _of_different_posts(left)
        told.update(_update(tx, {number: left.pop(number) for number in some}))
    return [told[number] for number in range(len(calls))]


def _of_different_posts(wishes: dict[int, _Wish]) -> list[int]:
    """The first ones, up to the first that is about a post of one of them."""
    seen: set[_Place] = set()
    found: list[int] = []
    for number, wish in wishes.items():
        place = _place(wish)
        if place in seen:
            break
        seen.add(place)
        found.append(number)
    return found


def _place(wish: _Wish) -> _Place:
    return wish[0].portal.member_id, wish[1].post_id


def _update(tx: Tx, wishes: dict[int, _Wish]) -> dict[int, Answer | Fault]:
    visible = _visible(tx, wishes.values())
    told: dict[int, Answer | Fault] = {}
    edits: list[posts.Edit] = []
    for number, (call, wanted) in wishes.items():
        try:
            edit = _edit(tx, call, wanted, visible.get((call.portal.member_id, wanted.post_id)))
        except Fault as fault:
            told[number] = fault
        else:
            edits.append(edit)
            told[number] = Answer(result=edit.post.id)
    posts.edit_many(tx, edits)
    return told


def _visible(tx: Tx, wishes: Iterable[_Wish]) -> dict[_Place, Post]:
    """The posts that are wanted, as far as those who want them may see them."""
    wanted: dict[tuple[MemberId, Viewer], list[PostId]] = {}
    for call, wish in wishes:
        wanted.setdefault((call.portal.member_id, call.principal.viewer), []).append(wish.post_id)
    return {
        (portal, post.id): post
        for (portal, viewer), ids in wanted.items()
        for post in reading.find_all_visible(tx, portal, viewer, ids)
    }


def _edit(tx: Tx, call: Call, wanted: UpdatePost, post: Post | None) -> posts.Edit:
    """What becomes of a post.

    Raises:
        Fault: It may not be; nothing is written then.
    """
    portal, viewer = call.portal.member_id, call.principal.viewer
    if post is None:
        raise UpdatePostNotFound
    if not viewer.may_change(post.author):
        raise UpdateNotPermitted
    audience = None
    if wanted.destinations is not None:
        fault = UpdateFailed("No destination specified")
        audience = audience_of(tx, call, wanted.destinations, viewer, fault)
    important_until = moment(wanted.important_until or "", "IMPORTANT_DATE_END")
    origin = origin_of(call)
    change = posts.Change(
        text=wanted.message,
        title=wanted.title or "" if wanted.message is not None else wanted.title,
        audience=audience,
        is_important=wanted.is_important,
        important_until=important_until,
        files=files.change(tx, portal, viewer.user_id, post.files, wanted.files),  # the last: it writes
    )
    return posts.Edit(post=post, change=change, actor=call.principal.user_id, source=_SOURCE, origin=origin)

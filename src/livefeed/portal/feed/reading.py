"""Reading the feed: what a post is, and which posts a viewer may see."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.wire.ids import LogId, MemberId, PostId, UserId

_END: Final = 2**62  # above every feed entry id

_sql = load("livefeed.portal.feed", "feed.sql")


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A post as it stands now.

    Attributes:
        log_id: Id of its feed entry, which is another numbering.
        is_micro: Whether nobody gave a title, so that it was taken from the text.
        audience: Destination codes: ``UA``, ``U5``, ``SG1``, ``DR2``, ``D2``.
        tag_ids: The tags as ids, in the order of ``tags``.
        files: Ids of attachments.
    """

    portal: MemberId
    id: PostId
    log_id: LogId
    author: UserId
    title: str
    text: str
    is_micro: bool
    version: int
    audience: tuple[str, ...]
    is_important: bool
    important_until: int | None
    tags: tuple[str, ...]
    tag_ids: tuple[int, ...]
    files: tuple[int, ...]
    background_code: str
    comment_count: int
    published_at: int
    changed_at: int


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which posts are wanted; None lets every post through.

    Attributes:
        codes: Posts addressed to at least one of these codes (contract A-29).
        since: Published then or later, in ms.
        until: Published then or earlier, in ms.
    """

    codes: tuple[str, ...] | None = None
    since: int | None = None
    until: int | None = None


def find(tx: Tx, portal: MemberId, post_id: PostId) -> Post | None:
    """The post with this id, whoever asks; None for unknown and deleted ones."""
    row = _sql.post(tx.conn, portal=portal, id=post_id)
    return None if row is None else _post(portal, row)


def find_visible(tx: Tx, portal: MemberId, viewer: Viewer, post_id: PostId) -> Post | None:
    """The post with this id, if ``viewer`` may see it."""
    row = _sql.visible_post(
        tx.conn, portal=portal, id=post_id, viewer=viewer.user_id, is_admin=int(viewer.is_admin)
    )
    return None if row is None else _post(portal, row)


def find_all_visible(tx: Tx, portal: MemberId, viewer: Viewer, ids: Sequence[PostId]) -> list[Post]:
    """Those of the posts with these ids that ``viewer`` may see."""
    if len(ids) == 1:
        found = find_visible(tx, portal, viewer, ids[0])
        return [] if found is None else [found]
    rows = _sql.visible_posts(
        tx.conn,
        portal=portal,
        ids=msgspec.json.encode(ids).decode(),
        viewer=viewer.user_id,
        is_admin=int(viewer.is_admin),
    )
    return [_post(portal, row) for row in rows]


def newest(
    tx: Tx,
    portal: MemberId,
    viewer: Viewer,
    wanted: Filter,
    *,
    count: int,
    offset: int = 0,
    before: int | None = None,
) -> list[Post]:
    """Posts that ``viewer`` may see, newest first, with feed entry ids below ``before``."""
    rows = _sql.newest_posts(
        tx.conn,
        portal=portal,
        before=_END if before is None else before,
        count=count,
        offset=offset,
        **_bound(viewer, wanted),
    )
    return [_post(portal, row) for row in rows]


def after(tx: Tx, portal: MemberId, viewer: Viewer, wanted: Filter, *, entry: int, count: int) -> list[Post]:
    """Posts that ``viewer`` may see with feed entry ids above ``entry``, oldest first."""
    rows = _sql.posts_after(tx.conn, portal=portal, after=entry, count=count, **_bound(viewer, wanted))
    return [_post(portal, row) for row in rows]


def count(tx: Tx, portal: MemberId, viewer: Viewer, wanted: Filter) -> int:
    """How many posts ``viewer`` may see."""
    return _sql.count_posts(tx.conn, portal=portal, **_bound(viewer, wanted))


def _bound(viewer: Viewer, wanted: Filter) -> dict[str, object]:
    return {
        "viewer": viewer.user_id,
        "is_admin": int(viewer.is_admin),
        "codes": None if wanted.codes is None else as_json(wanted.codes),
        "since": wanted.since,
        "until": wanted.until,
    }


def as_json(texts: Sequence[str]) -> str:
    """A list for a statement that reads it with ``json_each``."""
    return msgspec.json.encode(texts).decode()


def as_numbers(text: str) -> tuple[int, ...]:
    """The ids in a column that holds them separated by commas."""
    return tuple(map(int, text.split(","))) if text else ()


def _post(portal: MemberId, row: Any) -> Post:  # noqa: ANN401 - a row of the driver, typed here
    return Post(
        portal=portal,
        id=row[0],
        log_id=row[1],
        author=row[2],
        title=row[3],
        text=row[4],
        is_micro=bool(row[5]),
        version=row[6],
        audience=tuple(row[7].split(",")),
        is_important=bool(row[8]),
        important_until=row[9],
        tags=tuple(row[10].split(",")) if row[10] else (),
        tag_ids=as_numbers(row[11]),
        files=as_numbers(row[12]),
        background_code=row[13],
        comment_count=row[14],
        published_at=row[15],
        changed_at=row[16],
    )

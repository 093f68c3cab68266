"""Comments under posts."""

from dataclasses import dataclass
from typing import Any

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.portal.feed.reading import Post, as_numbers
from livefeed.portal.live.topics import post_changed
from livefeed.portal.portals import next_id
from livefeed.wire.ids import CommentId, LogId, MemberId, PostId, UserId

_sql = load("livefeed.portal.feed", "feed.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment; ``log_id`` is the feed entry of its post."""

    id: CommentId
    post: PostId
    log_id: LogId
    author: UserId
    text: str
    files: tuple[int, ...]
    written_at: int


def add(
    tx: Tx,
    post: Post,
    *,
    author: UserId,
    text: str,
    files: tuple[int, ...] = (),
    written_at: int | None = None,
) -> CommentId:
    """Write a comment, now unless ``written_at`` says otherwise; no event follows (contract A-07)."""
    comment_id = CommentId(next_id(tx, post.portal, "comment"))
    _sql.add_comment(
        tx.conn,
        portal=post.portal,
        id=comment_id,
        post=post.id,
        author=author,
        text=text,
        files=",".join(map(str, files)),
        now=tx.now_ms if written_at is None else written_at,
    )
    _sql.count_comment(tx.conn, portal=post.portal, post=post.id)
    post_changed(tx, post.portal, post.author, post.audience)
    return comment_id


def repeats_last(tx: Tx, post: Post, *, author: UserId, text: str) -> bool:
    """Whether the last comment says the same, from the same author, without files (contract A-31)."""
    last = _sql.last_comment(tx.conn, portal=post.portal, post=post.id)
    return last is not None and (last[0], last[1], last[2]) == (author, text, "")


def of_post(tx: Tx, post: Post) -> list[Comment]:
    """The comments under a post, oldest first."""
    rows = _sql.comments_of_post(tx.conn, portal=post.portal, post=post.id)
    return [_comment(row, post.log_id) for row in rows]


def of_person(
    tx: Tx, portal: MemberId, viewer: Viewer, *, author: UserId, after: int, before: int, count: int
) -> list[Comment]:
    """What ``author`` wrote under posts that ``viewer`` may see, newest first, between the two ids."""
    rows = _sql.comments_of_person(
        tx.conn,
        portal=portal,
        author=author,
        viewer=viewer.user_id,
        is_admin=int(viewer.is_admin),
        after=after,
        before=before,
        count=count,
    )
    return [_comment(row, row[2]) for row in rows]


def _comment(row: Any, log_id: LogId) -> Comment:  # noqa: ANN401 - a row of the driver, typed here
    return Comment(
        id=row[0],
        post=row[1],
        log_id=log_id,
        author=row[3],
        text=row[4],
        files=as_numbers(row[5]),
        written_at=row[6],
    )

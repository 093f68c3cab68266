"""Versions: what every post was, by whom and when it was written so."""

from collections.abc import Sequence
from dataclasses import dataclass

from livefeed.durable.sql import load, run_rows
from livefeed.durable.store import Tx
from livefeed.portal.feed.reading import Post, as_numbers
from livefeed.wire.ids import MemberId, PostId, UserId

_sql = load("livefeed.portal.feed", "feed.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A post as somebody left it.

    Attributes:
        editor: Who wrote it; None when no person did.
        source: The way it came: ``rest``, ``web``, ``command`` or ``seed``.
    """

    version: int
    editor: UserId | None
    source: str
    written_at: int
    title: str
    text: str
    audience: tuple[str, ...]
    is_important: bool
    important_until: int | None
    tags: tuple[str, ...]
    files: tuple[int, ...]
    background_code: str


def record_many(tx: Tx, written: Sequence[tuple[Post, UserId | None, str]]) -> None:
    """Keep posts as they stand as the versions they carry, each with who wrote it and how it came."""
    run_rows(
        tx,
        _sql.add_versions,
        [
            (
                post.portal,
                post.id,
                post.version,
                editor,
                source,
                post.changed_at,
                post.title,
                post.text,
                ",".join(post.audience),
                int(post.is_important),
                post.important_until,
                ",".join(post.tags),
                ",".join(map(str, post.files)),
                post.background_code,
            )
            for post, editor, source in written
        ],
    )


def of_post(tx: Tx, portal: MemberId, post_id: PostId) -> list[Version]:
    """Every version of a post, newest first; of deleted posts too."""
    return [
        Version(
            version=row[0],
            editor=row[1],
            source=row[2],
            written_at=row[3],
            title=row[4],
            text=row[5],
            audience=tuple(row[6].split(",")),
            is_important=bool(row[7]),
            important_until=row[8],
            tags=tuple(row[9].split(",")) if row[9] else (),
            files=as_numbers(row[10]),
            background_code=row[11],
        )
        for row in _sql.versions(tx.conn, portal=portal, post=post_id)
    ]

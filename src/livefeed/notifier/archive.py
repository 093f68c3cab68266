"""The archive: each post as it was last seen, and as people were last told of it."""

import enum
from typing import Any, Final

import msgspec

from livefeed import telemetry
from livefeed.app.channels import Channel
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.changes import Version
from livefeed.notifier.policy import Editors
from livefeed.wire.ids import MemberId, PostId, UserId

_SQL: Final = sql.load("livefeed.notifier", "queries/archive.sql")
_version: Final = msgspec.json.Decoder(Version)


class Source(enum.StrEnum):
    """How a version came into the archive."""

    BACKFILL = "backfill"  # read at the installation
    ADDED = "added"  # the post was published
    UPDATED = "updated"  # an edit was announced
    OFFLINE = "offline"  # it was fetched from the queue of offline events
    SWEPT = "swept"  # it was found by a sweep: nothing had told of it

    @property
    def channel(self) -> Channel:
        """How the application heard of it."""
        return "offline" if self is Source.OFFLINE else "sweep" if self is Source.SWEPT else "event"


class ArchivedPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post with two of its versions.

    Attributes:
        post: Its id.
        author: Who wrote it.
        seen_version: Number of the newest version.
        told_version: Number of the version that people know.
        seen: The newest version.
        told: The version that people know.
        comments_checked: NUM_COMMENTS when commenters were last looked for; -1 before that.
        is_gone: Whether it was deleted.
    """

    post: PostId
    author: UserId
    seen_version: int
    told_version: int
    seen: Version
    told: Version
    comments_checked: int
    is_gone: bool


def find(tx: Tx, portal: MemberId, post: PostId) -> ArchivedPost | None:
    """What is known of a post; None if it was never seen."""
    row: Any = _SQL.post(tx.conn, portal=portal, post=post)
    if row is None:
        return None
    author, seen, told, comments_checked, state = row
    return ArchivedPost(
        post=post,
        author=UserId(author),
        seen_version=seen,
        told_version=told,
        seen=version(tx, portal, post, seen),
        told=version(tx, portal, post, told),
        comments_checked=comments_checked,
        is_gone=state == "gone",
    )


def version(tx: Tx, portal: MemberId, post: PostId, number: int) -> Version:
    """One version of a post that is in the archive."""
    return _version.decode(_SQL.version(tx.conn, portal=portal, post=post, version=number))


def add(
    tx: Tx,
    portal: MemberId,
    post: PostId,
    author: UserId,
    content: Version,
    source: Source,
    late_ms: int | None = None,
) -> None:
    """Archive the first version that is seen of a post; one that is there already stays as it is."""
    _SQL.add_post(tx.conn, portal=portal, post=post, author=author)
    _add_version(tx, portal, post, 1, content, source, late_ms=late_ms)


def see(
    tx: Tx,
    portal: MemberId,
    known: ArchivedPost,
    content: Version,
    source: Source,
    editors: Editors | None = None,
    late_ms: int | None = None,
) -> int:
    """Archive ``content``, made by ``editors``, as the newest version unless it is that already.

    ``late_ms`` is how long ago it was made at most, if somebody knows.

    Returns:
        The number of the newest version.
    """
    number = known.seen_version
    if content != known.seen:
        number += 1
        _add_version(tx, portal, known.post, number, content, source, editors, late_ms)
        tx.count(telemetry.edits_found.labels(source.channel))
        _SQL.edited(tx.conn, portal=portal, post=known.post, at=tx.now_ms)
    _SQL.see(tx.conn, portal=portal, post=known.post, version=number)
    return number


def tell(tx: Tx, portal: MemberId, post: PostId, number: int) -> None:
    """Remember that people are told of version ``number``: the next edit is compared with it."""
    _SQL.tell(tx.conn, portal=portal, post=post, version=number)


def bury(tx: Tx, portal: MemberId, post: PostId) -> None:
    """Mark a post as deleted; its versions stay."""
    _SQL.bury(tx.conn, portal=portal, post=post)


def mark_checked(tx: Tx, portal: MemberId, post: PostId, num_comments: int) -> None:
    """Remember for how many comments the commenters of a post were looked for."""
    _SQL.checked(tx.conn, portal=portal, post=post, count=num_comments)


def set_language(tx: Tx, portal: MemberId, language: str) -> None:
    """Remember the language of a portal: ``de``, ``en``, ``ru``."""
    _SQL.set_language(tx.conn, portal=portal, language=language)


def language_of(tx: Tx, portal: MemberId) -> str:
    """The language of a portal; empty if it never said."""
    return _SQL.language(tx.conn, portal=portal) or ""


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase everything archived of a portal's posts."""
    _SQL.forget_versions(tx.conn, portal=portal)
    _SQL.forget_posts(tx.conn, portal=portal)


def _add_version(
    tx: Tx,
    portal: MemberId,
    post: PostId,
    number: int,
    content: Version,
    source: Source,
    editors: Editors | None = None,
    late_ms: int | None = None,
) -> None:
    _SQL.add_version(
        tx.conn,
        portal=portal,
        post=post,
        version=number,
        source=source.value,
        at=tx.now_ms,
        content=msgspec.json.encode(content),
        editors=msgspec.json.encode(editors) if editors else None,
        late_ms=late_ms,
    )

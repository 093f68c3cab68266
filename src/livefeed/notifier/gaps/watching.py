"""Watching: the archive as the sweep compares with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from livefeed.app.channels import Found
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.changes import Version
from livefeed.notifier.privacy.screen import Screen
from livefeed.secrets import KeyRing
from livefeed.wire.events import PostAdded, PostUpdated
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import MemberId, PostId, UserId

SQL: Final = sql.load("livefeed.notifier", "queries/gaps.sql")
_version: Final = msgspec.json.Decoder(Version)


class ArchiveWatch:
    """The notifier's archive, for `livefeed.app.sweep`; see `livefeed.app.sweep.Watch`."""

    def differing(self, tx: Tx, keys: KeyRing, portal: MemberId, rows: Sequence[PostRow]) -> list[Found]:
        """Posts that are not as they were last seen; and, once the back-fill is done, those that are new."""
        posts = msgspec.json.encode([row.id for row in rows]).decode()
        known = {row["post"]: row for row in SQL.known(tx.conn, portal=portal, posts=posts)}
        screen = Screen.read(tx, keys, portal, [row.id for row in rows])
        is_filled = SQL.is_filled(tx.conn, portal=portal) is not None
        found: list[Found] = []
        for row in rows:
            before = known.get(row.id)
            if before is None:
                if is_filled:
                    since_ms = published_ms(row) or tx.now_ms
                    found.append(Found(post=row.id, event=PostAdded.wire_name, since_ms=since_ms))
            elif before["state"] != "live" or _version.decode(before["content"]) != screen.version(row):
                found.append(Found(post=row.id, event=PostUpdated.wire_name, since_ms=before["since"]))
        return found

    def unlooked(
        self, tx: Tx, portal: MemberId, rows: Sequence[PostRow], *, began_ms: int
    ) -> Sequence[PostRow]:
        """Those that no other token has shown in this sweep."""
        posts = msgspec.json.encode([row.id for row in rows]).decode()
        looked = {row[0] for row in SQL.looked(tx.conn, portal=portal, posts=posts, since=began_ms)}
        return [row for row in rows if row.id not in looked]

    def saw(self, tx: Tx, portal: MemberId, person: UserId, rows: Sequence[PostRow]) -> None:
        """Remember when these posts were last looked at, and with whose token."""
        published = msgspec.json.encode({str(row.id): published_ms(row) for row in rows}).decode()
        SQL.saw(tx.conn, portal=portal, person=person, published=published, now=tx.now_ms)

    def unseen(
        self, tx: Tx, portal: MemberId, person: UserId, *, since_ms: int | None, began_ms: int, limit: int
    ) -> list[PostId]:
        """Posts that this token saw in an earlier sweep and not in this one."""
        rows = SQL.unseen(tx.conn, portal=portal, person=person, since=since_ms, began=began_ms, count=limit)
        return [PostId(row[0]) for row in rows]

    def passed(self, tx: Tx, portal: MemberId, posts: Sequence[PostId]) -> None:
        """They were looked for."""
        SQL.passed(tx.conn, portal=portal, posts=msgspec.json.encode(posts).decode(), now=tx.now_ms)

    def finished(self, tx: Tx, portal: MemberId, readable: int) -> None:
        """Remember how many posts there are to be known."""
        count_readable(tx, portal, readable)


def count_readable(tx: Tx, portal: MemberId, count: int) -> None:
    """Remember how many posts the portal shows to those whose tokens are kept."""
    SQL.set_readable(tx.conn, portal=portal, count=count)


def is_found(tx: Tx, portal: MemberId, post: PostId, *, old: int, new: int) -> bool:
    """Whether one of the versions behind ``old`` up to ``new`` was found by a sweep."""
    return SQL.swept(tx.conn, portal=portal, post=post, old=old, new=new) is not None


def published_ms(row: PostRow) -> int | None:
    """When a post was published; None if the portal names no time that can be read."""
    try:
        at = datetime.fromisoformat(row.published_at or "")
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)

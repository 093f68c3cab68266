"""Redacting: the words of a version are taken out for good; that it was made, and when, stays."""

from typing import Any, Final

import msgspec

from livefeed.app.admin import OperationRefused
from livefeed.app.keeping import holds
from livefeed.durable.purge import overwriting
from livefeed.durable.store import Tx
from livefeed.notifier import archive
from livefeed.notifier.changes import Version, Withheld
from livefeed.notifier.privacy.screen import SQL, words_digest
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId, PostId, UserId

_version: Final = msgspec.json.Decoder(Version)


def redact(
    tx: Tx,
    keys: KeyRing,
    portal: MemberId,
    post: PostId,
    number: int,
    *,
    person: UserId | None = None,
    reason: str = "",
) -> list[int]:
    """Take the words of one version out, wherever the same words are in another version of the post.

    Should the portal show the same words again, they are not kept either. What was sent before stays sent.

    Args:
        tx: The unit.
        keys: Of the database.
        portal: Where.
        post: Of which post.
        number: Which version.
        person: Who does it, in the portal; None: a command.
        reason: Why.

    Returns:
        The versions whose words were taken out now; none if they are out already.

    Raises:
        OperationRefused: There is no such version, or the post or its author is held.
    """
    tx.serialize(portal)
    versions = _versions(tx, portal, post)
    target = versions.get(number)
    if target is None:
        raise OperationRefused(f"post {post} has versions 1 to {max(versions)}, not {number}")
    if target.withheld is not None:
        return []
    same = [one for one, content in versions.items() if _words(content) == _words(target)]
    withheld = Withheld(why="redacted", digest=words_digest(keys, portal, post, target))
    with overwriting(tx):
        for one in same:
            content = msgspec.json.encode(versions[one].without_words(withheld))
            SQL.put_content(tx.conn, portal=portal, post=post, version=one, content=content)
            SQL.add_redaction(
                tx.conn,
                portal=portal,
                post=post,
                version=one,
                digest=withheld.digest,
                person=person,
                reason=reason,
                now=tx.now_ms,
            )
    return same


def _versions(tx: Tx, portal: MemberId, post: PostId) -> dict[int, Version]:
    """The versions of a post whose words may be taken out, by number."""
    known = archive.find(tx, portal, post)
    if known is None:
        raise OperationRefused(f"nothing is archived of post {post}; see: livefeed inbox --post {post}")
    for hold in (holds.find(tx, portal, "post", post), holds.find(tx, portal, "person", known.author)):
        if hold is not None:
            raise OperationRefused(
                f"{hold.kind} {hold.number} is held by {hold.set_by} ({hold.reason}); see: livefeed hold list"
            )
    rows: list[Any] = list(SQL.versions_of(tx.conn, portal=portal, post=post))
    return {int(row["version"]): _version.decode(row["content"]) for row in rows}


def _words(content: Version) -> tuple[bool, str, str]:
    return content.withheld is None, content.title, content.text

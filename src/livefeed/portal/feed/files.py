"""Files of posts and comments: on the drive of whoever sent them, attached by id."""

from collections.abc import Iterable
from dataclasses import dataclass

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.feed.reading import as_json
from livefeed.portal.portals import next_id
from livefeed.wire.feed import FileChanges, Upload
from livefeed.wire.ids import FileId, MemberId, UserId

_sql = load("livefeed.portal.feed", "feed.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that hangs under a post or a comment; ``drive_file`` is its id on its owner's drive."""

    id: FileId
    drive_file: int
    owner: UserId
    name: str
    size: int
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file is called, and its bytes."""

    name: str
    body: bytes


def change(
    tx: Tx, portal: MemberId, owner: UserId, present: tuple[int, ...], changes: FileChanges
) -> tuple[int, ...]:
    """Attach and take away what ``changes`` asks for; what is taken away stays on the drive.

    Returns:
        The attachments afterwards, new ones last.
    """
    if changes.is_empty():
        return present
    kept = () if changes.clear else tuple(one for one in present if one not in changes.removed)
    if changes.added:
        stored = [_store(tx, portal, owner, upload) for upload in changes.added]
    else:
        wanted = as_json([str(number) for number in changes.drive])
        stored = [
            number for (number,) in _sql.own_drive_files(tx.conn, portal=portal, owner=owner, ids=wanted)
        ]
    return (*kept, *(_attach(tx, portal, drive_file) for drive_file in stored))


def find_many(tx: Tx, portal: MemberId, ids: Iterable[int]) -> dict[int, Attachment]:
    """The attachments with these ids."""
    wanted = as_json([str(number) for number in ids])
    return {
        row[0]: Attachment(
            id=row[0], drive_file=row[1], owner=row[2], name=row[3], size=row[4], created_at=row[5]
        )
        for row in _sql.attachments(tx.conn, portal=portal, ids=wanted)
    }


def content(tx: Tx, portal: MemberId, attachment: int) -> Content | None:
    """The file of an attachment, whoever asks."""
    row = _sql.attachment_content(tx.conn, portal=portal, id=attachment)
    return None if row is None else Content(name=row[0], body=row[1])


def _store(tx: Tx, portal: MemberId, owner: UserId, upload: Upload) -> int:
    drive_file = next_id(tx, portal, "drive_file")
    _sql.add_drive_file(
        tx.conn,
        portal=portal,
        id=drive_file,
        owner=owner,
        name=upload.name,
        size=len(upload.content),
        content=upload.content,
        now=tx.now_ms,
    )
    return drive_file


def _attach(tx: Tx, portal: MemberId, drive_file: int) -> int:
    attachment = next_id(tx, portal, "attachment")
    _sql.add_attachment(tx.conn, portal=portal, id=attachment, drive_file=drive_file)
    return attachment

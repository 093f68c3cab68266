"""Notifications: what the bell of a person holds, and how a tag replaces what it said before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.live.topics import bell_changed
from livefeed.portal.portals import next_id
from livefeed.wire.ids import MemberId, NotificationId, UserId

PERSONAL: Final = 2
SYSTEM: Final = 4
_END: Final = 2**62  # above every notification id

_sql = load("livefeed.portal.im", "im.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be told to one person.

    Attributes:
        author: Who says it; 0 is the system.
        tag: With the application's mark, ``MP|<app>|<TAG>``; a new notice removes those with its tag.
        sub_tag: The same without uniqueness.
        text_out: The text for mail and the like.
        attach: JSON, or empty.
    """

    person: UserId
    author: int
    kind: int
    text: str
    tag: str = ""
    sub_tag: str = ""
    text_out: str = ""
    attach: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A notice on a bell; ``read_at`` is None while it is unread."""

    id: NotificationId
    author: int
    kind: int
    tag: str
    sub_tag: str
    text: str
    created_at: int
    read_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many notifications a person has, and how many of them are unread."""

    total: int
    unread: int


def add(tx: Tx, portal: MemberId, notice: Notice) -> NotificationId | None:
    """Put a notice on a bell; None when there is no such person, or he is dismissed."""
    if _sql.is_active(tx.conn, portal=portal, person=notice.person) is None:
        return None
    if notice.tag:
        _sql.drop_tag(tx.conn, portal=portal, person=notice.person, tag=notice.tag)
    notification_id = NotificationId(next_id(tx, portal, "notification"))
    _sql.add_notification(
        tx.conn,
        portal=portal,
        id=notification_id,
        person=notice.person,
        author=notice.author,
        kind=notice.kind,
        tag=notice.tag,
        sub_tag=notice.sub_tag,
        text=notice.text,
        text_out=notice.text_out,
        attach=notice.attach,
        now=tx.now_ms,
    )
    bell_changed(tx, portal, notice.person)
    return notification_id


def newest(
    tx: Tx,
    portal: MemberId,
    person: UserId,
    *,
    count: int,
    before: int | None = None,
    kinds: Sequence[int] = (PERSONAL, SYSTEM),
) -> list[Notification]:
    """The notifications of a person, newest first, with ids below ``before``."""
    rows = _sql.bell(
        tx.conn,
        portal=portal,
        person=person,
        kinds=msgspec.json.encode(kinds).decode(),
        before=_END if before is None else before,
        count=count,
    )
    return [
        Notification(
            id=row[0],
            author=row[1],
            kind=row[2],
            tag=row[3],
            sub_tag=row[4],
            text=row[5],
            created_at=row[6],
            read_at=row[7],
        )
        for row in rows
    ]


def counts(tx: Tx, portal: MemberId, person: UserId) -> Counts:
    """How full a bell is."""
    total, unread = _sql.count_bell(tx.conn, portal=portal, person=person)
    return Counts(total=total, unread=unread)


def mark(
    tx: Tx, portal: MemberId, person: UserId, *, first: int, is_read: bool, is_only: bool = False
) -> None:
    """Mark the notification ``first`` read or unread, and all newer ones too unless ``is_only``."""
    _sql.mark(
        tx.conn,
        portal=portal,
        person=person,
        first=first,
        last=first if is_only else _END,
        read_at=tx.now_ms if is_read else None,
    )
    bell_changed(tx, portal, person)

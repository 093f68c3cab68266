"""The methods ``im.notify.*``, as the wire names them."""

from typing import Final

from livefeed.clock import iso
from livefeed.content.bbcode import parse
from livefeed.durable.store import Tx
from livefeed.portal.call import Call, Method
from livefeed.portal.im import notifications
from livefeed.portal.im.notifications import Notice, Notification
from livefeed.portal.people import people
from livefeed.portal.people.people import Person
from livefeed.ui.bbcode import as_html
from livefeed.wire.calls import Answer
from livefeed.wire.ids import UserId
from livefeed.wire.im import (
    AddNotice,
    GetNotices,
    NotificationRow,
    NotificationsAnswer,
    NotificationUser,
    ReadNotices,
    stored_tag,
)

_CONFIRMATIONS: Final = 1  # LAST_TYPE: they stand before the regular ones


def add_personal(tx: Tx, call: Call) -> Answer:
    """Tell one person something in the caller's name.

    Source: api-reference/chats/notifications/im-notify-personal-add.md
    """
    return _add(tx, call, author=call.principal.user_id, kind=notifications.PERSONAL)


def add_system(tx: Tx, call: Call) -> Answer:
    """Tell one person something in nobody's name.

    Source: api-reference/chats/notifications/im-notify-system-add.md
    """
    return _add(tx, call, author=0, kind=notifications.SYSTEM)


def get_notices(tx: Tx, call: Call) -> Answer:
    """The caller's own bell, newest first.

    Source: api-reference/chats/notifications/im-notify-get.md
    """
    wanted = GetNotices.from_params(call.params)
    portal, person = call.portal.member_id, call.principal.user_id
    before = None if wanted.last_type == _CONFIRMATIONS else wanted.last_id
    found = notifications.newest(tx, portal, person, count=wanted.limit, before=before)
    authors = people.find_many(tx, portal, {row.author for row in found if row.author})
    counts = notifications.counts(tx, portal, person)
    answer = NotificationsAnswer(
        notifications=tuple(_row(row, person, as_text=not wanted.should_convert) for row in found),
        users=tuple(_user(author) for author in authors.values()),
        # Each person has one chat of notifications, numbered as he is; it exists once something came.
        chat_id=person if counts.total else 0,
        total_count=counts.total,
        total_unread_count=counts.unread,
    )
    return Answer(result=answer.to_wire())


def read_notices(tx: Tx, call: Call) -> Answer:
    """Mark notifications of the caller's own bell read or unread.

    Source: api-reference/chats/notifications/im-notify-read.md
    """
    wanted = ReadNotices.from_params(call.params)
    notifications.mark(
        tx,
        call.portal.member_id,
        call.principal.user_id,
        first=wanted.id,
        is_read=wanted.is_read,
        is_only=wanted.only_this,
    )
    return Answer(result=True)


def _add(tx: Tx, call: Call, *, author: int, kind: int) -> Answer:
    wanted = AddNotice.from_params(call.params)
    mark = _mark(call, wanted.client_id)
    notice = Notice(
        person=wanted.user_id,
        author=author,
        kind=kind,
        text=wanted.message,
        tag=stored_tag(mark, wanted.tag),
        sub_tag=stored_tag(mark, wanted.sub_tag),
        text_out=wanted.message_out,
        attach=wanted.attach,
    )
    added = notifications.add(tx, call.portal.member_id, notice)
    return Answer(result=False if added is None else added)


def _mark(call: Call, client_id: str) -> str:
    """Whose tags they are: the application's, or for a webhook its CLIENT_ID or else its own."""
    if call.principal.app is not None:
        return str(call.principal.app.id)
    return client_id or f"webhook{call.principal.webhook_id}"


def _row(row: Notification, person: UserId, *, as_text: bool) -> NotificationRow:
    return NotificationRow(
        id=row.id,
        chat_id=person,
        author_id=UserId(row.author),
        date=iso(row.created_at),
        text=row.text if as_text else str(as_html(parse(row.text))),
        tag=row.tag,
        sub_tag=row.sub_tag,
        is_read=row.read_at is not None,
        notify_type=row.kind,
    )


def _user(person: Person) -> NotificationUser:
    return NotificationUser(
        id=person.id,
        first_name=person.first_name,
        last_name=person.last_name,
        work_position=person.position,
        gender=person.gender,
        is_active=person.is_active,
        departments=person.departments,
    )


METHODS: Final = (
    Method(name="im.notify.personal.add", fn=add_personal, scope="im", writes=True),
    Method(name="im.notify.system.add", fn=add_system, scope="im", writes=True),
    Method(name="im.notify.get", fn=get_notices, scope="im"),
    Method(name="im.notify.read", fn=read_notices, scope="im", writes=True),
)

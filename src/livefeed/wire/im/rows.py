"""Notifications as ``im.notify.get`` returns them.

Source: api-reference/chats/notifications/im-notify-get.md
"""

from collections.abc import Mapping

import msgspec

from livefeed.errors import WireError
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import NotificationId, UserId
from livefeed.wire.params import Params


class NotificationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One notification.

    Attributes:
        id: Its number.
        chat_id: The chat of the recipient's notifications.
        author_id: Who caused it; 0 for a system notification.
        date: ISO 8601.
        text: BBCode.
        tag: As stored: ``MP|12345|TASK_42``.
        sub_tag: As stored.
        is_read: ``notify_read``.
        notify_type: 2 from a person, 4 from the system.
    """

    id: NotificationId
    chat_id: int = 0
    author_id: UserId = UserId(0)
    date: str = ""
    text: str = ""
    tag: str = ""
    sub_tag: str = ""
    is_read: bool = False
    notify_type: int = 2

    def to_wire(self) -> dict[str, JsonValue]:
        """The row as the page shows it."""
        return {
            "id": self.id,
            "chat_id": self.chat_id,
            "author_id": self.author_id,
            "date": self.date,
            "notify_type": self.notify_type,
            "notify_module": "rest",
            "notify_event": "rest_notify",
            "notify_tag": self.tag,
            "notify_sub_tag": self.sub_tag,
            "notify_title": "",
            "setting_name": "rest|rest_notify",
            "text": self.text,
            "notify_read": "Y" if self.is_read else "N",
            "params": None,
        }

    @classmethod
    def from_wire(cls, row: JsonValue) -> "NotificationRow":
        """Read one row.

        Raises:
            WireError: It has no id.
        """
        fields = Params(row if isinstance(row, Mapping) else {})
        number = fields.integer("id")
        if number <= 0:
            raise WireError("result[notifications]", "rows with id", "something else")
        return cls(
            id=NotificationId(number),
            chat_id=fields.integer("chat_id"),
            author_id=UserId(fields.integer("author_id")),
            date=fields.text("date"),
            text=fields.text("text"),
            tag=fields.text("notify_tag"),
            sub_tag=fields.text("notify_sub_tag"),
            is_read=fields.flag("notify_read"),
            notify_type=fields.integer("notify_type", 2),
        )


class NotificationUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person in the answer of ``im.notify.get``."""

    id: UserId
    first_name: str = ""
    last_name: str = ""
    work_position: str = ""
    avatar: str = ""
    gender: str = ""
    is_active: bool = True
    departments: tuple[int, ...] = ()

    def to_wire(self) -> dict[str, JsonValue]:
        """The person as the page shows him."""
        return {
            "id": self.id,
            "active": self.is_active,
            "name": f"{self.first_name} {self.last_name}".strip(),
            "first_name": self.first_name,
            "last_name": self.last_name,
            "work_position": self.work_position,
            "avatar": self.avatar,
            "gender": self.gender,
            "extranet": False,
            "bot": False,
            "connector": False,
            "departments": self.departments,
            "type": "user",
        }


class NotificationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``im.notify.get``.

    Attributes:
        notifications: Newest first.
        users: Who caused them.
        chat_id: The chat of the recipient's notifications.
        total_count: All of his.
        total_unread_count: All unread of his.
    """

    notifications: tuple[NotificationRow, ...] = ()
    users: tuple[NotificationUser, ...] = ()
    chat_id: int = 0
    total_count: int = 0
    total_unread_count: int = 0

    def to_wire(self) -> dict[str, JsonValue]:
        """The result; a person who never had a notification has no counts."""
        rows: dict[str, JsonValue] = {
            "notifications": [row.to_wire() for row in self.notifications],
            "users": [user.to_wire() for user in self.users],
        }
        if not self.chat_id:
            return rows
        return {
            "total_count": self.total_count,
            "total_unread_count": self.total_unread_count,
            "chat_id": self.chat_id,
            **rows,
        }

    @classmethod
    def from_wire(cls, result: JsonValue) -> "NotificationsAnswer":
        """Read the result; the people in it are left out.

        Raises:
            WireError: A row has no id.
        """
        fields = Params(result if isinstance(result, Mapping) else {})
        return cls(
            notifications=tuple(NotificationRow.from_wire(row) for row in fields.items("notifications")),
            chat_id=fields.integer("chat_id"),
            total_count=fields.integer("total_count"),
            total_unread_count=fields.integer("total_unread_count"),
        )

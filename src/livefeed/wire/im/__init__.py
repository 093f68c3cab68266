"""The words of notifications (scope ``im``)."""

from livefeed.wire.im.requests import AddNotice, GetNotices, ReadNotices, stored_tag
from livefeed.wire.im.rows import NotificationRow, NotificationsAnswer, NotificationUser

__all__ = [
    "AddNotice",
    "GetNotices",
    "NotificationRow",
    "NotificationUser",
    "NotificationsAnswer",
    "ReadNotices",
    "stored_tag",
]

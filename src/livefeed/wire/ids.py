"""The ids of the wire, one type each, so that a post is never taken for a person.

On the wire they are decimal strings in reads and events, and integers in answers to writes
(contract 5.5, 8.24).
"""

from typing import Final, NewType

PostId = NewType("PostId", int)
"""``POST_ID``: ``205``."""

CommentId = NewType("CommentId", int)
"""``COMMENT_ID``: ``312``."""

LogId = NewType("LogId", int)
"""A feed entry, which is not a post: ``13579`` (contract 6.9)."""

UserId = NewType("UserId", int)
"""``USER_ID``, ``AUTHOR_ID``: ``1269``."""

GroupId = NewType("GroupId", int)
"""A workgroup or project, ``SG<id>`` as a destination."""

DepartmentId = NewType("DepartmentId", int)
"""A department, ``DR<id>`` or ``D<id>`` as a destination."""

HandlerId = NewType("HandlerId", int)
"""``event_handler_id``, the row of one registered handler: ``731``."""

AppId = NewType("AppId", int)
"""The local number of an app on a portal, ``ID`` of ``app.info``: ``5``."""

WebhookId = NewType("WebhookId", int)
"""A webhook of a portal; incoming and outgoing ones are numbered together: ``3``."""

PlacementId = NewType("PlacementId", int)
"""A bound widget of a portal; not on the wire: ``4``."""

NotificationId = NewType("NotificationId", int)
"""What ``im.notify.personal.add`` answers: ``12345``."""

FileId = NewType("FileId", int)
"""An attachment of a post as ``FILES`` of ``log.blogpost.get`` shows it: ``505``."""

MemberId = NewType("MemberId", str)
"""A portal, 32 hex digits, the same for ever: ``a223c6b3710f85df22e9377d6c4f7553``."""

ClientId = NewType("ClientId", str)
"""An app: ``local.6537665f598492.98090704``."""

MAX_DIGITS: Final = 18
"""No number on the wire has more digits; 18 always fit a signed 64-bit column."""


def decimal(text: str) -> int | None:
    """The number ``text`` writes in plain ASCII digits, else None.

    A sign, spaces, leading zeros and more than ``MAX_DIGITS`` digits are not a number here, so that
    a value that is one encodes to the same text again.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
        return None
    return None if text.startswith("0") and text != "0" else int(text)

"""The parameters of ``im.notify.*`` as values.

Source: api-reference/chats/notifications/*.md; contract 7.4
"""

from typing import Final

import msgspec

from livefeed.wire.faults import (
    AttachOversize,
    AttachWrong,
    LastIdIsText,
    LastIdWithoutType,
    MessageEmpty,
    ParamsWrong,
    UserIdEmpty,
)
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import NotificationId, UserId
from livefeed.wire.params import Params

MAX_ATTACH_CHARS: Final = 60_000
MAX_LIMIT: Final = 50


class AddNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notification to one person.

    Source: api-reference/chats/notifications/im-notify-personal-add.md

    Attributes:
        user_id: The recipient.
        message: ``MESSAGE``, BBCode, trimmed.
        message_out: ``MESSAGE_OUT``, the text for mail; empty if it is the same.
        tag: ``TAG``; a new notification replaces those with the same one.
        sub_tag: ``SUB_TAG``.
        client_id: ``CLIENT_ID``, which webhooks give beside a tag.
        attach: ``ATTACH`` as JSON text, empty if there is none.
    """

    user_id: UserId
    message: str
    message_out: str = ""
    tag: str = ""
    sub_tag: str = ""
    client_id: str = ""
    attach: str = ""

    @classmethod
    def from_params(cls, params: Params) -> "AddNotice":
        """Read the parameters.

        Raises:
            UserIdEmpty: USER_ID is no number of a person.
            MessageEmpty: There is no text.
            AttachOversize: ATTACH is too long.
            AttachWrong: ATTACH is no JSON.
        """
        user_id = params.integer("USER_ID", fault=UserIdEmpty())
        if user_id <= 0:
            raise UserIdEmpty
        message = params.text("MESSAGE").strip()
        if not message:
            raise MessageEmpty
        return cls(
            user_id=UserId(user_id),
            message=message,
            message_out=params.text("MESSAGE_OUT").strip(),
            tag=params.text("TAG"),
            sub_tag=params.text("SUB_TAG"),
            client_id=params.text("CLIENT_ID"),
            attach=_attach(params),
        )

    def to_wire(self) -> dict[str, JsonValue]:
        """The parameters of the call, what is empty left out."""
        wire: dict[str, JsonValue] = {
            "USER_ID": self.user_id,
            "MESSAGE": self.message,
            "MESSAGE_OUT": self.message_out,
            "TAG": self.tag,
            "SUB_TAG": self.sub_tag,
            "CLIENT_ID": self.client_id,
            "ATTACH": self.attach,
        }
        return {key: value for key, value in wire.items() if value != ""}


def _attach(params: Params) -> str:
    value = params.value("ATTACH")
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > MAX_ATTACH_CHARS:
        raise AttachOversize
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise AttachWrong from exc
    return text


def stored_tag(app: str, tag: str) -> str:
    """The tag as ``im.notify.get`` shows it: ``MP|12345|TASK_42``; empty stays empty."""
    return f"MP|{app}|{tag}" if tag else ""


class GetNotices(msgspec.Struct, frozen=True, kw_only=True):
    """Which notifications to return.

    Source: api-reference/chats/notifications/im-notify-get.md

    Attributes:
        last_id: Older than this.
        last_type: Of this type, 1 or 3; given with ``last_id`` or not at all.
        limit: 1 to 50.
        should_convert: ``CONVERT_TEXT``: HTML instead of BBCode.
    """

    last_id: NotificationId | None = None
    last_type: int | None = None
    limit: int = MAX_LIMIT
    should_convert: bool = False

    @classmethod
    def from_params(cls, params: Params) -> "GetNotices":
        """Read the parameters.

        Raises:
            LastIdWithoutType: Only one of LAST_ID and LAST_TYPE is given.
            LastIdIsText: LAST_ID is no number.
        """
        if bool(params.text("LAST_ID")) != bool(params.text("LAST_TYPE")):
            raise LastIdWithoutType
        last_id = params.integer("LAST_ID", fault=LastIdIsText()) if params.text("LAST_ID") else None
        limit = params.integer("LIMIT")
        return cls(
            last_id=None if last_id is None else NotificationId(last_id),
            last_type=params.maybe_integer("LAST_TYPE"),
            limit=limit if 0 < limit <= MAX_LIMIT else MAX_LIMIT,
            should_convert=params.flag("CONVERT_TEXT"),
        )


class ReadNotices(msgspec.Struct, frozen=True, kw_only=True):
    """Notifications to mark as read, or as unread.

    Source: api-reference/chats/notifications/im-notify-read.md

    Attributes:
        id: This one.
        is_read: ``ACTION``.
        only_this: ``ONLY_CURRENT``; else all from this one on as well.
    """

    id: NotificationId
    is_read: bool = True
    only_this: bool = False

    @classmethod
    def from_params(cls, params: Params) -> "ReadNotices":
        """Read the parameters.

        Raises:
            ParamsWrong: ID is no number.
        """
        number = params.integer("ID", fault=ParamsWrong())
        return cls(
            id=NotificationId(number),
            is_read=params.flag("ACTION", default=True),
            only_this=params.flag("ONLY_CURRENT"),
        )

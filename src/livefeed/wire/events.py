"""Events as types: an envelope → what happened, or the error that it cannot have happened.

Source: api-reference/log/events/index.md, api-reference/common/events/index.md
"""

from typing import ClassVar, Final, TypeAlias

import msgspec

from livefeed.errors import WireError
from livefeed.wire.apps import AppMethodConfirmed, AppPayment
from livefeed.wire.auth import Auth
from livefeed.wire.envelopes import (
    Envelope,
    encode_envelope,
    envelope_form,
    from_json,
    parse_envelope,
    parse_json_envelope,
    to_json,
)
from livefeed.wire.form import Form
from livefeed.wire.ids import PostId, decimal

__all__ = [
    "APP_EVENTS",
    "POST_EVENTS",
    "AppInstalled",
    "AppMethodConfirmed",
    "AppPayment",
    "AppTest",
    "AppUninstalled",
    "AppUpdated",
    "Auth",
    "Envelope",
    "Event",
    "OfflineNews",
    "PostAdded",
    "PostDeleted",
    "PostEvent",
    "PostUpdated",
    "UnknownEvent",
    "encode_envelope",
    "envelope_form",
    "from_json",
    "parse_envelope",
    "parse_json_envelope",
    "post_data",
    "to_json",
    "typed",
]


class PostAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A message was published.

    Source: api-reference/log/events/on-live-feed-post-add.md
    """

    wire_name: ClassVar[str] = "ONLIVEFEEDPOSTADD"

    post_id: PostId
    envelope: Envelope


class PostUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """A message was edited; nothing says how, or by whom.

    Source: api-reference/log/events/on-live-feed-post-update.md
    """

    wire_name: ClassVar[str] = "ONLIVEFEEDPOSTUPDATE"

    post_id: PostId
    envelope: Envelope


class PostDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """A message was deleted; it can no longer be read.

    Source: api-reference/log/events/on-live-feed-post-delete.md
    """

    wire_name: ClassVar[str] = "ONLIVEFEEDPOSTDELETE"

    post_id: PostId
    envelope: Envelope


class AppInstalled(msgspec.Struct, frozen=True, kw_only=True):
    """The app was installed; the first time that application_token is seen.

    Source: api-reference/common/events/on-app-install.md

    Attributes:
        version: ``1.0.0``.
        is_active: ``ACTIVE``.
        is_installed: ``INSTALLED``; False before the installation of an app with an interface is finished.
        language: ``LANGUAGE_ID``, ``de``.
        envelope: Where it came from.
    """

    wire_name: ClassVar[str] = "ONAPPINSTALL"

    version: str = ""
    is_active: bool = True
    is_installed: bool = True
    language: str = ""
    envelope: Envelope


class AppUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """A new version was installed: all handlers are gone, application_token may be new.

    Source: api-reference/common/events/on-app-update.md
    """

    wire_name: ClassVar[str] = "ONAPPUPDATE"

    version: str = ""
    previous_version: str = ""
    language: str = ""
    envelope: Envelope


class AppUninstalled(msgspec.Struct, frozen=True, kw_only=True):
    """The app was removed; ``should_clean`` is the person's wish that its data be erased.

    Source: api-reference/common/events/on-app-uninstall.md
    """

    wire_name: ClassVar[str] = "ONAPPUNINSTALL"

    should_clean: bool = False
    language: str = ""
    envelope: Envelope


class AppTest(msgspec.Struct, frozen=True, kw_only=True):
    """What ``event.test`` raises; ``query`` holds the parameters it was called with.

    Source: api-reference/events/test-handler.md
    """

    wire_name: ClassVar[str] = "ONAPPTEST"

    query: Form = {}
    language: str = ""
    envelope: Envelope


class OfflineNews(msgspec.Struct, frozen=True, kw_only=True):
    """Something is in the queue of offline events; what, is to be fetched.

    Source: api-reference/events/on-offline-event.md
    """

    wire_name: ClassVar[str] = "ONOFFLINEEVENT"

    envelope: Envelope


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that has no type here, ``ONCRMDEALUPDATE``: a name and a tree of data.

    Source: api-reference/events/index.md
    """

    wire_name: ClassVar[str] = ""

    envelope: Envelope

    @property
    def name(self) -> str:
        """The wire name in upper case."""
        return self.envelope.event

    @property
    def data(self) -> Form:
        """``{"FIELDS": {"ID": "12"}}``: texts, and dicts of them."""
        return self.envelope.data


PostEvent: TypeAlias = PostAdded | PostUpdated | PostDeleted
Event: TypeAlias = (
    PostEvent
    | AppInstalled
    | AppUpdated
    | AppUninstalled
    | AppPayment
    | AppMethodConfirmed
    | AppTest
    | OfflineNews
    | UnknownEvent
)

POST_EVENTS: Final = (PostAdded.wire_name, PostUpdated.wire_name, PostDeleted.wire_name)
"""The events of scope ``log``."""

APP_EVENTS: Final = (
    "ONAPPUNINSTALL",
    "ONAPPINSTALL",
    "ONAPPUPDATE",
    "ONAPPPAYMENT",
    "ONAPPTEST",
    "ONAPPMETHODCONFIRM",
    "ONOFFLINEEVENT",
)
"""The events that need no scope, in the order in which the method ``events`` lists them."""

_POSTS: Final = {cls.wire_name: cls for cls in (PostAdded, PostUpdated, PostDeleted)}


def typed(envelope: Envelope) -> Event:
    """What ``envelope`` says has happened.

    Raises:
        WireError: A post event without a usable POST_ID.
    """
    post_type = _POSTS.get(envelope.event)
    if post_type is not None:
        return post_type(post_id=_post_id(envelope), envelope=envelope)
    data = envelope.data
    match envelope.event:
        case AppPayment.wire_name:
            return AppPayment.of(envelope)
        case AppMethodConfirmed.wire_name:
            return AppMethodConfirmed.of(envelope)
        case AppInstalled.wire_name:
            return AppInstalled(
                version=_text(data, "VERSION"),
                is_active=_text(data, "ACTIVE") != "N",
                is_installed=_text(data, "INSTALLED") != "N",
                language=_text(data, "LANGUAGE_ID"),
                envelope=envelope,
            )
        case AppUpdated.wire_name:
            return AppUpdated(
                version=_text(data, "VERSION"),
                previous_version=_text(data, "PREVIOUS_VERSION"),
                language=_text(data, "LANGUAGE_ID"),
                envelope=envelope,
            )
        case AppUninstalled.wire_name:
            return AppUninstalled(
                should_clean=_text(data, "CLEAN") == "1",
                language=_text(data, "LANGUAGE_ID"),
                envelope=envelope,
            )
        case AppTest.wire_name:
            query = data.get("QUERY")
            return AppTest(
                query=query if isinstance(query, dict) else {},
                language=_text(data, "LANGUAGE_ID"),
                envelope=envelope,
            )
        case OfflineNews.wire_name:
            return OfflineNews(envelope=envelope)
        case _:
            return UnknownEvent(envelope=envelope)


def post_data(post_id: PostId) -> Form:
    """The ``data`` of a post event: ``{"FIELDS": {"POST_ID": "205"}}``."""
    return {"FIELDS": {"POST_ID": str(post_id)}}


def _post_id(envelope: Envelope) -> PostId:
    fields = envelope.data.get("FIELDS")
    text = fields.get("POST_ID") if isinstance(fields, dict) else None
    number = decimal(text) if isinstance(text, str) else None
    if not number:
        raise WireError(
            "data[FIELDS][POST_ID]", "the number of a post", "none" if not text else "something else"
        )
    return PostId(number)


def _text(data: Form, key: str) -> str:
    value = data.get(key, "")
    return value if isinstance(value, str) else ""

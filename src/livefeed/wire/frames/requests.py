"""The request that opens an application's page in a frame: four keys in the query, and a form body."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form import JsonValue, decode
from livefeed.wire.ids import MemberId, decimal
from livefeed.wire.params import Params

DEFAULT_PLACEMENT: Final = "DEFAULT"
"""The application's own page."""

LEFT_MENU: Final = "LEFT_MENU"
"""An entry in the portal's menu."""

POST_PLACEMENT: Final = "LIVEFEED_POST"
"""An entry under each post; a place of this portal, which Bitrix24 does not have. Its options name the post:
``{"POST_ID":"205","URI":"/posts/205"}``."""

_LONGEST_OPTIONS: Final = 4_096
_MOST_BRACKETS: Final = 256  # so that no nesting is too deep to be written again
_LONGEST_TOKEN: Final = 2_048
_LIFE_S: Final = 3_600


class FrameRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a portal posts into a frame. Nothing in it is proved.

    Source: settings/oauth/simple-way.md, api-reference/widgets/_includes/widget_data.md; contract 3.3

    Attributes:
        domain: ``DOMAIN``, ``portal.bitrix24.com``; informative.
        is_https: ``PROTOCOL``.
        language: ``LANG``, ``en``.
        app_sid: ``APP_SID``, new for each opening.
        access_token: ``AUTH_ID``, of the person who opened it; a secret.
        expires_in: ``AUTH_EXPIRES``, seconds.
        refresh_token: ``REFRESH_ID``; a secret.
        server_endpoint: ``SERVER_ENDPOINT``; informative.
        application_token: ``APPLICATION_TOKEN``; a secret.
        scope: ``APPLICATION_SCOPE``, a comma list.
        member_id: The portal.
        status: ``L F D T P S``; informative.
        placement: ``PLACEMENT``.
        options: ``PLACEMENT_OPTIONS``.
    """

    domain: str = ""
    is_https: bool = True
    language: str = ""
    app_sid: str = ""
    access_token: str
    expires_in: int = _LIFE_S
    refresh_token: str = ""
    server_endpoint: str = ""
    application_token: str = ""
    scope: str = ""
    member_id: MemberId
    status: str = ""
    placement: str = DEFAULT_PLACEMENT
    options: Mapping[str, JsonValue] = {}

    def __repr__(self) -> str:
        return f"FrameRequest(member_id={self.member_id!r}, placement={self.placement!r})"


def frame_query(request: FrameRequest) -> dict[str, str]:
    """The four keys of the query string, in the documented order."""
    return {
        "DOMAIN": request.domain,
        "PROTOCOL": "1" if request.is_https else "0",
        "LANG": request.language,
        "APP_SID": request.app_sid,
    }


def frame_fields(request: FrameRequest) -> dict[str, str]:
    """The fields of the form, in the documented order; without options there is no ``PLACEMENT_OPTIONS``."""
    fields = {
        "AUTH_ID": request.access_token,
        "AUTH_EXPIRES": str(request.expires_in),
        "REFRESH_ID": request.refresh_token,
        "SERVER_ENDPOINT": request.server_endpoint,
        "APPLICATION_TOKEN": request.application_token,
        "APPLICATION_SCOPE": request.scope,
        "member_id": request.member_id,
        "status": request.status,
        "PLACEMENT": request.placement,
    }
    if request.options:
        fields["PLACEMENT_OPTIONS"] = msgspec.json.encode(request.options).decode()
    return fields


def read_frame(query: bytes, body: bytes) -> FrameRequest:
    """Read the query string and the form body of one opening.

    Raises:
        TooLarge: A bound of the form, or of the options, is passed.
        WireError: It is no opening: no token, no portal, or options that are no JSON object.
    """
    # The address may carry keys of the application's own, of any form; the body is the portal's alone.
    where, fields = Params(decode(query, strict=False)), Params(decode(body, strict=True))
    return FrameRequest(
        domain=where.text("DOMAIN"),
        is_https=where.text("PROTOCOL") != "0",
        language=where.text("LANG"),
        app_sid=where.text("APP_SID"),
        access_token=_needed(fields, "AUTH_ID", "an access token"),
        expires_in=min(decimal(fields.text("AUTH_EXPIRES")) or _LIFE_S, _LIFE_S),
        refresh_token=_bounded(fields, "REFRESH_ID"),
        server_endpoint=fields.text("SERVER_ENDPOINT"),
        application_token=_bounded(fields, "APPLICATION_TOKEN"),
        scope=fields.text("APPLICATION_SCOPE"),
        member_id=MemberId(_needed(fields, "member_id", "the id of a portal")),
        status=fields.text("status"),
        placement=fields.text("PLACEMENT") or DEFAULT_PLACEMENT,
        options=_options(fields.text("PLACEMENT_OPTIONS")),
    )


def _needed(fields: Params, name: str, what: str) -> str:
    text = _bounded(fields, name)
    if not text:
        raise WireError(name, what, "nothing")
    return text


def _bounded(fields: Params, name: str) -> str:
    text = fields.text(name)
    if len(text) > _LONGEST_TOKEN:
        raise TooLarge(name, f"at most {_LONGEST_TOKEN} characters", f"{len(text)}")
    return text


def _options(text: str) -> Mapping[str, JsonValue]:
    """The object in ``text``; an empty list is what PHP makes of an empty array."""
    if len(text) > _LONGEST_OPTIONS or text.count("{") + text.count("[") > _MOST_BRACKETS:
        raise TooLarge("PLACEMENT_OPTIONS", f"at most {_LONGEST_OPTIONS} characters", f"{len(text)}")
    try:
        value = cast("JsonValue", msgspec.json.decode(text.encode() or b"{}"))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as exc:
        raise WireError("PLACEMENT_OPTIONS", "a JSON object", "something else") from exc
    if isinstance(value, Mapping):
        return value
    if value:
        raise WireError("PLACEMENT_OPTIONS", "a JSON object", "another JSON value")
    return {}

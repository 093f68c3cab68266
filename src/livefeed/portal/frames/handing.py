"""Handing over: what an application's page is given when it opens, by POST and over the frame's messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from livefeed.net.urls import extended, origin_of
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import Bearer, codec_of
from livefeed.portal.portals import PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.form import JsonValue
from livefeed.wire.frames import FrameRequest, frame_fields, frame_query
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S

SLIDER: Final[Mapping[str, JsonValue]] = {"IFRAME": "Y", "IFRAME_TYPE": "SIDE_SLIDER"}
"""What PLACEMENT_OPTIONS of a slider say besides; libraries ask for ``IFRAME``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Fresh tokens of the person who looks, for this application."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the browser has the portal's page from: it decides what the page's messages are sent to.

    Attributes:
        host: As the address bar has it: ``127.0.0.1:8024``.
        is_secure: Whether it is https.
    """

    host: str
    is_secure: bool

    @property
    def protocol(self) -> str:
        """``PROTOCOL``: 1 for https."""
        return "1" if self.is_secure else "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """Everything that one frame is given; tokens are minted when they are asked for, never in a unit.

    Attributes:
        keys: Mint.
        portal: Where it opens.
        app: What opens.
        url: Its page.
        bearer: In whose name.
        address: Of the page around the frame.
        language: Of the person.
        sid: APP_SID.
        place: PLACEMENT.
        options: PLACEMENT_OPTIONS.
        now_ms: When.
    """

    keys: KeyRing = field(repr=False)
    portal: PortalRow
    app: App
    url: str
    bearer: Bearer
    address: Address
    language: str
    sid: str = field(repr=False)
    place: str
    options: Mapping[str, JsonValue]
    now_ms: int

    @property
    def name(self) -> str:
        """The name of the frame, from which libraries learn whom to ask: ``host|0 or 1|sid``."""
        return f"{self.address.host}|{self.address.protocol}|{self.sid}"

    @property
    def origin(self) -> str:
        """Where its messages must come from."""
        return origin_of(self.url)

    @property
    def action(self) -> str:
        """Where the form goes: the page, with the four keys of the query string."""
        return extended(self.url, self.query())

    def query(self) -> dict[str, str]:
        """The four keys of the query string; no secret is among them."""
        return frame_query(self._request(Pair(access="", refresh="")))

    def body(self) -> dict[str, str]:
        """The fields of the form, with tokens unlike any given out before."""
        return frame_fields(self._request(fresh_pair(self.keys, self.bearer, self.now_ms)))

    def _request(self, pair: Pair) -> FrameRequest:
        return FrameRequest(
            domain=self.address.host,
            is_https=self.address.is_secure,
            language=self.language,
            app_sid=self.sid,
            access_token=pair.access,
            expires_in=ACCESS_TOKEN_LIFE_S,
            refresh_token=pair.refresh,
            server_endpoint=self.portal.server_endpoint,
            application_token=self.app.application_token(self.keys).reveal(),
            scope=self.app.scope,
            member_id=self.portal.member_id,
            status=self.app.status,
            placement=self.place,
            options=self.options,
        )


def fresh_pair(keys: KeyRing, bearer: Bearer, now_ms: int) -> Pair:
    """Tokens unlike any given out before."""
    codec = codec_of(keys)
    return Pair(
        access=codec.mint_fresh("access", bearer, now_ms), refresh=codec.mint_fresh("refresh", bearer, now_ms)
    )


def init_data(
    handing: Handing,
    *,
    is_admin: bool,
    is_installer: bool,
    is_first_run: bool,
    app_options: Mapping[str, JsonValue],
    user_options: Mapping[str, JsonValue],
) -> dict[str, JsonValue]:
    """The answer to ``getInitData``, with the types that libraries insist on.

    Source: packages/jssdk/src/types/auth.ts of the JavaScript SDK (MIT)
    """
    pair = fresh_pair(handing.keys, handing.bearer, handing.now_ms)
    return {
        "LANG": handing.language,
        "DOMAIN": handing.address.host,
        "PROTOCOL": handing.address.protocol,
        "PATH": "/rest",
        "AUTH_ID": pair.access,
        "REFRESH_ID": pair.refresh,
        "AUTH_EXPIRES": ACCESS_TOKEN_LIFE_S,
        "MEMBER_ID": handing.portal.member_id,
        "IS_ADMIN": is_admin,
        "INSTALL": is_installer,
        "FIRST_RUN": is_first_run and not is_installer,
        "PLACEMENT": handing.place,
        "PLACEMENT_OPTIONS": handing.options,
        "APP_OPTIONS": app_options,
        "USER_OPTIONS": user_options,
    }


def renewed(pair: Pair) -> dict[str, JsonValue]:
    """The answer to ``refreshAuth``."""
    return {"AUTH_ID": pair.access, "REFRESH_ID": pair.refresh, "AUTH_EXPIRES": ACCESS_TOKEN_LIFE_S}

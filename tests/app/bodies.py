"""Bodies as Bitrix24 documents them.

Source: api-reference/log/events/on-live-feed-post-update.md, api-reference/common/events/on-app-install.md,
api-reference/common/events/on-app-uninstall.md
"""

from typing import Any
from urllib.parse import quote_plus

MEMBER = "a223c6b3710f85df22e9377d6c4f7553"
APPLICATION_TOKEN = "51856fefc120afa4b628cc82d3935cce"

AUTH = {
    "access_token": "s6p6eclrvim6da22ft9ch94ekreb52lv",
    "expires_in": "3600",
    "scope": "log",
    "domain": "some-domain.bitrix24.com",
    "server_endpoint": "https://oauth.bitrix.info/rest/",
    "status": "L",
    "client_endpoint": "https://some-domain.bitrix24.com/rest/",
    "member_id": MEMBER,
    "refresh_token": "4s386p3q0tr8dy89xvmt96234v3dljg8",
    "application_token": APPLICATION_TOKEN,
}


def form(pairs: dict[str, Any], prefix: str = "") -> bytes:
    """``http_build_query`` of nested dicts."""
    parts: list[str] = []
    for key, value in pairs.items():
        name = f"{prefix}[{key}]" if prefix else key
        if isinstance(value, dict):
            nested = form(value, name)
            parts.extend([nested.decode()] if nested else [])
        else:
            parts.append(f"{quote_plus(name)}={quote_plus(str(value))}")
    return "&".join(parts).encode()


def event_body(
    event: str = "ONLIVEFEEDPOSTUPDATE",
    post: int | str | None = 205,
    ts: int = 1_743_000_379,
    auth: dict[str, Any] | None = None,
    **keys: Any,
) -> bytes:
    """One event; ``keys`` replace single keys of ``auth``, None leaves a key out."""
    block = {**(AUTH if auth is None else auth), **keys}
    data = {} if post is None else {"FIELDS": {"POST_ID": post}}
    return form(
        {
            "event": event,
            "event_handler_id": "731",
            "data": data,
            "ts": ts,
            "auth": {name: value for name, value in block.items() if value is not None},
        }
    )


def install_body(**keys: Any) -> bytes:
    block = {**AUTH, **keys}
    return form(
        {
            "event": "ONAPPINSTALL",
            "data": {"VERSION": "1", "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": "en"},
            "ts": 1_743_000_000,
            "auth": {name: value for name, value in block.items() if value is not None},
        }
    )


def uninstall_body(clean: bool = False, **keys: Any) -> bytes:
    names = ("domain", "server_endpoint", "client_endpoint", "member_id", "application_token")
    block = {**{name: AUTH[name] for name in names}, **keys}
    return form(
        {
            "event": "ONAPPUNINSTALL",
            "data": {"LANGUAGE_ID": "en", "CLEAN": int(clean)},
            "ts": 1_743_000_900,
            "auth": {name: value for name, value in block.items() if value is not None},
        }
    )

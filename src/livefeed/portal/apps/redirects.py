"""Redirects to applications: which addresses codes may be sent to, and what the address says then."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from livefeed.net.http import is_http_url
from livefeed.portal.apps.registry import App
from livefeed.portal.portals import PortalRow

_HOST: Final = re.compile(r"[a-z0-9.-]+(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_IPV6_HOST: Final = re.compile(r"\[[0-9a-f:.]+\](:\d{1,5})?", re.ASCII | re.IGNORECASE)
_MOST_CHARS: Final = 2_000


def is_redirect_uri(text: str) -> bool:
    """Whether codes may be sent there: an absolute http(s) URL without fragment, user or odd characters."""
    if len(text) > _MOST_CHARS or not text.isascii() or not text.isprintable() or set(text) & set(' "<>\\#'):
        return False
    if not is_http_url(text):
        return False
    host = urlsplit(text).netloc
    return bool(_HOST.fullmatch(host) or _IPV6_HOST.fullmatch(host))


def origin_of(redirect_uri: str) -> str:
    """Its origin, ``https://app.example``, as a content security policy names it.

    A policy cannot name the address of an IPv6 host; there it is the scheme alone, ``http:``.
    """
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"


def with_code(app: App, portal: PortalRow, *, code: str, state: str | None) -> str:
    """The address to which a browser is sent with a code.

    The order of the page: code, state, domain, member_id, scope with ``%2C``, server_domain. ``state`` comes
    back as it was sent, and is absent if it was not.

    Source: settings/oauth/index.md
    """
    given: Mapping[str, str | None] = {
        "code": code,
        "state": state,
        "domain": portal.domain,
        "member_id": portal.member_id,
        "scope": app.scope,
        "server_domain": portal.domain,
    }
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in given.items() if text is not None)
    return f"{app.redirect_uri}{'&' if '?' in app.redirect_uri else '?'}{query}"

"""To which portals people may be sent: those that are known, and those that the settings name."""

from collections.abc import Iterable
from typing import Final

from livefeed.app.installs.portals import Portals
from livefeed.errors import TransportError
from livefeed.net.http import is_http_url
from livefeed.net.urls import origin_of
from livefeed.settings import AppSettings

_LONGEST: Final = 300


def find_origin(asked: str, portals: Portals, settings: AppSettings) -> str | None:
    """The origin of the portal that ``asked`` names, by address or host; None if nobody is sent there.

    Without a name it is the portal of the settings. What is answered is an origin that is known, never what
    was asked for: no address of a stranger comes out of this.
    """
    known = _origins(portals, settings)
    if not asked:
        return _origin(settings.portal_url) if settings.portal_url else None
    if len(asked) > _LONGEST:
        return None
    wanted = (
        {_origin(asked)}
        if "://" in asked
        else {_origin(f"{scheme}://{asked}") for scheme in ("https", "http")}
    )
    return next((origin for origin in known if origin in wanted), None)


def _origins(portals: Portals, settings: AppSettings) -> list[str]:
    addresses: Iterable[str] = (
        *(portal.endpoint for portal in portals.every() if portal.is_active),
        settings.portal_url,
        *settings.portals.split(","),
    )
    return [origin for address in addresses if (origin := _origin(address.strip()))]


def _origin(address: str) -> str:
    """The origin of an address; empty if it is none."""
    if not is_http_url(address):
        return ""
    try:
        return origin_of(address)
    except TransportError:
        return ""

"""What the page around a frame knows of itself: its own address, and the page that led to it."""

from urllib.parse import urlsplit

from starlette.requests import Request

from livefeed.portal.frames.handing import Address
from livefeed.portal.portals import PortalRow


def address_of(request: Request, portal: PortalRow) -> Address:
    """As the browser has the page from: behind a proxy that ends TLS, the portal's own address says https."""
    host = request.headers.get("host", "").lower()
    is_own = host == portal.host and portal.public_url.startswith("https:")
    return Address(host=host, is_secure=request.url.scheme == "https" or is_own)


def uri_of(request: Request) -> str:
    """Path and query of the page of ours that led here; empty if there is none, or it is not ours.

    Source: api-reference/widgets/universal/index.md
    """
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    if parts.netloc.lower() != request.headers.get("host", "").lower():
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path

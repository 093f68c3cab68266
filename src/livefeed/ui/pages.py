"""Pages: rendered from templates in one look, sent with headers under which no foreign code can run."""

import hashlib
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

_STYLE: Final = "livefeed.css"
_YEAR_S: Final = 31_536_000

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""No inline script or style, no foreign host, no frame around it."""


def page(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page made from ``ui/templates/<template>``; everything in ``values`` but Markup is escaped."""
    text = _environment().get_template(template).render(style_url=_style_url(), **values)
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def ui_routes() -> list[BaseRoute]:
    """The route of the stylesheet, ``/ui/livefeed.css``."""
    return [Route(f"/ui/{_STYLE}", _style)]


async def _style(_request: Request) -> Response:
    headers = {"cache-control": f"public, max-age={_YEAR_S}", "x-content-type-options": "nosniff"}
    return Response(_style_bytes(), media_type="text/css", headers=headers)


@cache
def _style_bytes() -> bytes:
    return resources.files("livefeed.ui").joinpath(_STYLE).read_bytes()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("livefeed.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style_url() -> str:
    """The address changes with the content, so that browsers may keep it for a year."""
    return f"/ui/{_STYLE}?v={hashlib.sha256(_style_bytes()).hexdigest()[:12]}"

"""Places: where on the portal's pages a widget can be shown, and which scope it needs for that."""

from dataclasses import dataclass
from typing import Final

from livefeed.wire.frames import DEFAULT_PLACEMENT, POST_PLACEMENT

DEFAULT: Final = DEFAULT_PLACEMENT
"""An application's own page; it is not bound, every application with a handler URL has it."""

LEFT_MENU: Final = "LEFT_MENU"
"""An entry of the menu.

Source: api-reference/widgets/left-menu.md
"""

APP_LINK: Final = "REST_APP_URI"
"""What opens behind links of the form ``/marketplace/view/<client_id>/?params[post]=205``.

Source: api-reference/widgets/universal/app-url.md
"""

POST: Final = POST_PLACEMENT
"""An entry under each post of the feed; a code of this portal's own (docs/adr/0047)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere a widget can be.

    Attributes:
        code: ``PLACEMENT`` on the wire.
        scope: What the application must have been granted besides ``placement``; None: nothing.
        is_single: Whether an application has one handler there at most.
    """

    code: str
    scope: str | None = None
    is_single: bool = False


PLACES: Final = (
    Place(code=LEFT_MENU),
    Place(code=APP_LINK, scope="placement", is_single=True),
    Place(code=POST, scope="log"),
)


def available(scopes: frozenset[str]) -> list[Place]:
    """The places that an application with ``scopes`` may bind."""
    return [place for place in PLACES if place.scope is None or place.scope in scopes]


def of_scope(scope: str) -> list[Place]:
    """The places of one scope; ``basic`` are those that need none."""
    return [place for place in PLACES if (place.scope or "basic") == scope]

"""Every address a portal has, taken from its routes: a new one cannot be forgotten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.routing import Mount, Route

from livefeed.portal.server import Portal

from .stand import filled

NO_PAGES = ("/rest", "/oauth/token", "/oauth/token/", "/admin/api/{operation}")
"""Where not people but programs ask, who prove themselves in the request."""

OPEN = ("/login", "/ui/{name}", "/healthz", "/readyz", "/metrics", "/language")
"""What people and programs may see who have not signed in."""

STREAMS = ("/live", "/scene/live")


@dataclass(frozen=True)
class Door:
    """One method of one address."""

    method: str
    path: str

    def url(self, things: Mapping[str, str]) -> str:
        return filled(self.path, things)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def doors(portal: Portal) -> list[Door]:
    """All of them but those where programs ask."""
    return [door for door in _doors(portal.asgi.routes) if door.path not in NO_PAGES]


def forms(portal: Portal) -> list[Door]:
    return [door for door in doors(portal) if door.method == "POST"]


def pages(portal: Portal) -> list[Door]:
    return [door for door in doors(portal) if door.method == "GET" and door.path not in STREAMS]


def _doors(routes: list[Any]) -> Iterator[Door]:
    for route in routes:
        if isinstance(route, Mount):
            yield Door("*", route.path)
            continue
        assert isinstance(route, Route), route
        # A route without methods is an application of its own, which judges the method itself.
        for method in sorted((route.methods or {"GET", "POST"}) - {"HEAD"}):
            yield Door(method, route.path)

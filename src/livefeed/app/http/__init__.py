"""The application's own HTTP server: events are answered without a task each, everything else is ASGI."""

from livefeed.app.http.limits import HttpLimits
from livefeed.app.http.server import HttpServer

__all__ = ["HttpLimits", "HttpServer"]

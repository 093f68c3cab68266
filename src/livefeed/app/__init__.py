"""The framework: an application that takes events of Bitrix24's News Feed and calls back."""

from livefeed.app.contexts.context import Context
from livefeed.app.contexts.posts import Post
from livefeed.app.contexts.verdicts import Drop, Retry, Verdict
from livefeed.app.contexts.writes import Brake
from livefeed.app.frames.pages import PageContext
from livefeed.app.routing.filters import Filter
from livefeed.app.routing.handlers import HandlerTooSlow, Next
from livefeed.app.routing.router import Router
from livefeed.app.running import Running, opened
from livefeed.app.runtime import Runtime
from livefeed.app.serving import App, serve, serving
from livefeed.durable.schedule import Schedule

__all__ = [
    "App",
    "Brake",
    "Context",
    "Drop",
    "Filter",
    "HandlerTooSlow",
    "Next",
    "PageContext",
    "Post",
    "Retry",
    "Router",
    "Running",
    "Runtime",
    "Schedule",
    "Verdict",
    "opened",
    "serve",
    "serving",
]

"""The framework: an application that takes events of Bitrix24's News Feed and calls back."""

from livefeed.app.application import App
from livefeed.app.frames.pages import PageContext
from livefeed.app.handling.context import Context
from livefeed.app.handling.posts import Post
from livefeed.app.running import Running, opened
from livefeed.app.runtime import Runtime

__all__ = ["App", "Context", "PageContext", "Post", "Running", "Runtime", "opened"]

"""Forwarding: what the door has taken is handed on as it came, to an application in any language."""

from livefeed.app.forwarding.application import build
from livefeed.app.forwarding.targets import Target

__all__ = ["Target", "build"]

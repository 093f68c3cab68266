"""Decisions: who was told of the last edit of each post, who was not, and why."""

from livefeed.notifier.decisions.hearing import Line, who
from livefeed.notifier.decisions.rulings import Ruling, find, forget, portals_with, record, ruling_of

__all__ = ["Line", "Ruling", "find", "forget", "portals_with", "record", "ruling_of", "who"]

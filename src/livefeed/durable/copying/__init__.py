"""Copying: a whole database goes to another engine, and is compared there row by row."""

from livefeed.durable.copying.copy import Copied, copy_database

__all__ = ["Copied", "copy_database"]

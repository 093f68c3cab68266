"""Arguments and printing; everything else lives in the rooms below."""

from livefeed.cli.main import main, run

__all__ = ["main", "run"]

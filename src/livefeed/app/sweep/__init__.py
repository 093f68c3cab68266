"""The sweep: lost changes are found by looking at every readable post again."""

from livefeed.app.sweep.runs import sweep_with
from livefeed.app.sweep.watching import Watch

__all__ = ["Watch", "sweep_with"]

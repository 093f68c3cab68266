"""Gaps: posts are looked at again for what no event told, and what was found so is reported."""

from livefeed.notifier.gaps.report import Coverage, Edit, Report, coverage, portals, report
from livefeed.notifier.gaps.watching import ArchiveWatch, count_readable, is_found

__all__ = [
    "ArchiveWatch",
    "Coverage",
    "Edit",
    "Report",
    "count_readable",
    "coverage",
    "is_found",
    "portals",
    "report",
]

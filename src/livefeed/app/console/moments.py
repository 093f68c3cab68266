"""Times on the console: of a day in UTC, and between two steps in milliseconds."""

from dataclasses import replace
from datetime import UTC
from typing import Final

from livefeed.ui import moments
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import Moment

_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


def moment(at_ms: int, language: str) -> Moment:
    """A time of day, in UTC as servers are."""
    return _utc(moments.moment(at_ms, UTC, language))


def exact(at_ms: int) -> Moment:
    """A time to the second, to be compared with logs: ``2026-03-17 15:29:14 UTC``."""
    return _utc(moments.exact(at_ms, UTC))


def _utc(found: Moment) -> Moment:
    return replace(found, text=f"{found.text} UTC")


def span(ms: int) -> Words:
    """How long: the unit in which it is a small number."""
    if ms < _SECOND_MS:
        return noted("%(count)s ms", count=ms)
    if ms < 2 * _MINUTE_MS:
        return noted("%(count)s s", count=ms / _SECOND_MS if ms < 10 * _SECOND_MS else ms // _SECOND_MS)
    if ms < 2 * _HOUR_MS:
        return noted("%(count)s min", count=ms // _MINUTE_MS)
    if ms < 2 * _DAY_MS:
        return noted("%(count)s h", count=ms // _HOUR_MS)
    return noted("%(count)s days", count=ms // _DAY_MS)

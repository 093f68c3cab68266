"""Times on the console: of a day in UTC, and between two steps in milliseconds."""

from dataclasses import dataclass
from datetime import UTC
from typing import Final

from livefeed.clock import at_utc, iso
from livefeed.ui.languages import Words, noted, spoken

_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time, for machines and for people."""

    iso: str
    text: str


def moment(at_ms: int, language: str) -> Moment:
    """A time of day, in UTC as servers are."""
    return Moment(iso=iso(at_ms), text=f"{spoken(at_ms, UTC, language)} UTC")


def exact(at_ms: int) -> Moment:
    """A time to the second, to be compared with logs: ``2026-03-17 15:29:14 UTC``."""
    return Moment(iso=iso(at_ms), text=f"{at_utc(at_ms):%Y-%m-%d %H:%M:%S} UTC")


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

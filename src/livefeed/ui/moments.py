"""Times of day as pages show them: for machines and for people, in the reader's zone and language."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from livefeed.clock import at_utc, iso
from livefeed.ui.languages import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time, for machines and for people."""

    iso: str
    text: str


def moment(at_ms: int, zone: tzinfo, language: str) -> Moment:
    """A time as people write it: ``21 November 2026, 14:05``."""
    try:
        text = spoken(at_ms, zone, language)
    except OverflowError:  # the last hours of all years, which are over in UTC only
        text = spoken(at_ms, UTC, language)
    return Moment(iso=iso(at_ms), text=text)


def exact(at_ms: int, zone: tzinfo) -> Moment:
    """A time to the second, to be compared with logs: ``2026-03-17 15:29:14``."""
    return Moment(iso=iso(at_ms), text=f"{at_utc(at_ms).astimezone(zone):%Y-%m-%d %H:%M:%S}")


def zone_of(name: str) -> tzinfo:
    """The zone of this name, ``Europe/Berlin``; UTC for an empty or an unknown one."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):  # OSError: a folder of the zones, such as "Europe"
        return UTC

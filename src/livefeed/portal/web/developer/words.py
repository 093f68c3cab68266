"""What the developer area says of states and failures; ``mood`` colours a badge: good, wait, bad, plain."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from livefeed.clock import at_utc, iso
from livefeed.durable.deliveries import EXPIRED, Delivery
from livefeed.portal.web.desk.showing import Moment
from livefeed.ui.languages import Words, noted

Mood: TypeAlias = Literal["good", "wait", "bad", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A state in words for people."""

    words: Words
    mood: Mood


STATES: Final[dict[str, Said]] = {
    "delivered": Said(words=noted("delivered"), mood="good"),
    "waiting": Said(words=noted("waiting"), mood="wait"),
    "leased": Said(words=noted("being sent"), mood="wait"),
    "backing_off": Said(words=noted("failed, will be tried again"), mood="wait"),
    "dead": Said(words=noted("given up"), mood="bad"),
    "withheld": Said(words=noted("withheld"), mood="bad"),
    "expired": Said(words=noted("too old"), mood="bad"),
    "dropped": Said(words=noted("dropped: the handler was unbound"), mood="plain"),
}
"""States of a delivery; those one can ask for are all but the last."""

ERRORS: Final = {
    "connect": noted("no connection"),
    "timeout": noted("no answer in time"),
    "tls": noted("its certificate is not accepted"),
    "reset": noted("the connection was cut"),
    "blocked": noted("its address is not public"),
    "status": noted("answered with an error"),
    "too_large": noted("the answer was too long"),
}

SOURCES: Final = {
    "rest": noted("a REST call"),
    "web": noted("a page of the portal"),
    "command": noted("a command"),
    "replay": noted("sent again"),
    "test": noted("a test"),
}


def state_of(delivery: Delivery) -> str:
    """The state of a delivery, one of `STATES`."""
    last = delivery.attempts[-1].state if delivery.attempts else ""
    if last in ("delivered", "withheld", "dead"):
        return last
    if delivery.letter is not None:
        return "expired" if delivery.letter.reason == EXPIRED else "dead"
    return "dropped" if delivery.standing is None else delivery.standing.state


def exact(at_ms: int, zone_name: str) -> Moment:
    """A time to the second, as developers compare it with their logs: ``2026-03-17 15:29:14``."""
    at = at_utc(at_ms).astimezone(_zone(zone_name))
    return Moment(iso=iso(at_ms), text=at.strftime("%Y-%m-%d %H:%M:%S"))


def read_moment(text: str, zone_name: str) -> int | None:
    """A time as a form sends it, ``2026-03-17T15:29``, in ms since the epoch; None: it is none.

    Args:
        text: Without an offset it is a time of the zone.
        zone_name: Where the person is, ``Europe/Berlin``; empty or unknown: UTC.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        aware = at if at.tzinfo is not None else at.replace(tzinfo=_zone(zone_name))
        return max(0, int(aware.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or UTC.tzname(None))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")

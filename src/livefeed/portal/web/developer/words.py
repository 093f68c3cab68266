"""What the developer area says of states and failures; ``mood`` colours a badge: good, wait, bad, plain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from livefeed.durable.deliveries import EXPIRED, Delivery
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import zone_of

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


def read_moment(text: str, zone_name: str) -> int | None:
    """A time as a form sends it, ``2026-03-17T15:29``, in ms since the epoch; None: it is none.

    Args:
        text: Without an offset it is a time of the zone.
        zone_name: Where the person is, ``Europe/Berlin``; empty or unknown: UTC.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        aware = at if at.tzinfo is not None else at.replace(tzinfo=zone_of(zone_name))
        return max(0, int(aware.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None

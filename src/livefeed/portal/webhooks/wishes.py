"""What people ask a webhook to be: read from their words, refused in words that can be translated."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from livefeed.clock import at_utc
from livefeed.net.http import is_http_url
from livefeed.portal.lifecycle import Refused
from livefeed.ui.languages import LANGUAGES, Words, noted, told
from livefeed.wire.apps import scopes_of
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.scopes import unknown_scopes

EVENTS: Final = POST_EVENTS
"""The online events that an outgoing webhook can be sent (contract 1.4, 1.5)."""

_DAY_MS: Final = 86_400_000
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOST_NAME: Final = 200
_MOST_URL: Final = 2_000
_MOST_SHOWN: Final = 60


class Unusable(Refused):
    """What was asked of a webhook cannot be; ``words`` say why in the language of whoever reads them."""

    def __init__(self, words: Words) -> None:
        self.words = words
        super().__init__(told(words, LANGUAGES[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingWish:
    """An incoming webhook as asked for; ``expires_at`` in milliseconds since the epoch, None: never."""

    name: str
    scopes: tuple[str, ...]
    expires_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingWish:
    """An outgoing webhook as asked for: where it lives, and which of `EVENTS` it is sent."""

    name: str
    url: str
    events: tuple[str, ...]


def read_name(text: str) -> str:
    """What people call it; may be empty.

    Raises:
        Unusable: It is longer than 200 characters, or not one line.
    """
    name = text.strip()
    if len(name) > _MOST_NAME or not name.isprintable():
        raise Unusable(noted("the name is one line of at most %(most)s characters", most=_MOST_NAME))
    return name


def read_scopes(texts: Iterable[str]) -> tuple[str, ...]:
    """The scopes in ``texts``, each a list with commas or spaces; sorted.

    Raises:
        Unusable: There is none, or one that no documentation names.
    """
    scopes = tuple(sorted({scope for text in texts for scope in scopes_of(text)}))
    if not scopes:
        raise Unusable(noted("choose at least one scope, such as log"))
    unknown = unknown_scopes(scopes)
    if unknown:
        raise Unusable(
            noted("there is no scope %(scope)s; use some of log, im, user, …", scope=_short(unknown[0]))
        )
    return scopes


def read_last_day(text: str, *, now_ms: int) -> int | None:
    """When a webhook expires whose last day, in UTC, is ``text``: ``2026-12-31``; None if it is empty.

    Raises:
        Unusable: It is no day, or it is over.
    """
    if not text.strip():
        return None
    try:
        last = date.fromisoformat(text.strip()) if _DAY.fullmatch(text.strip()) else None
    except ValueError:
        last = None
    if last is None:
        raise Unusable(noted("%(day)s is not a day such as 2026-12-31", day=_short(text.strip())))
    ends_at = int(datetime.combine(last, time(), UTC).timestamp()) * 1000 + _DAY_MS
    if ends_at <= now_ms:
        raise Unusable(noted("%(day)s is over already; choose a later day", day=last.isoformat()))
    return ends_at


def last_day(expires_at: int | None) -> str:
    """The last day on which a webhook works, ``2026-12-31``; empty: it has none."""
    return "" if expires_at is None else at_utc(expires_at - 1).date().isoformat()


def read_url(text: str) -> str:
    """Where events are sent.

    Raises:
        Unusable: It is no absolute http or https URL.
    """
    url = text.strip()
    if len(url) > _MOST_URL or not url.isprintable() or not is_http_url(url):
        raise Unusable(noted("%(url)s is not an absolute http or https URL", url=_short(url) or "«»"))
    return url


def read_events(names: Iterable[str]) -> tuple[str, ...]:
    """The events in ``names``, in any case of letters, in the order of the documentation.

    Raises:
        Unusable: There is none, or one that outgoing webhooks are not sent.
    """
    named = {name.upper() for text in names for name in scopes_of(text)}
    unknown = sorted(named - set(EVENTS))
    if unknown:
        raise Unusable(
            noted(
                "an outgoing webhook cannot be sent %(event)s; it can be sent: %(events)s",
                event=_short(unknown[0]),
                events=", ".join(EVENTS),
            )
        )
    if not named:
        raise Unusable(noted("choose at least one event: %(events)s", events=", ".join(EVENTS)))
    return tuple(event for event in EVENTS if event in named)


def _short(text: str) -> str:
    """What was given, as far as it is needed to recognise it."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"

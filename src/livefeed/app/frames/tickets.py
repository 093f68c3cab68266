"""Tickets: what the requests inside a frame carry in their path, since a frame gets no cookies."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from livefeed.clock import Clock
from livefeed.errors import SettingsError
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId, UserId

LIFE_MS: Final = 3_600_000
"""As long as the access token with which a page is opened; after it the page has to be opened again."""

_CONTEXT: Final = b"page"
_WRITTEN: Final = re.compile(r"[A-Za-z0-9_-]{40,12000}")


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Who opened which page, and until when it may ask for more.

    Attributes:
        portal: Where.
        user_id: Who; all that is shown to him is read with his own token.
        placement: From which place.
        options: What the portal said of the place.
        language: Of the pages.
        until_ms: When it ends.
    """

    portal: MemberId
    user_id: UserId
    placement: str
    options: Mapping[str, Any]
    language: str
    until_ms: int


_decode: Final = msgspec.json.Decoder(Ticket)


def write_ticket(keys: KeyRing, ticket: Ticket) -> str:
    """The ticket as one part of a path, sealed: nobody can read or change it."""
    return urlsafe_b64encode(keys.seal(msgspec.json.encode(ticket), context=_CONTEXT)).decode().rstrip("=")


def read_ticket(keys: KeyRing, clock: Clock, text: str) -> Ticket | None:
    """The ticket; None if it is none of ours, or has ended."""
    if _WRITTEN.fullmatch(text) is None:
        return None
    try:
        plain = keys.open(urlsafe_b64decode(text + "=" * (-len(text) % 4)), context=_CONTEXT)
        ticket = _decode.decode(plain)
    except (SettingsError, msgspec.DecodeError, ValueError):
        return None
    return ticket if clock.now_ms() < ticket.until_ms else None

"""Time and fresh names: everything that ticks or is drawn at random is injected from here."""

import secrets as entropy
import string
import time
from datetime import UTC, datetime
from typing import Protocol

_ALPHABET = string.ascii_lowercase + string.digits


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is turned; for tests."""

    def __init__(self, now_ms: int = 1_743_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self._now_ms

    def advance(self, seconds: float) -> None:
        """Turn the clock forward by ``seconds``."""
        self._now_ms += round(seconds * 1000)


def at_utc(ms: int) -> datetime:
    """The aware UTC datetime of ``ms`` milliseconds since the epoch."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def iso(ms: int) -> str:
    """``2026-03-17T14:29:15+00:00``: the datetime form of the REST documentation, to the second."""
    return at_utc(ms).replace(microsecond=0).isoformat()


def fresh_code(length: int) -> str:
    """``length`` random characters of ``[a-z0-9]``, the alphabet of tokens and webhook codes."""
    return "".join(entropy.choice(_ALPHABET) for _ in range(length))


def fresh_hex(length: int) -> str:
    """``length`` random lower-case hex digits, the alphabet of member_id and application_token."""
    return entropy.token_hex((length + 1) // 2)[:length]

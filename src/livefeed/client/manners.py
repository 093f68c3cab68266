"""How a client behaves that is used alone, without an application and its database."""

from dataclasses import dataclass
from typing import Final

from livefeed.client.access import Pace
from livefeed.client.bucket import STANDARD, Rate
from livefeed.client.sending.operating import LIMIT_S
from livefeed.client.sending.repeating import REPEATS, Repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How hard a portal is worked, and how patiently.

    Attributes:
        rate: What the portal's plan lets through; None for a self-hosted one without limits.
        pace: A bucket that is shared with others, in place of one of its own at ``rate``.
        operating_s: Seconds of ten minutes that each method may run; None: nobody looks.
        repeats: When a call is made once more.
        gathers: Whether calls made at the same time share a request.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    rate: Rate | None = STANDARD
    pace: Pace | None = None
    operating_s: float | None = LIMIT_S
    repeats: Repeats = REPEATS
    gathers: bool = True


POLITE: Final = Manners()
"""The limits of every plan but Enterprise, up to fifteen minutes of patience."""

"""What a test asks a rehearsal for."""

from typing import Final

import msgspec

from livefeed.testing.faults.plan import Plan

PATH: Final = "/admin/rehearsal/"
"""Before the name of a wish; the administrator's token of the run lets one in."""


class Wish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked for, with what the wish needs.

    Attributes:
        number: Of a block of faults.
        plan: Of a block that begins.
        by_ms: By how much the clock is turned.
        hours: How far it may be turned.
        client_id: Of the application in whose name a handler is bound.
        event: Which one is bound.
        url: Where it is sent.
    """

    number: int = 0
    plan: Plan | None = None
    by_ms: int = 0
    hours: float = 0.0
    client_id: str = ""
    event: str = ""
    url: str = ""

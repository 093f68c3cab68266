"""Verdicts: what a handler, or a middleware around it, says of its event in place of finishing it."""

from typing import TypeAlias

from livefeed.errors import LivefeedError


class Retry(LivefeedError):
    """Call this handler again later; raise or return it.

    What the handler gave to ``ctx.on_settle`` is not stored.

    Attributes:
        after_s: Seconds until then; None: as the handler's schedule says.
    """

    def __init__(self, after_s: float | None = None, reason: str = "") -> None:
        super().__init__(reason or "the handler asked for another try")
        self.after_s = None if after_s is None else max(0.0, after_s)


class Drop(LivefeedError):
    """This handler wants no more of the event: no retry, no dead letter; raise or return it.

    What the handler gave to ``ctx.on_settle`` is not stored; the reason is shown in the inbox.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "the handler dropped it")


Verdict: TypeAlias = Retry | Drop | None
"""None: the event is dealt with."""

"""Items: the events of a run as they are given to handlers, and for which handler."""

from dataclasses import dataclass

from livefeed.wire.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event of a run.

    Attributes:
        seq: Its place in the inbox.
        event: What it says.
        at_ms: When it came.
        digest: See `livefeed.app.handling.trials.digest_of`.
        mark: Its place in the lane that is leased; the same as ``seq`` in the inbox.
        is_own: Whether it is taken for the echo of a write of this application.
    """

    seq: int
    event: Event
    at_ms: int
    digest: str
    mark: int
    is_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """For whom a context is made.

    Attributes:
        handler: The handler's name.
        attempt: 1 for its first try.
        timeout_s: How long it may take; None: any time.
    """

    handler: str = ""
    attempt: int = 1
    timeout_s: float | None = None

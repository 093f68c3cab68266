"""What a lease is, and how rows travel between SQL and values."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import Entry

SQL: Final = sql.load("livefeed.durable", "queries/lanes.sql")

_encode: Final = msgspec.json.Encoder().encode

LaneState = Literal["waiting", "leased", "backing_off"]


class LeasedConsumer(msgspec.Struct, frozen=True):
    """The consumer of a lease, as it was when the lease was taken.

    Attributes:
        id: Its number.
        portal: The portal's member_id.
        name: Unique within the portal.
        kind: The kind of entries it sees; None: any.
        epoch: The settle is refused once the consumer has another.
        fails: How often in a row it was down.
        cap: How many of its lanes may be leased at a time.
    """

    id: ConsumerId
    portal: str
    name: str
    kind: str | None
    epoch: int
    fails: int
    cap: int


class Lease(msgspec.Struct, frozen=True):
    """The right to work on one lane until it is settled or the time is over.

    Attributes:
        consumer: Whose lane.
        key: What it is about.
        token: Drawn from one sequence and never given out again.
        head: The seq of the newest entry when the lease was taken.
        attempt: 1 for the first try.
        first_at_ms: When the oldest of what is pending became pending.
        entries: The run: the oldest entries that are pending, in order, at least one.
    """

    consumer: LeasedConsumer
    key: str
    token: int
    head: int
    attempt: int
    first_at_ms: int
    entries: tuple[Entry, ...]

    @property
    def cursor(self) -> int:
        """A seq before the first of the run and after all that is dealt with."""
        return self.entries[0].seq - 1

    @property
    def through(self) -> int:
        """The seq of the last entry of the run."""
        return self.entries[-1].seq


class LaneRow(msgspec.Struct, frozen=True):
    """A lane as shown to people."""

    consumer: ConsumerId
    portal: str
    name: str
    key: str
    cursor: int
    head: int
    first_at_ms: int
    due_at_ms: int
    attempt: int
    state: LaneState


def as_json(rows: Sequence[Any]) -> str:
    """A batch as one parameter."""
    return _encode(rows).decode()

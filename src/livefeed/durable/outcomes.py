"""Outcomes: what a run decided, as values; `settle` obeys."""

from collections.abc import Callable
from dataclasses import dataclass

from livefeed.durable.engines.unit import Tx

Effects = Callable[[Tx], None]
"""Changes of our own database that commit with the settle or not at all; may be run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The leased entries are dealt with.

    Attributes:
        through: The seq of the last entry that is; None: all that were leased.
        effects: See `Effects`.
    """

    through: int | None = None
    effects: Effects | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """This lane is to be tried again; its consumer's other lanes go on.

    Attributes:
        at_ms: When; a time in the past means now.
        reason: One line for people.
        effects: See `Effects`.
        is_try: False: the run was not begun. That says nothing about the consumer, and counts as no try.
    """

    at_ms: int
    reason: str
    effects: Effects | None = None
    is_try: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """The consumer itself does not answer: all its lanes wait for a probe with one of them.

    Attributes:
        probe_at_ms: When.
        reason: One line for people.
        effects: See `Effects`.
    """

    probe_at_ms: int
    reason: str
    effects: Effects | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """The leased entries are given up: they become dead letters, and the lane moves on.

    Attributes:
        reason: One line for people.
        through: The seq of the last entry that is given up; None: all that were leased.
        probe_at_ms: Set if they are given up because the consumer is down: when to probe it next.
        effects: See `Effects`.
    """

    reason: str
    through: int | None = None
    probe_at_ms: int | None = None
    effects: Effects | None = None


Outcome = Done | Again | Down | Dead

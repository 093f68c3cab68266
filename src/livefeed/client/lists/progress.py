"""How far a long list has come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a list or many calls have come.

    Attributes:
        done: Rows or calls so far.
        total: How many there were when it began; None if the portal does not tell.
    """

    done: int
    total: int | None


OnProgress: TypeAlias = Callable[[Progress], None]
"""Is told after each page, before its rows are handed out."""

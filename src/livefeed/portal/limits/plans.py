"""The limits of Bitrix24's plans, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

PlanName = Literal["off", "standard", "enterprise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a portal allows each caller.

    Attributes:
        name: As operators call it.
        threshold: Requests from one address that fit in its bucket.
        drain_per_s: How many of them are forgotten, all at once, each second.
        operating_s: Seconds that one method may run for one application or webhook in ten minutes.

    Source: https://apidocs.bitrix24.com/limits.html
    """

    name: str
    threshold: int
    drain_per_s: int
    operating_s: float


_OPERATING_S: Final = 480.0

PLANS: Final[Mapping[PlanName, Plan]] = {
    "standard": Plan(name="standard", threshold=50, drain_per_s=2, operating_s=_OPERATING_S),
    "enterprise": Plan(name="enterprise", threshold=250, drain_per_s=5, operating_s=_OPERATING_S),
}
"""The documented plans; ``off`` is none of them."""

"""Numbers on the command line: bounded here, so that no room below meets one it cannot hold."""

import math
from typing import Any, Final

import click

MOST: Final = 2**63 - 1
"""The largest number a database can hold."""


class Number(click.types.IntParamType):
    """An id, or how many: from 1 to what a database can hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click
        """Read it."""
        number: int = super().convert(value, param, ctx)
        if not 1 <= number <= MOST:
            self.fail(f"{value} is not a number from 1 to {MOST}", param, ctx)
        return number


NUMBER: Final = Number()
"""An id, or how many: at least 1."""

PORT: Final = click.IntRange(0, 65_535)
"""A TCP port; 0 lets the system choose."""


class Seconds(click.FloatRange):
    """A duration from nothing to ``most`` seconds."""

    name = "seconds"

    def __init__(self, most: float) -> None:
        super().__init__(0, most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click
        """Read it; what is not a number is refused by every comparison but click's."""
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


QUIET: Final = Seconds(300)
"""The quiet time: at most five minutes."""

WAIT: Final = Seconds(86_400)
"""The longest wait: at most a day."""

PAUSE: Final = Seconds(31_536_000)
"""Between two rounds of what comes again: at most a year."""

"""Crowds: how many requests at a time may have the authorization server asked."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Crowd:
    """Requests that are being proved; each asks the authorization server, so not any number of them."""

    most: int
    inside: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the next one has to come again."""
        return self.inside >= self.most

    @contextmanager
    def entered(self) -> Generator[None]:
        """One more is inside as long as the block lasts."""
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

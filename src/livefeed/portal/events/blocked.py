"""Blocked deliveries: a word in the log for each handler whose address this portal does not call."""

from collections.abc import Sequence
from typing import Final

from livefeed.durable.attempts import Attempt
from livefeed.durable.consumers import ConsumerId
from livefeed.telemetry import logger

_KEPT: Final = 1_000
_LOG: Final = logger("portal")


class BlockedHandlers:
    """Whom the log has told of; a new process tells again."""

    def __init__(self) -> None:
        self._told: set[ConsumerId] = set()

    def look(self, attempts: Sequence[Attempt]) -> None:
        """Tell of those that are new among ``attempts``."""
        for one in attempts:
            if one.error == "blocked" and one.consumer not in self._told:
                if len(self._told) >= _KEPT:
                    self._told.clear()
                self._told.add(one.consumer)
                _LOG.warning(
                    "handler_blocked",
                    consumer=one.consumer,
                    key=one.key,
                    why="its address is not a public one; serve with --allow-private to call it",
                )

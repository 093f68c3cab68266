"""Tidying: moments without work are used for the index of entries."""

import math
import time
from collections.abc import Callable
from typing import Final

from livefeed.durable.engines.unit import Tx
from livefeed.durable.entries import index_entries
from livefeed.durable.store import Store
from livefeed.errors import StoreError

_EVERY_S: Final = 1.0
_SLICE: Final = 50  # whoever comes meanwhile waits for a whole slice


class Tidying:
    """Indexes what has come; not in each moment: where few events come, that would be a commit for each."""

    def __init__(self, store: Store, now_s: Callable[[], float] = time.monotonic) -> None:
        """The first moment is used."""
        self._store = store
        self._now_s = now_s
        self._next_at_s = 0.0
        self._is_done = False

    def came(self) -> None:
        """There may be something to index."""
        self._is_done = False

    def until_s(self) -> float:
        """In how many seconds it is time; infinity: everything is indexed."""
        return math.inf if self._is_done else max(0.0, self._next_at_s - self._now_s())

    async def tidy(self) -> bool:
        """Index a slice, if it is time; say whether there may be more."""
        if self.until_s():
            return False
        try:
            if await self._store.write(_index_slice):
                return True
        except StoreError:
            pass  # the next moment will do
        else:
            self._is_done = True
        self._next_at_s = self._now_s() + _EVERY_S
        return False


def _index_slice(tx: Tx) -> int:
    return index_entries(tx, limit=_SLICE)

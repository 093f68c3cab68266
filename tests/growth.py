"""Work that grows with its input as it should: how it grows is judged, which holds on a slow machine too."""

import gc
import time
from collections.abc import Callable
from typing import Any

TIMES = 4
_AT_MOST = 8.0  # linear is 4, quadratic is 16
_TRIES = 4  # something else may have made the large one late


def assert_linear(work: Callable[[int], Callable[[], Any]], size: int) -> None:
    """Assert that four times the size takes well below sixteen times the work of this thread.

    ``work`` makes what is needed for a size and returns what is judged.
    """
    ratios: list[float] = []
    for _ in range(_TRIES):
        small, large = (_spent_s(work(each)) for each in (size // TIMES, size))
        ratios.append(large / small)
        if ratios[-1] < _AT_MOST:
            return
    raise AssertionError(f"{TIMES} times the size took {min(ratios):.1f} times as long")


def _spent_s(judged: Callable[[], Any]) -> float:
    """Seconds of this thread; without the collector, which would look at all that other tests have left."""
    gc.collect()
    gc.disable()
    try:
        began = time.thread_time()
        judged()
        return time.thread_time() - began
    finally:
        gc.enable()

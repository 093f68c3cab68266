"""How every client among the baselines is run: N loops that post the same bytes until the time is over.

argv of each: URL, file with the body, seconds, how many in flight, the core to run on (-1: any). It prints
one line of JSON: ``{"rate", "n", "errors"}``.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import uvloop

FORM = {"content-type": "application/x-www-form-urlencoded"}

Post = Callable[[str, bytes], Awaitable[int]]
"""Posts one body to a URL and returns the status."""


def loop(make: Callable[[], AbstractAsyncContextManager[Post]]) -> None:
    """Post with what ``make()`` yields, and print the figures."""
    url, body, seconds, width, core = sys.argv[1:6]
    if int(core) >= 0:
        os.sched_setaffinity(0, {int(core)})
    found = uvloop.run(_loop(make, url, Path(body).read_bytes(), float(seconds), int(width)))
    sys.stdout.write(json.dumps(found) + "\n")


async def _loop(
    make: Callable[[], AbstractAsyncContextManager[Post]], url: str, body: bytes, seconds: float, width: int
) -> dict[str, Any]:
    statuses: list[int] = []
    async with make() as post:
        await post(url, body)  # the first one pays for what is made once
        began = time.perf_counter()
        end = began + seconds

        async def lane() -> None:
            while time.perf_counter() < end:
                statuses.append(await post(url, body))

        await asyncio.gather(*(lane() for _ in range(width)))
        took_s = time.perf_counter() - began
    return {
        "rate": len(statuses) / took_s,
        "n": len(statuses),
        "errors": sum(status != 200 for status in statuses),
    }

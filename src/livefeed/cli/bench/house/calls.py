"""REST calls of benchmarks, by JSON."""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import cast

from livefeed.cli.bench.house.processes import BenchFailed
from livefeed.errors import LivefeedError
from livefeed.net.http import HttpClient


async def call(client: HttpClient, endpoint: str, method: str, params: Mapping[str, object]) -> object:
    """One REST call; its result.

    Raises:
        BenchFailed: It was refused.
    """
    answer = await client.send(
        "POST",
        f"{endpoint}{method}",
        body=json.dumps(params).encode(),
        headers={"content-type": "application/json"},
        max_answer_bytes=1 << 22,
    )
    if answer.status != 200:
        raise BenchFailed(f"{method}: {answer.status} {answer.body[:200]!r}")
    document = cast("dict[str, object]", json.loads(answer.body))
    return document["result"]


async def edit_each(
    client: HttpClient, webhook: str, posts: Sequence[int], *, per_s: float
) -> dict[int, int]:
    """Edit each post once at a steady rate; when each edit was answered (ns), for those that succeeded."""
    answered: dict[int, int] = {}
    began = time.monotonic()

    async def edit(place: int, post: int) -> None:
        await asyncio.sleep(max(0.0, began + place / per_s - time.monotonic()))
        params = {"POST_ID": post, "POST_TITLE": "Bench", "POST_MESSAGE": f"after {place}"}
        with contextlib.suppress(LivefeedError):
            await call(client, webhook, "log.blogpost.update", params)
            answered[post] = time.time_ns()

    await asyncio.gather(*(edit(place, post) for place, post in enumerate(posts)))
    return answered

"""Paging by ``start``: the first page tells how many there are, then all others are asked for at once."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from livefeed.client.access import Parameters
from livefeed.client.gathering.collector import PARALLEL
from livefeed.client.lists.progress import OnProgress, Progress
from livefeed.client.lists.rows import rows_in
from livefeed.errors import LivefeedError
from livefeed.wire.batch import MAX_COMMANDS
from livefeed.wire.calls import PAGE_SIZE, Answer
from livefeed.wire.form import JsonValue

Call = Callable[[str, Parameters], Awaitable[Answer]]
"""Makes one call until it is answered; calls at the same time may share a request."""

AHEAD: Final = MAX_COMMANDS * PARALLEL
"""Pages that are asked for ahead of the one that is read."""


async def rows(
    call: Call, method: str, params: Parameters, *, at: str = "", progress: OnProgress | None = None
) -> AsyncGenerator[JsonValue]:
    """The rows of all pages, in the order of the portal.

    Source: https://apidocs.bitrix24.com/settings/performance/huge-data.html
    """
    first = await call(method, {**params, "start": 0})
    total, done = first.total, 0
    begun = _others(first, total)
    ahead: deque[asyncio.Future[Answer]] = deque()

    def fill() -> None:
        while begun and len(ahead) <= AHEAD - MAX_COMMANDS:  # a whole batch at a time
            for _ in range(min(MAX_COMMANDS, len(begun))):
                ahead.append(asyncio.ensure_future(call(method, {**params, "start": begun.popleft()})))

    page: Answer | None = first
    try:
        while page is not None:
            fill()
            found = rows_in(page.result, at)
            done += len(found)
            if progress is not None:
                progress(Progress(done=done, total=total))
            for row in found:
                yield row
            fill()
            page = await _next(call, method, params, page, ahead)
    finally:
        for future in ahead:
            future.cancel()
        with suppress(LivefeedError):
            await asyncio.gather(*ahead, return_exceptions=True)


def _others(first: Answer, total: int | None) -> deque[int]:
    """Where the other pages begin, as far as the first one tells."""
    if first.next is None or total is None:
        return deque()
    return deque(range(first.next, total, PAGE_SIZE))


async def _next(
    call: Call, method: str, params: Parameters, page: Answer, ahead: deque[asyncio.Future[Answer]]
) -> Answer | None:
    """The page after ``page``: one that was asked for, or one that has come into being meanwhile."""
    if ahead:
        return await ahead.popleft()
    if page.next is None:
        return None
    following = await call(method, {**params, "start": page.next})
    if following.next is None or following.next > page.next:
        return following
    # A portal that names the same start again would be asked for ever.
    return msgspec.structs.replace(following, next=None)

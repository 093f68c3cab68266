"""Brings the results of a thread back to the event loops that wait for them, one call a loop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

Future = asyncio.Future[Any]
Reply = tuple[Future, object, BaseException | None]
Listener = tuple[asyncio.AbstractEventLoop, Callable[[], None]]


def hand_over(replies: Sequence[Reply], listeners: Sequence[Listener] = ()) -> None:
    """Resolve every future and call every listener, each in its own loop."""
    by_loop: dict[asyncio.AbstractEventLoop, tuple[list[Reply], list[Callable[[], None]]]] = {}
    for reply in replies:
        by_loop.setdefault(reply[0].get_loop(), ([], []))[0].append(reply)
    for loop, callback in listeners:
        by_loop.setdefault(loop, ([], []))[1].append(callback)
    for loop, (own, callbacks) in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, own, callbacks)
        except RuntimeError:
            continue  # that loop is closed: nobody waits there any more


def _resolve(replies: Sequence[Reply], callbacks: Sequence[Callable[[], None]]) -> None:
    for future, value, error in replies:
        if future.done():
            continue  # its caller was cancelled
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
    for callback in callbacks:
        callback()

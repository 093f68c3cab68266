"""Brings the results of a thread back to the event loops that wait for them, one call a loop."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Future = asyncio.Future[Any]
Replies = tuple[Sequence[Future], Sequence[object], BaseException | None]
"""Futures with a result each, or with one error for all of them."""

Listener = tuple[asyncio.AbstractEventLoop, Callable[[], None]]


class Listeners:
    """Who is called after a commit that woke a topic."""

    def __init__(self) -> None:
        self._of: dict[str, list[Listener]] = {}

    def add(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` whenever ``topic`` was woken, until the returned function is called."""
        self._of[topic] = [*self._of.get(topic, []), listener]

        def end() -> None:
            left = [one for one in self._of.get(topic, ()) if one is not listener]
            if left:
                self._of[topic] = left
            else:
                self._of.pop(topic, None)  # a topic of one person comes and goes with his pages

        return end

    def of(self, topics: Iterable[str]) -> list[Listener]:
        """The listeners of these topics."""
        return [one for topic in topics for one in self._of.get(topic, ())]

    def of_all(self) -> list[Listener]:
        """Every listener."""
        return self.of(list(self._of))


_Mail = tuple[list[Replies], list[Callable[[], None]]]


def hand_over(replies: Sequence[Replies], listeners: Sequence[Listener] = ()) -> None:
    """Resolve every future and call every listener, each in its own loop."""
    by_loop: dict[asyncio.AbstractEventLoop, _Mail] = {}
    for one in replies:
        for loop, own in _by_loop(one):
            by_loop.setdefault(loop, ([], []))[0].append(own)
    for loop, callback in listeners:
        by_loop.setdefault(loop, ([], []))[1].append(callback)
    for loop, (own, callbacks) in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, own, callbacks)
        except RuntimeError:
            continue  # that loop is closed: nobody waits there any more


def _by_loop(replies: Replies) -> list[tuple[asyncio.AbstractEventLoop, Replies]]:
    futures, results, error = replies
    loops = {future.get_loop() for future in futures}
    if len(loops) == 1:
        return [(loops.pop(), replies)]
    return [
        (future.get_loop(), ([future], results[place : place + 1], error))
        for place, future in enumerate(futures)
    ]


def _resolve(replies: Sequence[Replies], callbacks: Sequence[Callable[[], None]]) -> None:
    for futures, results, error in replies:
        if error is None:
            for future, result in zip(futures, results, strict=True):
                if not future.done():  # else its caller was cancelled
                    future.set_result(result)
        else:
            for future in futures:
                if not future.done():
                    future.set_exception(error)
    for callback in callbacks:
        callback()

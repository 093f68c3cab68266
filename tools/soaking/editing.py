"""Edits posts through REST and records what is known to be stored; the outcome of a cut call is read back."""

import http.client
import re
import threading
import time
from typing import Any, Protocol

from tests.system.world import rest

_CUT = (OSError, ValueError, http.client.HTTPException)
"""What a call that was cut off raises, also in the middle of its answer."""


class Recorder(Protocol):
    """Where a line goes."""

    def write(
        self, kind: str, portal: str, post: int, *, seq: int | None = None, id: str | None = None
    ) -> None: ...


def shown_numbers(reader: str) -> dict[int, int]:
    """The number of the newest edit that the reader's bell tells of, by post."""
    found: Any = rest(reader, "im.notify.get", LIMIT=50)["notifications"]
    numbers: dict[int, int] = {}
    for notice in found:
        tag = re.search(r"-(\d+)-", notice["notify_tag"] or "")
        told = [int(number) for number in re.findall(r"\d+", notice["text"].split("edit", 1)[-1])]
        if tag and told:
            post = int(tag[1])
            numbers[post] = max(numbers.get(post, -1), *told)
    return numbers


class Editor:
    """One person who edits one post after the other, until told to stop."""

    def __init__(
        self, webhook: str, posts: list[int], history: Recorder, portal: str, *, pause_s: float
    ) -> None:
        self.webhook = webhook
        self.posts = posts
        self.history = history
        self.portal = portal
        self.pause_s = pause_s
        self.last: dict[int, int] = {}
        self.unanswered = 0
        self.unexpected: list[str] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        number = 0
        try:
            while not self.over.is_set():
                number += 1
                for post in self.posts:
                    self._edit(post, number)
                    if self.over.wait(self.pause_s):
                        return
        except Exception as exc:  # noqa: BLE001 - a thread has nobody else to tell
            self.unexpected.append(f"{type(exc).__name__}: {exc}")

    def _edit(self, post: int, number: int) -> None:
        """Edit until it is certain that this edit is stored; one that nobody counts could hide a loss."""
        while True:
            try:
                rest(self.webhook, "log.blogpost.update", POST_ID=post, POST_MESSAGE=f"edit {number} here")
            except _CUT:
                self.unanswered += 1
                if not self._is_stored(post, number):
                    continue
            # Two processes cannot agree on a moment, so each edit of a post has its own.
            self.history.write("acked", f"{self.portal}-deliveries", post, seq=number)
            self.last[post] = number
            return

    def _is_stored(self, post: int, number: int) -> bool:
        while True:
            try:
                [found] = rest(self.webhook, "log.blogpost.get", POST_ID=post)
            except _CUT:
                time.sleep(0.05)
                continue
            return f"edit {number} " in f"{found['DETAIL_TEXT']} "

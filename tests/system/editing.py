"""Load at a portal's REST door: edits of posts, and what was acknowledged of them."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from itertools import count
from typing import Final

from tests.system.world import eventually

SLOW_S: Final = 60.0


class Editor(threading.Thread):
    """Edits its posts in turn through REST, each edit until it is acknowledged; what the last of each was."""

    def __init__(self, webhook_url: str, posts: list[int]) -> None:
        super().__init__(daemon=True)
        self.answers: Counter[int] = Counter()
        self.without_retry_after = 0
        self.last: dict[int, int] = {}
        self.acked = 0
        self._url, self._posts = webhook_url, posts
        self._is_over = threading.Event()

    def run(self) -> None:
        for number in count(1):
            for post in self._posts:
                while not self._is_over.is_set() and self._edit(post, number) != 200:
                    self._is_over.wait(0.02)
                if self._is_over.is_set():
                    return
                self.last[post] = number
                self.acked += 1

    def stop(self) -> None:
        self._is_over.set()
        self.join()

    def _edit(self, post: int, number: int) -> int:
        fields = {"POST_ID": post, "POST_TITLE": f"Plan {post}", "POST_MESSAGE": f"edit {number} here"}
        request = urllib.request.Request(
            f"{self._url}log.blogpost.update",
            json.dumps(fields).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status = answer.status
        except urllib.error.HTTPError as refused:
            with refused:
                status = refused.code
                self.without_retry_after += "retry-after" not in refused.headers
        self.answers[status] += 1
        return status


def edited(editor: Editor) -> None:
    before = editor.acked
    eventually(lambda: editor.acked >= before + 20, what="edits are acknowledged", within_s=SLOW_S)

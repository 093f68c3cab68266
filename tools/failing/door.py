"""Load at the door of an application, with its own list of what was acknowledged.

It uses nothing of livefeed.
"""

import http.client
import json
import threading
import time
from collections import Counter
from itertools import count, pairwise
from pathlib import Path
from urllib.parse import urlencode

ANSWER_S = 30.0
PAUSE_S = 0.02
PACE_S = 0.004
FIRST_POST = 5_000_000
POSTS = 8


def body_of(member_id: str, token: str, post: int, number: int) -> bytes:
    """One change of a post as the portal tells of it, numbered in ``ts``."""
    return urlencode(
        {
            "event": "ONLIVEFEEDPOSTUPDATE",
            "event_handler_id": 731,
            "data[FIELDS][POST_ID]": post,
            "ts": number,
            "auth[scope]": "log",
            "auth[domain]": "some-domain.bitrix24.com",
            "auth[status]": "L",
            "auth[member_id]": member_id,
            "auth[application_token]": token,
        }
    ).encode()


class DoorLoad:
    """Threads, each with posts of its own: a change is sent until it is answered with 200, then the next is.

    Attributes:
        acked: (post, number, when) of each change that was answered with 200, in the order of answers.
        answers: How often each status, ``cut``, ``refused`` or ``timeout`` was the answer.
        without_retry_after: How many 503 said nothing of when to come again.
    """

    def __init__(
        self,
        ports: list[int],
        member_id: str,
        token: str,
        *,
        threads: int = 8,
        first_post: int = FIRST_POST,
    ) -> None:
        self.acked: list[tuple[int, int, float]] = []
        self.answers: Counter[str] = Counter()
        self.without_retry_after = 0
        self._member_id, self._token = member_id, token
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(
                target=self._run, args=(ports[n % len(ports)], first_post + n * POSTS), daemon=True
            )
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each end with the answer that it waits for."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def acked_since(self, moment: float) -> int:
        """How many were acknowledged after this moment of the monotonic clock."""
        return sum(1 for _, _, at in list(self.acked) if at > moment)

    def longest_gap_s(self, since: float) -> float:
        """The longest time without an acknowledgement after this moment, between two that there were."""
        times = [since, *(at for _, _, at in list(self.acked) if at > since)]
        return max((later - sooner for sooner, later in pairwise(times)), default=0.0)

    def write(self, path: Path) -> None:
        """Append the acknowledgements as `check-history` reads them."""
        with path.open("a") as file:
            for post, number, at in self.acked:
                line = {"kind": "acked", "portal": self._member_id, "post": post, "seq": number}
                file.write(json.dumps({**line, "at_ms": int(at * 1000)}) + "\n")

    def _run(self, port: int, first_post: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        for number in count(POSTS):
            post = first_post + number % POSTS
            body = body_of(self._member_id, self._token, post, number // POSTS)
            while not self._is_acked(connection, body):
                if self._is_over.wait(PAUSE_S):
                    connection.close()
                    return
            self.acked.append((post, number // POSTS, time.monotonic()))
            if self._is_over.is_set():
                break
            self._is_over.wait(PACE_S)
        connection.close()

    def _is_acked(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        answer = self._ask(connection, body)
        with self._lock:
            self.answers[answer] += 1
        return answer == "200"

    def _ask(self, connection: http.client.HTTPConnection, body: bytes) -> str:
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/events", body, headers)
            answer = connection.getresponse()
            answer.read()
        except ConnectionRefusedError:
            word = "refused"
        except TimeoutError:
            word = "timeout"
        except (OSError, http.client.HTTPException):
            word = "cut"
        else:
            if answer.status == http.client.SERVICE_UNAVAILABLE and not answer.headers["retry-after"]:
                self.without_retry_after += 1
            return str(answer.status)
        connection.close()
        return word

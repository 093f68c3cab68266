"""Bells: topics that one process woke reach the listeners of the others, a few milliseconds after the commit.

A bell may be lost with its process: who listens looks by itself now and then.
"""

import threading
import uuid
from collections.abc import Callable
from typing import Final

import msgspec
import psycopg

from livefeed.durable.engines.postgresql.lines import Line
from livefeed.errors import StoreUnavailable

_CHANNEL: Final = "livefeed"
_LISTEN: Final = f"LISTEN {_CHANNEL}"
_SEND: Final = "SELECT pg_notify(:channel, :payload)"
_COLLECT_S: Final = 0.005
_LOOK_EVERY_S: Final = 0.5
_MOST_TOPICS: Final = 50

_decode: Final = msgspec.json.Decoder(list[str])


class Bells:
    """Owns two connections: one that rings, one that listens."""

    def __init__(
        self,
        ringing: Line,
        listening: Line,
        *,
        on_rung: Callable[[set[str]], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Prepare; ``on_gap`` is called when bells may have been missed."""
        self._ringing = ringing
        self._listening = listening
        self._on_rung = on_rung
        self._on_gap = on_gap
        self._me = uuid.uuid4().hex
        self._topics: set[str] = set()
        self._has_topics = threading.Event()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._ring, name="livefeed-rings", daemon=True),
            threading.Thread(target=self._listen, name="livefeed-listens", daemon=True),
        ]
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen from now on.

        Raises:
            StoreUnavailable: The server does not answer.
        """
        self._listening.conn().execute(_LISTEN)
        for thread in self._threads:
            thread.start()

    def ring(self, topics: set[str]) -> None:
        """Tell the other processes soon."""
        with self._lock:
            self._topics |= topics
        self._has_topics.set()

    def close(self) -> None:
        """End the threads and close the connections."""
        self._ended.set()
        self._has_topics.set()
        for thread in self._threads:
            thread.join()

    def _ring(self) -> None:
        while not self._ended.is_set():
            self._has_topics.wait()
            self._ended.wait(_COLLECT_S)  # one bell for all that was woken meanwhile
            with self._lock:
                topics, self._topics = sorted(self._topics), set()
                self._has_topics.clear()
            for start in range(0, len(topics), _MOST_TOPICS):
                self._send([self._me, *topics[start : start + _MOST_TOPICS]])
        self._send([self._me])  # the other thread hears it, and ends
        self._ringing.drop()

    def _send(self, words: list[str]) -> None:
        payload = msgspec.json.encode(words).decode()
        try:
            self._ringing.conn().execute(_SEND, {"channel": _CHANNEL, "payload": payload})
        except (psycopg.Error, StoreUnavailable):
            self._ringing.drop()

    def _listen(self) -> None:
        is_listening = True
        while not self._ended.is_set():
            try:
                conn = self._listening.conn()
                if not is_listening:
                    conn.execute(_LISTEN)
                    is_listening = True
                    self._on_gap()
                for note in conn.notifies(timeout=_LOOK_EVERY_S, stop_after=1):
                    sender, *topics = _decode.decode(note.payload)
                    if sender != self._me:
                        self._on_rung(set(topics))
            except (psycopg.Error, StoreUnavailable):
                is_listening = False
                self._listening.drop()
                self._ended.wait(_LOOK_EVERY_S)
            except (msgspec.DecodeError, ValueError):
                continue  # somebody else's word on our channel
        self._listening.drop()

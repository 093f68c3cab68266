"""Checkpoints: copies the write-ahead log into the database file from a thread of its own."""

import sqlite3
import threading
from typing import Final

from livefeed import telemetry
from livefeed.durable.engines.writer import Writer

_LOOK_EVERY_S: Final = 0.25
_WRITER_HELPS_ABOVE_PAGES: Final = 8_192


class Checkpoints:
    """Owns the checkpointing connection and its thread."""

    def __init__(self, conn: sqlite3.Connection, writer: Writer) -> None:
        self._conn = conn
        self._writer = writer
        self._seen = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livefeed-checkpoints", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and close the connection."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            if self._writer.commits != self._seen:
                self._seen = self._writer.commits
                self._copy()
        self._conn.close()

    def _copy(self) -> None:
        """Copy what is committed; under constant load the writer copies the rest: the log starts anew."""
        try:
            pages = self._copy_once()
            if pages > _WRITER_HELPS_ABOVE_PAGES:
                pages = self._copy_once()  # what has come meanwhile, so that little is left for the writer
        except sqlite3.Error:
            return  # busy, a full disk or worse: the log just grows until the next look
        telemetry.log_pages.set(pages)
        if pages > _WRITER_HELPS_ABOVE_PAGES:
            self._writer.ask_checkpoint()

    def _copy_once(self) -> int:
        """Copy what is committed by now; how many pages the log has."""
        _, pages, _ = self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return int(pages)

"""One connection: what its transport tells goes to the reader and to the line."""

import asyncio
from typing import cast

from livefeed.app.exchange import BUSY, refused
from livefeed.app.http.bridge import Call
from livefeed.app.http.desk import EventExchange
from livefeed.app.http.hall import Hall
from livefeed.app.http.heads import Head
from livefeed.app.http.line import Exchange, Line
from livefeed.app.http.reading import Reader
from livefeed.app.http.scopes import Ends


class Connection(asyncio.Protocol):
    """Steers how much is read by how much is answered, and ends what lasts too long."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._is_paused = False
        self._has_heard_the_end = False
        self._closing_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the others, if there is room."""
        # uvloop's transports are none by inheritance.
        self._transport = cast("asyncio.Transport", transport)
        self._line = Line(self._transport, self._hall.accepted)
        self._reader = Reader(self._line, self._hall, self._exchange_of)
        self._ends: Ends | None = None
        if not self._hall.enter(self):
            self._reader.refuse(refused(BUSY))
        elif self._hall.is_closing:
            self._line.close()
        elif self._hall.is_last_call:
            self.last_call()

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        reader = self._reader
        if reader.is_deaf or self._line.is_closing:
            self._line.forget_bytes(len(data))
            return
        reader.take(data)
        if reader.is_full() or reader.has_held:
            self._steer()

    def eof_received(self) -> bool:
        """The sender has said everything; what it asked for is still answered."""
        self._has_heard_the_end = True
        if not self._reader.has_held:  # else when that is read
            self._end_reading()
        return len(self._line) > 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        del exc
        self._reader.is_deaf = True
        self._line.lost()
        self._hall.leave(self)

    def pause_writing(self) -> None:
        """The receiver is slower than the answers."""
        self._line.stuck_since = self._hall.now
        self._steer()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._line.resume()
        self._steer()

    def sweep(self) -> None:
        """End what has lasted too long."""
        line, now = self._line, self._hall.now
        if line.is_closing and self._closing_since is None:
            self._closing_since = now
        waiting_since = line.stuck_since if self._closing_since is None else self._closing_since
        if waiting_since is not None and now - waiting_since > self._hall.limits.write_s:
            line.drop()
        elif not line.is_closing and not self._reader.is_deaf:
            self._reader.sweep()

    def last_call(self) -> None:
        """End with the next answer."""
        self._line.is_leaving = True

    def leave_soon(self) -> None:
        """Finish what is being answered, then end."""
        self._line.is_leaving = True
        if not self._line and self._reader.is_idle:
            self._line.close()

    def drop(self) -> None:
        """End at once."""
        self._line.drop()

    def _exchange_of(self, head: Head) -> Exchange:
        if head.is_event and self._hall.desk is not None:
            return EventExchange(self._line, self._hall.desk, head)
        if self._ends is None:
            self._ends = Ends.of(self._transport, self._hall.scheme)
        return Call(self._line, self._hall, head, self._ends, self._steer)

    def _end_reading(self) -> None:
        self._reader.end()
        self._line.hear_the_end()
        if not self._line:
            self._line.close()

    def _steer(self) -> None:
        """Read on, or have the transport wait: by how much waits to be answered and to be sent."""
        reader, line = self._reader, self._line
        if line.is_closing:
            return
        if reader.has_held and line.stuck_since is None and not reader.is_full():
            reader.go_on()
            if self._has_heard_the_end and not reader.has_held:
                self._end_reading()
                return
        should_pause = not reader.is_deaf and (
            reader.is_full() or reader.has_held or line.stuck_since is not None
        )
        if should_pause != self._is_paused:
            self._is_paused = should_pause
            line.when_shorter = self._steer if should_pause else None
            (self._transport.pause_reading if should_pause else self._transport.resume_reading)()

"""The line of a connection: answers leave in the order in which their requests came."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from livefeed.app.exchange import ACCEPTED, DoorAnswer
from livefeed.app.http.answers import Accepted, whole

_LINGER_S: Final = 2.0
_SILENCE_S: Final = 0.25
_LINGER_BYTES: Final = 16 * 1024 * 1024


class Exchange:
    """One request and its answer; this one is a request whose head could not be used.

    Attributes:
        answer: The whole answer, once it is known; exchanges that send theirs in parts have none.
        keeps_alive: Whether another request may follow.
    """

    __slots__ = ("answer", "keeps_alive")

    def __init__(self, *, keeps_alive: bool = False) -> None:
        self.answer: DoorAnswer | None = None
        self.keeps_alive = keeps_alive

    def begin(self) -> None:
        """It is first in line from now on."""

    def feed(self, data: bytes) -> DoorAnswer | None:
        """Take a part of the body; the answer to one that is too long."""

    def end(self) -> None:
        """The body is complete."""

    def take(self, body: bytes) -> None:
        """Take the whole body, which is no longer than it may be."""
        self.feed(body)
        self.end()

    def is_full(self) -> bool:
        """Whether no more of the body can be taken now."""
        return False

    def overrule(self) -> bool:
        """Drop the answer that is being made; False if a part of it is sent already."""
        return True

    def hear_the_end(self) -> None:
        """The sender will say nothing more, but may still listen."""

    def resume(self) -> None:
        """The receiver has caught up."""

    def abandon(self) -> None:
        """The sender is gone."""


class Line:
    """The exchanges of one connection that are not answered yet.

    Attributes:
        is_leaving: The connection ends when the line is empty.
        is_closing: Nothing more is sent.
        stuck_since: Since when the receiver takes nothing; None: it keeps up.
        when_shorter: Called when there is room for more, if somebody waits for that.
    """

    def __init__(self, transport: asyncio.Transport, accepted: Accepted) -> None:
        self._transport = transport
        self._accepted = accepted
        self._exchanges: deque[Exchange] = deque()
        self._forgotten_bytes = 0
        self._heard = 0
        self.is_leaving = False
        self.is_closing = False
        self.stuck_since: float | None = None
        self.when_shorter: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._exchanges)

    @property
    def closes(self) -> bool:
        """Whether the connection ends with the exchange that is answered now, if it is the last in line."""
        return self.is_leaving and len(self._exchanges) == 1

    def write(self, data: bytes) -> None:
        """Send; only for the exchange that is first in line."""
        if not self.is_closing:
            self._transport.write(data)

    def join(self, exchange: Exchange) -> None:
        """One more, at the end."""
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            exchange.begin()

    def answered(self, exchange: Exchange) -> None:
        """Its whole answer is known: if it is first in line, send it and those behind it."""
        exchanges = self._exchanges
        if not exchanges or exchanges[0] is not exchange:
            return
        if (
            exchange.answer is ACCEPTED
            and exchange.keeps_alive
            and len(exchanges) == 1
            and not self.is_leaving
        ):
            exchanges.popleft()  # as below, for nearly all events
            if not self.is_closing:
                self._transport.write(self._accepted.lasting)
        while exchanges:
            first = exchanges[0]
            if first.answer is None:
                first.begin()
                break
            closes = first.answer.closes or not first.keeps_alive or self.closes
            if not self.is_closing:
                self._send(first.answer, closes=closes)
            exchanges.popleft()
            if closes:
                self.close(lingers=first.answer.closes)
                return
        if self.when_shorter is not None:
            self.when_shorter()

    def finished(self, exchange: Exchange, *, closes: bool) -> None:
        """It sent its answer in parts, and this was the last of them."""
        if not self._exchanges or self._exchanges[0] is not exchange:
            return
        self._exchanges.popleft()
        if closes:
            self.close()
        elif self._exchanges:
            self._exchanges[0].begin()
            self.answered(self._exchanges[0])
        elif self.when_shorter is not None:
            self.when_shorter()

    def forget(self, exchange: Exchange) -> None:
        """Its request will never be complete."""
        if exchange in self._exchanges:
            self._exchanges.remove(exchange)
        exchange.abandon()

    def hear_the_end(self) -> None:
        """The sender will say nothing more: end when everything is answered."""
        self.is_leaving = True
        for exchange in self._exchanges:
            exchange.hear_the_end()

    def resume(self) -> None:
        """The receiver has caught up."""
        self.stuck_since = None
        for exchange in self._exchanges:
            exchange.resume()

    def close(self, *, lingers: bool = False) -> None:
        """Send what is left, then end.

        With ``lingers``, read on and forget for a while: a sender still busy sending would lose the answer
        to a reset connection.
        """
        if self.is_closing:
            return
        self.is_closing = True
        self._abandon()
        if not lingers:
            self._transport.close()
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        loop = asyncio.get_running_loop()
        loop.call_later(_SILENCE_S, self._linger, loop, loop.time() + _LINGER_S)

    def drop(self) -> None:
        """End at once."""
        self.is_closing = True
        self._transport.abort()

    def lost(self) -> None:
        """The connection is no more."""
        self.is_closing = True
        self._abandon()

    def forget_bytes(self, count: int) -> None:
        """So much came that nobody reads."""
        self._forgotten_bytes += count

    def _linger(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        is_silent = self._heard == self._forgotten_bytes
        self._heard = self._forgotten_bytes
        if is_silent or self._heard > _LINGER_BYTES or loop.time() >= until:
            self._transport.close()
        else:
            loop.call_later(_SILENCE_S, self._linger, loop, until)

    def _send(self, answer: DoorAnswer, *, closes: bool) -> None:
        if answer is ACCEPTED:
            self._transport.write(self._accepted.closing if closes else self._accepted.lasting)
        else:
            self._transport.write(whole(answer, self._accepted.date, closes=closes))

    def _abandon(self) -> None:
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            exchange.abandon()

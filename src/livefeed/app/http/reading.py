"""Reading: the bytes of one connection become requests, bounded at each step."""

from collections.abc import Callable
from typing import Final

import httptools

from livefeed.app.exchange import TOO_SLOW, DoorAnswer, refused
from livefeed.app.http.hall import Hall
from livefeed.app.http.heads import HEAD_TOO_LARGE, HEAD_TOO_SLOW, NOT_HTTP, Head, Header, read_head
from livefeed.app.http.line import Exchange, Line

_SLICE: Final = 16_384

# What is being read.
_NOTHING: Final = 0
_HEAD: Final = 1
_BODY: Final = 2


class Reader:
    """Feeds the parser, and puts an exchange in line for each request.

    Attributes:
        is_deaf: Nothing more is read; what comes is forgotten.
    """

    def __init__(self, line: Line, hall: Hall, exchange_of: Callable[[Head], Exchange]) -> None:
        self._line = line
        self._hall = hall
        self._exchange_of = exchange_of
        self._parser = httptools.HttpRequestParser(self)
        self._reading = _NOTHING
        self._since = hall.now
        self._target = b""
        self._headers: list[Header] = []
        # Of what is being fed, if a request began with it.
        self._heads: list[Head] | None = None
        self._current: Exchange | None = None
        self._silent_bytes = 0
        self._held = b""
        self.is_deaf = False

    @property
    def is_idle(self) -> bool:
        """Whether no request has begun."""
        return self._reading == _NOTHING

    @property
    def has_held(self) -> bool:
        """Whether something came that is not looked at yet."""
        return bool(self._held)

    def is_full(self) -> bool:
        """Whether nothing more should come now."""
        return len(self._line) >= self._hall.limits.exchanges or (
            self._current is not None and self._current.is_full()
        )

    def take(self, data: bytes) -> None:
        """Read what came, a slice at a time as long as the line is not full."""
        if self._reading == _NOTHING and not self._held:
            known = self._hall.heads.find(data)
            if known is not None:
                self._pass_by(*known)
                return
        if not self._held and len(data) <= _SLICE:
            self._feed(data)
        else:
            self._held += data
            self.go_on()

    def _pass_by(self, head: Head, body: bytes) -> None:
        """Put a request in line that the parser need not read."""
        self._since = self._hall.now
        self._silent_bytes = 0
        exchange = self._exchange_of(head)
        self._line.join(exchange)
        exchange.take(body)

    def go_on(self) -> None:
        """Read what is held."""
        held, place = self._held, 0
        while place < len(held) and not self.is_deaf and not self.is_full():
            self._feed(held[place : place + _SLICE])
            place += _SLICE
        self._held = b"" if self.is_deaf else held[place:]

    def refuse(self, answer: DoorAnswer) -> None:
        """Read nothing more, and end with this answer to what is being read."""
        self.is_deaf = True
        current, self._current = self._current, None
        if current is None:
            current = Exchange()
            self._line.join(current)
        elif not current.overrule():
            self._line.drop()
            return
        current.answer = answer
        self._line.answered(current)

    def end(self) -> None:
        """The sender will say nothing more: a request that is not complete never will be."""
        self.is_deaf = True
        current, self._current = self._current, None
        if current is not None:
            self._line.forget(current)

    def sweep(self) -> None:
        """Refuse what comes too slowly; end a connection on which nothing happens."""
        limits, waited = self._hall.limits, self._hall.now - self._since
        if self._reading == _HEAD:
            if waited > limits.head_s:
                self.refuse(refused(HEAD_TOO_SLOW))
        elif self._reading == _BODY:
            if waited > limits.body_s and self._current is not None and not self._current.is_full():
                self.refuse(refused(TOO_SLOW))
        elif self._line:
            self._since = self._hall.now  # the sender waits for us
        elif waited > limits.idle_s:
            self._line.close()

    def _feed(self, data: bytes) -> None:
        # Counts what leads to nothing: heads and trailers without end, extensions of chunks.
        self._silent_bytes += len(data)
        self._heads = [] if self._reading == _NOTHING else None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_deaf = True  # another protocol would follow; the request itself is answered
        except httptools.HttpParserError:
            if not self.is_deaf:
                self.refuse(refused(NOT_HTTP))
        else:
            if self._silent_bytes > self._hall.limits.head_bytes and not self.is_deaf:
                self.refuse(refused(HEAD_TOO_LARGE))
            elif self._heads is not None and len(self._heads) == 1 and self._reading == _NOTHING:
                self._hall.heads.learn(data, self._heads[0])

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._reading = _HEAD
        self._since = self._hall.now
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header; those behind a chunked body are forgotten."""
        if self._reading == _HEAD:
            self._headers.append((name, value or b""))

    def on_headers_complete(self) -> None:
        """The head is there; its exchange joins the line."""
        if self.is_deaf:
            return
        parser = self._parser
        head = read_head(
            parser.get_method(),
            self._target,
            self._headers,
            parser.get_http_version(),
            parser.should_keep_alive(),
            self._hall.limits,
            self._hall.events,
        )
        if isinstance(head, DoorAnswer):
            self.refuse(head)
            return
        self._reading = _BODY
        self._since = self._hall.now
        self._silent_bytes = 0
        if self._heads is not None:
            self._heads.append(head)
        self._current = exchange = self._exchange_of(head)
        self._line.join(exchange)

    def on_body(self, data: bytes) -> None:
        """A part of a body."""
        current = self._current
        if current is not None:
            self._silent_bytes = 0
            refusal = current.feed(data)
            if refusal is not None:
                self.refuse(refusal)

    def on_message_complete(self) -> None:
        """A request is complete."""
        current, self._current = self._current, None
        if current is None:
            return
        self._reading = _NOTHING
        self._since = self._hall.now
        self._silent_bytes = 0
        if not current.keeps_alive:
            self.is_deaf = True
        current.end()

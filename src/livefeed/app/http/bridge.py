"""The bridge to ASGI: one task for each request that is not an event."""

import asyncio
from collections.abc import Callable
from typing import Final

from livefeed.app.exchange import DoorAnswer, Message
from livefeed.app.http.answers import CONTINUE, FAILED
from livefeed.app.http.hall import Hall
from livefeed.app.http.heads import NOT_HTTP, Head
from livefeed.app.http.line import Exchange, Line
from livefeed.app.http.parts import Parts
from livefeed.app.http.scopes import Ends, scope_of
from livefeed.telemetry import logger

_LOG: Final = logger("app")


class Call(Exchange):
    """A request on its way through the ASGI application, which starts when it is first in line."""

    def __init__(self, line: Line, hall: Hall, head: Head, ends: Ends, steer: Callable[[], None]) -> None:
        """Prepare; ``steer`` is called when more of the body can be taken."""
        super().__init__(keeps_alive=head.keeps_alive)
        self._line = line
        self._hall = hall
        self._head = head
        self._ends = ends
        self._steer = steer
        self._body = bytearray()
        self._has_come = False
        self._has_been_read = False
        self._is_gone = False
        self._expects_continue = head.expects_continue
        self._stirred = asyncio.Event()
        self._parts = Parts(head, hall.accepted)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the application."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def feed(self, data: bytes) -> DoorAnswer | None:
        """Keep a part of the body until it is asked for."""
        self._body += data
        self._stirred.set()

    def end(self) -> None:
        """The body has come."""
        self._has_come = True
        self._stirred.set()

    def is_full(self) -> bool:
        """Whether the application has to take some of the body first."""
        return len(self._body) >= self._hall.limits.waiting_bytes

    def overrule(self) -> bool:
        """Leave the application to itself; False if a part of its answer is sent already."""
        self.abandon()
        return not self._parts.has_begun

    def hear_the_end(self) -> None:
        """The application learns it when it asks for more; it may still answer."""
        self._is_gone = True
        self._stirred.set()

    def resume(self) -> None:
        """The receiver has caught up."""
        self._stirred.set()

    def abandon(self) -> None:
        """The application learns it when it asks for more; what it answers is forgotten."""
        self.hear_the_end()

    async def _run(self) -> None:
        scope = scope_of(self._head, self._ends)
        if scope is None:
            self._give_up(NOT_HTTP)
            return
        try:
            await self._hall.asgi(scope, self._receive, self._send)
        except Exception:  # noqa: BLE001 - the application is its developer's code
            _LOG.exception("request_failed", method=scope["method"])
        if not self._parts.is_done:
            self._give_up(FAILED)

    async def _receive(self) -> Message:
        while not (self._body or self._is_gone or (self._has_come and not self._has_been_read)):
            if self._expects_continue and not self._parts.has_begun:
                self._expects_continue = False
                self._line.write(CONTINUE)
            self._stirred.clear()
            await self._stirred.wait()
        if not self._body and (self._has_been_read or not self._has_come):
            return {"type": "http.disconnect"}
        body = bytes(self._body)
        self._body.clear()
        self._has_been_read = self._has_come
        message = {"type": "http.request", "body": body, "more_body": not self._has_come}
        self._steer()  # more may come by this
        return message

    async def _send(self, message: Message) -> None:
        closes = not (self._has_come and self.keeps_alive) or self._line.closes
        data = self._parts.take(message, closes=closes)
        if data:
            self._line.write(data)
        if self._parts.is_done:
            self._line.finished(self, closes=self._parts.closes)
        while self._line.stuck_since is not None and not self._line.is_closing:
            self._stirred.clear()
            await self._stirred.wait()

    def _give_up(self, answer: DoorAnswer) -> None:
        """Answer in place of the application, or end if a part of its own answer is sent."""
        if self._parts.has_begun:
            self._line.drop()
        elif self.answer is None:
            self.answer = answer
            self._line.answered(self)

"""The hall: what all connections of one server share."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from livefeed.app.exchange import Receive, Scope, Send
from livefeed.app.http.answers import Accepted
from livefeed.app.http.desk import Desk
from livefeed.app.http.heads import EVENTS, KnownHeads
from livefeed.app.http.limits import HttpLimits

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guest(Protocol):
    """One connection, as the hall sees it."""

    def sweep(self) -> None:
        """End what has lasted too long."""
        ...

    def last_call(self) -> None:
        """End with the next answer."""
        ...

    def leave_soon(self) -> None:
        """Finish what is being answered, then end."""
        ...

    def drop(self) -> None:
        """End at once."""
        ...


class Hall:
    """Connections, and what answers them.

    Attributes:
        limits: What they may do.
        desk: Takes events; None: they are the application's.
        asgi: Answers everything else.
        events: The path at which events come in.
        scheme: ``http`` or ``https``.
        now: Seconds of a clock that only goes forward, as of the last sweep.
        accepted: The answer to accepted events.
        heads: Those of events that came before.
        is_last_call: Whether the next answer on each connection is its last.
        is_closing: Whether connections end with what they are answered now.
    """

    def __init__(self, *, desk: Desk | None, asgi: Asgi, limits: HttpLimits, scheme: str) -> None:
        self.limits = limits
        self.desk = desk
        self.asgi = asgi
        self.events = EVENTS if desk is None else desk.path
        self.scheme = scheme
        self.now = time.monotonic()
        self.accepted = Accepted(time.time())
        self.heads = KnownHeads()
        self.is_last_call = False
        self.is_closing = False
        self._accepted_at = self.now
        self._guests: set[Guest] = set()

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: Guest) -> bool:
        """One connection more; False if there are too many."""
        if len(self._guests) >= self.limits.connections:
            return False
        self._guests.add(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """One connection less."""
        self._guests.discard(guest)

    def sweep(self) -> None:
        """Let time pass, and end what has lasted too long."""
        self.now = time.monotonic()
        if self.now - self._accepted_at >= 1:
            self._accepted_at = self.now
            self.accepted.make(time.time())
        for guest in list(self._guests):
            guest.sweep()

    def last_call(self) -> None:
        """Let everybody who has come send one request more."""
        self.is_last_call = True
        for guest in list(self._guests):
            guest.last_call()

    def close(self) -> None:
        """Let connections finish what is being answered."""
        self.is_closing = True
        for guest in list(self._guests):
            guest.leave_soon()

    def drop(self) -> None:
        """End all connections that are left."""
        for guest in list(self._guests):
            guest.drop()

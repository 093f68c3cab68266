"""Courtesy: a portal that calls much lets those go first that call little."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from livefeed.wire.ids import MemberId

_STRETCH_S: Final = 0.05
_FEW: Final = 5  # calls in a stretch or two that nobody is asked to wait for
_MUCH: Final = 2  # times the mean of the others
_WIDTH: Final = 4  # calls at a time beside others
# What a call leads to, up to the first byte that is sent, takes half as long again as the call.
_AFTERWARDS_FACTOR: Final = 1.5
_LONGEST_S: Final = 0.005
_SHORTEST_S: Final = 0.001  # what the loop's timers know
_FOR_EVER: Final = float("inf")


@dataclass(slots=True, eq=False)
class _Guest:
    """One portal that has called of late.

    Attributes:
        calls: How many, in this stretch.
        before: And in the one before.
        under_way: How many of them are being answered.
        ahead_until_s: Its events are on their way until then.
        held_s: Since when a call of it lets others go first; 0: none does.
        free_until_s: It has waited for long enough and need not until then.
        waiting: Its calls that wait.
    """

    calls: int = 0
    before: int = 0
    under_way: int = 0
    ahead_until_s: float = 0.0
    held_s: float = 0.0
    free_until_s: float = 0.0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])

    @property
    def used(self) -> int:
        """How much it has called of late."""
        return self.calls + self.before


class Courtesy:
    """Decides whose call is begun; a portal alone is never asked to wait.

    Whoever calls more than twice as often as the others do on average begins a call only while none of theirs
    is being answered and no event of theirs is on its way, and has at most `_WIDTH` under way. He waits for
    5 ms at most, and then half as long for nobody: a third of the time is his at the least.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Nobody has called."""
        self.now_s: Final = now_s
        self._guests: dict[MemberId, _Guest] = {}
        self._ahead: set[_Guest] = set()
        self._held: set[_Guest] = set()
        self._calls = 0
        self._next_stretch_s = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    def turn(self, portal: MemberId, *, writes: bool) -> "Turn":
        """A context in which one call is answered; it begins when the call may."""
        return Turn(self, self._guest(portal), writes=writes)

    def begin(self, guest: "_Guest") -> asyncio.Future[None] | None:
        """A call may begin when this is done; None: at once. Unless it is cancelled, `end` follows."""
        if len(self._guests) == 1 or not self._is_much(guest):
            self._ahead.add(guest)
        elif guest.waiting or self._held_until_s(guest, self.now_s()):
            place = asyncio.get_running_loop().create_future()
            guest.waiting.append(place)
            self._held.add(guest)
            self.look()
            return place
        guest.under_way += 1
        return None

    def end(self, guest: "_Guest", ahead_s: float) -> None:
        """A call has been answered; what it leads to goes first for so long."""
        guest.under_way -= 1
        guest.ahead_until_s = self.now_s() + min(ahead_s, _LONGEST_S)
        if self._held:
            self.look()

    def look(self) -> None:
        """Begin what need not wait any longer, first of those who called least."""
        now = self.now_s()
        next_s = _FOR_EVER
        for guest in sorted(self._held, key=lambda one: one.used):
            until_s = 0.0
            while guest.waiting and not (until_s := self._held_until_s(guest, now)):
                place = guest.waiting.popleft()
                if not place.done():  # else its caller has gone
                    guest.under_way += 1
                    place.set_result(None)
            next_s = min(next_s, until_s or _FOR_EVER)
            if not guest.waiting:
                self._held.discard(guest)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if next_s < _FOR_EVER:
            delay_s = max(next_s - now, _SHORTEST_S)
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self.look)

    def _guest(self, portal: MemberId) -> "_Guest":
        """Whose call it is; it is counted."""
        now = self.now_s()
        if now >= self._next_stretch_s:
            self._turn_over(now)
        guest = self._guests.get(portal)
        if guest is None:
            guest = self._guests[portal] = _Guest()
        guest.calls += 1
        self._calls += 1
        return guest

    def _turn_over(self, now: float) -> None:
        """Another stretch begins: what was called before the last one is forgotten."""
        is_long_ago = now >= self._next_stretch_s + _STRETCH_S
        self._next_stretch_s = now + _STRETCH_S
        for portal, guest in list(self._guests.items()):
            guest.before, guest.calls = 0 if is_long_ago else guest.calls, 0
            if not guest.before and not guest.under_way and not guest.waiting:
                del self._guests[portal]
                self._ahead.discard(guest)
        self._calls = sum(guest.before for guest in self._guests.values())

    def _is_much(self, guest: "_Guest") -> bool:
        used, others = guest.used, len(self._guests) - 1
        return used > _FEW and used * others > _MUCH * (self._calls - used)

    def _held_until_s(self, guest: "_Guest", now: float) -> float:
        """Until when calls of this portal wait; 0: they do not; for ever: until one of its own has ended."""
        if guest.under_way >= _WIDTH and len(self._guests) > 1:
            return _FOR_EVER
        if now < guest.free_until_s:
            return 0.0
        until_s = self._others_ahead_until_s(guest, now)
        if until_s <= now or (guest.held_s and now >= guest.held_s + _LONGEST_S):
            if guest.held_s:
                guest.free_until_s = now + (now - guest.held_s) / 2
                guest.held_s = 0.0
            return 0.0
        guest.held_s = guest.held_s or now
        return min(until_s, guest.held_s + _LONGEST_S)

    def _others_ahead_until_s(self, guest: "_Guest", now: float) -> float:
        until_s = 0.0
        for one in list(self._ahead):
            if one.under_way and not self._is_much(one):
                if one is not guest:
                    return _FOR_EVER
            elif one.ahead_until_s > now and not self._is_much(one):
                if one is not guest:
                    until_s = max(until_s, one.ahead_until_s)
            else:
                self._ahead.discard(one)
        return until_s


class Turn:
    """One call, as a context: it is waited for at its beginning."""

    __slots__ = ("_began_s", "_courtesy", "_guest", "_writes")

    def __init__(self, courtesy: Courtesy, guest: _Guest, *, writes: bool) -> None:
        self._courtesy = courtesy
        self._guest = guest
        self._writes = writes
        self._began_s = 0.0

    async def __aenter__(self) -> None:
        """Wait until the call may begin."""
        place = self._courtesy.begin(self._guest)
        if place is not None:
            try:
                await place
            except asyncio.CancelledError:
                if not place.cancelled():
                    self._courtesy.end(self._guest, 0.0)
                raise
        self._began_s = self._courtesy.now_s()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has been answered; the events of one that wrote are on their way."""
        took_s = self._courtesy.now_s() - self._began_s
        self._courtesy.end(self._guest, _AFTERWARDS_FACTOR * took_s if self._writes else 0.0)

"""Runners: tasks that take what is leased and ready, one lane after the other, as far as there are slots."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Final

from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Outcome
from livefeed.durable.worker.slots import HANGING_AFTER_S, Slots


class Runners:
    """Runs leases.

    Attributes:
        ready: Those whose turn it is.
        tasks: What is under way; anybody may add to it with `begin`.
        slots: Who may begin.
    """

    def __init__(
        self,
        run: Callable[[Lease], Awaitable[Outcome]],
        put_back: Callable[[Lease], None],
        slots: Slots,
        *,
        on_tick: Callable[[], None],
    ) -> None:
        """Nothing is run before `start`.

        Args:
            run: Runs one lease and says what became of it; it does not raise.
            put_back: Takes a lease that is not to be run: its consumer went down.
            slots: Who may begin.
            on_tick: Called now and then while something runs, after what hangs has given up its slots.
        """
        self._on_tick = on_tick
        self._run = run
        self._put_back = put_back
        self.slots: Final = slots
        self.ready: Final[deque[Lease]] = deque()
        self.tasks: Final[set[asyncio.Task[None]]] = set()
        self._is_open = False
        self._ticking: asyncio.TimerHandle | None = None
        # Kept, because asking which loop runs is a system call on Linux.
        self.loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Run, in the running loop, what comes."""
        self.loop = asyncio.get_running_loop()
        self._is_open = True

    def pause(self) -> None:
        """Begin nothing more."""
        self._is_open = False

    def add(self, leases: Sequence[Lease]) -> None:
        """Run these too, as soon as there is room."""
        if leases:
            self.slots.newest = max(lease.token for lease in leases)
            self.ready.extend(leases)
        self._fill()

    def end(self) -> list[Lease]:
        """Begin nothing more; gives what was not begun."""
        self.pause()
        self.loop = None
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        unbegun = [*self.ready, *self.slots.clear()]
        self.ready.clear()
        return unbegun

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Do something else beside it; it is waited for at the end."""
        assert self.loop is not None, "only what was started begins something"
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _fill(self) -> None:
        if not self._is_open:
            return
        slots, ready = self.slots, self.ready
        while ready and slots.room() > 0:
            lease = ready.popleft()
            entry = slots.enter(lease)
            if entry == "run":
                self.begin(self._run_on(lease))
            elif entry == "back":
                self._put_back(lease)
        if self._ticking is None and slots.running and self.loop is not None:
            self._ticking = self.loop.call_later(HANGING_AFTER_S, self._tick)

    def _tick(self) -> None:
        """Let others have the slots of what hangs."""
        self.slots.next_tick()
        self._ticking = None
        self._fill()
        self._on_tick()

    async def _run_on(self, lease: Lease) -> None:
        """Run a lease that has a slot, then those that get it next."""
        slots, ready = self.slots, self.ready
        while True:
            tick = slots.tick
            outcome = await self._run(lease)
            following = slots.follow(lease, outcome, tick) if self._is_open else None
            if following is not None:
                lease = following
                continue
            released = slots.leave(lease, outcome, tick)
            if released:
                ready.extendleft(released)
            if not self._is_open or slots.room() <= 0:
                return
            entry = ""
            while ready and entry != "run":
                lease = ready.popleft()
                entry = slots.enter(lease)
                if entry == "back":
                    self._put_back(lease)
            if entry != "run":
                return

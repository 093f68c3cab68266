"""The runner: a leased run of the inbox → handlers → one outcome that remembers what has finished."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Final

import msgspec

from livefeed.app.application import Consumption
from livefeed.app.handling.context import Context
from livefeed.app.handling.router import Handler, Router
from livefeed.app.inbox import FINISHED, Step, add_steps, open_entry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.runtime import Runtime
from livefeed.durable import done
from livefeed.durable.entries import Entry
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Dead, Done, Down, Effects, Outcome
from livefeed.durable.schedule import Schedule, next_try
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError, TransportError, WireError
from livefeed.telemetry import logger
from livefeed.wire.events import AppUpdated, Event, typed
from livefeed.wire.ids import MemberId

_LOG: Final = logger("app")
RETRIES: Final = Schedule()
"""For a handler that fails: half a second, doubled up to three hours, given up after three days."""

PROBES: Final = Schedule(first_s=1.0, longest_s=60.0)
"""For a portal that does not answer: all its lanes wait for one of them."""


@dataclass(slots=True)
class _Tally:
    """What the handlers of one run came to."""

    steps: list[Step] = field(default_factory=list[Step])
    units: list[Callable[[Tx], None]] = field(default_factory=list[Callable[[Tx], None]])
    finished: list[tuple[str, Lease]] = field(default_factory=list[tuple[str, Lease]])
    failures: list[tuple[str, BaseException]] = field(default_factory=list[tuple[str, BaseException]])


class Runner:
    """Runs the leases of inboxes."""

    def __init__(
        self, router: Router, runtime: Runtime, rebind: Callable[[Tx, KnownPortal], None] | None = None
    ) -> None:
        """``rebind`` asks for all handlers anew: an update of the application has dropped them."""
        self._router = router
        self._runtime = runtime
        self._rebind = rebind

    async def run(self, lease: Lease) -> Outcome:
        """Give the oldest events of the lease that are equal in kind to their handlers."""
        entries = self._run_of(lease)
        try:
            events = [(entry.seq, self._open(entry)) for entry in entries]
        except (SettingsError, WireError, msgspec.DecodeError) as exc:
            return Dead(reason=f"the event cannot be read: {exc}", through=entries[-1].seq)
        handlers = self._router.handlers_of(entries[0].kind)
        earlier = await self._finished_earlier(lease, entries) if lease.attempt > 1 else {}
        tally = _Tally()
        for handler in handlers:
            left = [pair for pair in events if handler.name not in earlier.get(pair[0], frozenset())]
            for part in [left] if handler.coalesces and left else [[pair] for pair in left]:
                if not await self._call(handler, lease, part, tally):
                    break
        if entries[0].kind == AppUpdated.wire_name and self._rebind is not None:
            portal = self._runtime.portals.get(MemberId(lease.consumer.portal))
            tally.units.append(partial(_asked, self._rebind, portal))
        return self._decide(lease, entries, tally, has_handlers=bool(handlers))

    def _run_of(self, lease: Lease) -> tuple[Entry, ...]:
        """Equal kinds only, so that a coalescing handler never swallows an add or a delete."""
        first = lease.entries[0]
        if not any(handler.coalesces for handler in self._router.handlers_of(first.kind)):
            return (first,)
        return tuple(takewhile(lambda entry: entry.kind == first.kind, lease.entries))

    def _open(self, entry: Entry) -> Event:
        return typed(open_entry(self._runtime.keys, MemberId(entry.portal), entry.body))

    async def _finished_earlier(self, lease: Lease, entries: Sequence[Entry]) -> dict[int, frozenset[str]]:
        """Event by event: the run may have grown since the try in which a handler finished."""
        return await self._runtime.store.read(
            lambda tx: {entry.seq: done.finished(tx, _only(lease, entry)) for entry in entries}
        )

    async def _call(
        self, handler: Handler, lease: Lease, events: list[tuple[int, Event]], tally: _Tally
    ) -> bool:
        context = Context(self._runtime, lease, events)
        # Gathered, a failure is a value: the other handlers of the event run all the same.
        (failure,) = await asyncio.gather(handler(context.event, context), return_exceptions=True)
        tally.steps.extend(context.steps)
        if failure is not None:
            tally.failures.append((handler.name, failure))
            return False
        tally.units.extend(context.units)
        tally.finished.extend((handler.name, _at(lease, seq)) for seq, _ in events)
        return True

    def _decide(
        self, lease: Lease, entries: Sequence[Entry], tally: _Tally, *, has_handlers: bool
    ) -> Outcome:
        now_ms = self._runtime.clock.now_ms()
        seqs = [entry.seq for entry in entries]
        if len(seqs) > 1:
            tally.steps.insert(0, Step("coalesced", now_ms, f"{len(seqs)} events"))
        if not has_handlers:
            tally.steps.append(Step("no handler", now_ms))
        if not tally.failures:
            tally.steps.append(Step(FINISHED, now_ms, str(lease.attempt)))
            return Done(through=seqs[-1], effects=_effects(tally, seqs, has_marks=False))
        reason = "; ".join(f"{name}: {_words(failure)}" for name, failure in tally.failures)
        tally.steps.append(Step("failed", now_ms, reason))
        _LOG.warning(
            "handler_failed", portal=lease.consumer.portal, key=lease.key, seq=seqs[0], reason=reason
        )
        return self._repeat(lease, tally, seqs, reason, now_ms)

    def _repeat(self, lease: Lease, tally: _Tally, seqs: list[int], reason: str, now_ms: int) -> Outcome:
        effects = _effects(tally, seqs, has_marks=True)
        if any(isinstance(failure, TransportError) for _, failure in tally.failures):
            return portal_down(lease, reason=reason, now_ms=now_ms, through=seqs[-1], effects=effects)
        at_ms = _next(RETRIES, lease.attempt, lease.first_at_ms, now_ms)
        if at_ms is None:
            return Dead(reason=reason, through=seqs[-1], effects=effects)
        return Again(at_ms=at_ms, reason=reason, effects=effects)


class Dispatch:
    """One worker for all consumers: each lease goes to whatever runs its consumer."""

    def __init__(self, runner: Runner, consumptions: Mapping[str, Consumption], runtime: Runtime) -> None:
        self._runner = runner
        self._consumptions = consumptions
        self._runtime = runtime

    async def run(self, lease: Lease) -> Outcome:
        """Run ``lease``; a portal that does not answer is down for the whole consumer."""
        if not self._runtime.portals.has(lease.consumer.portal):
            await self._runtime.portals.catch_up()  # another process may have installed it a moment ago
        if lease.consumer.name == "inbox":
            return await self._runner.run(lease)
        consumption = self._consumptions[lease.consumer.name]
        part = msgspec.structs.replace(lease, entries=lease.entries[: consumption.spec.entries_limit])
        try:
            outcome = await consumption.run(part, self._runtime)
        except TransportError as exc:
            outcome = portal_down(part, reason=str(exc), now_ms=self._runtime.clock.now_ms())
        return _of_part(outcome, part)


def _of_part(outcome: Outcome, part: Lease) -> Outcome:
    """What a run says of all it was given is true of no more than that."""
    match outcome:
        case Done(through=None, effects=effects):
            return Done(through=part.through, effects=effects)
        case Dead(through=None):
            return Dead(
                reason=outcome.reason,
                through=part.through,
                probe_at_ms=outcome.probe_at_ms,
                effects=outcome.effects,
            )
        case Done() | Dead() | Again() | Down():
            return outcome


def portal_down(
    lease: Lease, *, reason: str, now_ms: int, through: int | None = None, effects: Effects | None = None
) -> Outcome:
    """The portal does not answer: all lanes of the consumer wait for one of them to probe it."""
    probe_at_ms = _next(PROBES, lease.consumer.fails + 1, now_ms, now_ms)
    assert probe_at_ms is not None, "a probe is never given up"
    if _next(RETRIES, lease.attempt, lease.first_at_ms, now_ms) is None:
        return Dead(reason=reason, through=through, probe_at_ms=probe_at_ms, effects=effects)
    return Down(probe_at_ms=probe_at_ms, reason=reason, effects=effects)


def _next(schedule: Schedule, attempt: int, first_at_ms: int, now_ms: int) -> int | None:
    return next_try(
        schedule,
        attempt=attempt,
        now_ms=now_ms,
        first_at_ms=first_at_ms,
        retry_after_s=None,
        draw=random.random(),
    )


def _effects(tally: _Tally, seqs: list[int], *, has_marks: bool) -> Effects:
    def write(tx: Tx) -> None:
        for unit in tally.units:
            unit(tx)
        if has_marks:
            for name, lease in tally.finished:
                done.mark(tx, lease, name)
        add_steps(tx, seqs, tally.steps)

    return write


def _asked(rebind: Callable[[Tx, KnownPortal], None], portal: KnownPortal, tx: Tx) -> None:
    rebind(tx, portal)


def _only(lease: Lease, entry: Entry) -> Lease:
    """The lease as if it were for one entry: finished handlers are remembered event by event."""
    return msgspec.structs.replace(lease, entries=(entry,))


def _at(lease: Lease, seq: int) -> Lease:
    return _only(lease, next(entry for entry in lease.entries if entry.seq == seq))


def _words(failure: BaseException) -> str:
    """One line for people; the text of a handler's own error may be long."""
    return f"{type(failure).__name__}: {failure}".replace("\n", " ")[:300]

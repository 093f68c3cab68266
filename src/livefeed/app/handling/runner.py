"""The runner: a leased run of events → handlers → one outcome that remembers what has finished."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Final

import msgspec

from livefeed.app.contexts import echoes
from livefeed.app.contexts.context import Context
from livefeed.app.contexts.items import Call, Item
from livefeed.app.contexts.verdicts import Drop
from livefeed.app.handling import quiet
from livefeed.app.handling.attempts import Attempt
from livefeed.app.handling.tallies import Tally, only
from livefeed.app.handling.trials import Trial, digest_of, trials_of
from livefeed.app.handling.turns import NoTurn, Turns
from livefeed.app.inbox import OTHER_EVENTS, Step, open_entry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.routing.events import is_coalescible
from livefeed.app.routing.handlers import Handler
from livefeed.app.routing.table import Table
from livefeed.app.runtime import Runtime
from livefeed.durable import done
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import Entry
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Dead, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError, WireError
from livefeed.ui.languages import Words, noted
from livefeed.wire.events import AppUpdated, typed
from livefeed.wire.ids import MemberId

_REPLAY: Final = "replay"
_UNREADABLE: Final = (SettingsError, WireError, msgspec.DecodeError)


class Runner:
    """Runs the leases of inboxes, and of the lanes that handlers have of their own."""

    def __init__(
        self, table: Table, runtime: Runtime, rebind: Callable[[Tx, KnownPortal], None] | None = None
    ) -> None:
        """``rebind`` asks for all handlers anew: an update of the application has dropped them."""
        self._table = table
        self._runtime = runtime
        self._rebind = rebind
        self._turns = {
            handler.name: Turns(handler.options.concurrency)
            for handlers in table.by_event.values()
            for handler in handlers
            if handler.options.concurrency is not None
        }

    async def run(self, lease: Lease) -> Outcome:
        """Give the oldest events of an inbox that are equal in kind to their handlers."""
        kind = lease.entries[0].kind
        handlers = self._table.handlers_of(kind)
        entries = self._run_of(lease, any(one.coalesces for one in handlers if not one.has_own_lanes))
        portal = MemberId(lease.consumer.portal)
        keys = self._runtime.portal_keys

        def read() -> list[Item]:
            return [
                Item(
                    seq=entry.seq,
                    event=typed(open_entry(keys, portal, entry.body)),
                    at_ms=entry.at_ms,
                    digest=digest_of(entry.body),
                    mark=entry.seq,
                )
                for entry in entries
            ]

        try:
            items = await keys.reading(portal, read)
        except _UNREADABLE as exc:
            return Dead(reason=f"the event cannot be read: {exc}", through=entries[-1].seq)
        tally = self._tally(lease, items, is_replay=any(entry.source == _REPLAY for entry in entries))
        if kind == AppUpdated.wire_name and self._rebind is not None:
            tally.units.append(partial(_asked, self._rebind, self._runtime.portals.get(portal)))
        if not handlers:
            tally.steps.append(Step("no handler", tally.now_ms))
        return await self._run(tally, handlers)

    async def run_quiet(self, handler: Handler, lease: Lease) -> Outcome:
        """Give what has waited in a handler's own lane to it."""
        entries = self._run_of(lease, is_coalescing=True)
        try:
            keys, portal = self._runtime.portal_keys, MemberId(lease.consumer.portal)
            items = await keys.reading(portal, lambda: [quiet.read_item(keys, entry) for entry in entries])
        except _UNREADABLE as exc:
            return Dead(reason=f"the event cannot be read: {exc}", through=entries[-1].seq)
        tally = self._tally(lease, items, is_replay=any(entry.source == _REPLAY for entry in entries))
        return await self._run(tally, [handler], is_quiet=True)

    def _run_of(self, lease: Lease, is_coalescing: bool) -> tuple[Entry, ...]:
        """Equal kinds only, and of one thing: a coalescing handler never swallows an add or a delete."""
        first = lease.entries[0]
        if not is_coalescing or not is_coalescible(first.kind) or lease.key == OTHER_EVENTS:
            return (first,)
        return tuple(takewhile(lambda entry: entry.kind == first.kind, lease.entries))

    def _tally(self, lease: Lease, items: Sequence[Item], *, is_replay: bool) -> Tally:
        now_ms = self._runtime.clock.now_ms()
        return Tally(
            lease=lease,
            items=items,
            began_ms=now_ms,
            now_ms=now_ms,
            is_again=lease.attempt > 1 or is_replay,
        )

    async def _run(self, tally: Tally, handlers: Sequence[Handler], *, is_quiet: bool = False) -> Outcome:
        tally.items = await self._judged(tally, handlers)
        earlier: Mapping[int, Mapping[str, Trial]] = await self._earlier(tally) if tally.is_again else {}
        for handler in handlers:
            mine = {mark: trials[handler.name] for mark, trials in earlier.items() if handler.name in trials}
            left = [item for item in tally.items if not _is_over(mine.get(item.mark))]
            tally.known.extend((handler.name, mark) for mark, one in mine.items() if one.state == "finished")
            tally.buried.update(
                (handler.name, one.reason) for one in mine.values() if one.state == "given up"
            )
            due_ms = max((one.due_at_ms for one in mine.values() if one.state == "failing"), default=0)
            if due_ms > tally.now_ms:
                tally.due_ms.append(due_ms)
            elif (own_lanes := self._lanes_of(handler, tally)) is not None and not is_quiet:
                _hand_over(handler, own_lanes, tally, left)
            else:
                await self._give(handler, tally, left, mine, has_failed=bool(tally.is_again and not earlier))
        return tally.outcome(handlers)

    async def _judged(self, tally: Tally, handlers: Sequence[Handler]) -> Sequence[Item]:
        """The run, with what of it is the echo of own writes."""
        writes = self._runtime.writes
        if not handlers or not writes.may_explain(tally.lease.consumer.portal):
            return tally.items
        if all(item.event.wire_name not in echoes.KINDS for item in tally.items):
            return tally.items
        judged: list[Item] = []
        taken: set[str] = set()
        for item in tally.items:
            context = Context(self._runtime, tally.lease, [item], Call())
            write = await echoes.write_of(self._runtime, context, item, taken)
            if write is not None:
                taken.add(write)
                tally.units.append(partial(echoes.mark, write, item.seq))
            judged.append(item if write is None else replace(item, is_own=True))
        return judged

    async def _earlier(self, tally: Tally) -> Mapping[int, Mapping[str, Trial]]:
        """Entry → handler → how it went in earlier tries; event by event, since a run may have grown."""
        lease, items = tally.lease, tally.items

        def read(tx: Tx) -> dict[int, dict[str, Trial]]:
            known = trials_of(tx, [item.digest for item in items])
            found: dict[int, dict[str, Trial]] = {}
            for item in items:
                some = dict(known[item.digest])
                for name in done.finished(tx, only(lease, item.mark)):
                    some[name] = Trial(
                        handler=name, state="finished", attempts=1, first_at_ms=lease.first_at_ms
                    )
                if some:
                    found[item.mark] = some
            return found

        return await self._runtime.store.read(read)

    def _lanes_of(self, handler: Handler, tally: Tally) -> ConsumerId | None:
        """Where its events wait; nowhere if it is called at once, or the portal is leaving."""
        if not handler.has_own_lanes:
            return None
        portal = self._runtime.portals.get(MemberId(tally.lease.consumer.portal))
        return portal.consumers.get(quiet.name_of(handler))

    async def _give(
        self,
        handler: Handler,
        tally: Tally,
        left: Sequence[Item],
        mine: Mapping[int, Trial],
        *,
        has_failed: bool,
    ) -> None:
        """Call ``handler`` with what is left; the events after one that is tried again wait with it."""
        failing = [one for one in mine.values() if one.state == "failing"]
        before = max(failing, key=lambda one: one.attempts, default=None)
        attempt = before.attempts + 1 if before is not None else tally.lease.attempt if has_failed else 1
        for part in [left] if handler.coalesces and left else [[item] for item in left]:
            if not await self._try(handler, tally, part, before, attempt):
                return

    async def _try(
        self, handler: Handler, tally: Tally, part: Sequence[Item], before: Trial | None, number: int
    ) -> bool:
        attempt = Attempt(
            runtime=self._runtime,
            handler=handler,
            lease=tally.lease,
            number=number,
            turns=self._turns.get(handler.name),
        )
        # Gathered, a failure is a value: the other handlers of the event run all the same.
        (answer,) = await asyncio.gather(attempt.run(part), return_exceptions=True)
        tally.now_ms = self._runtime.clock.now_ms()
        if attempt.context is not None:
            tally.steps.extend(attempt.context.steps)
        if isinstance(answer, NoTurn):
            tally.put_off(answer)
            return False
        if isinstance(answer, BaseException) and not isinstance(answer, Drop):
            return not tally.fail(handler, part, before, number, answer)
        if isinstance(answer, Drop):
            tally.note("dropped", _of(handler, str(answer)))
        elif attempt.context is not None:
            tally.units.extend(attempt.context.units)
        else:
            is_own = all(item.is_own for item in part) and not handler.options.own
            tally.note("passed over", _of(handler, noted("own write") if is_own else noted("not wanted")))
        tally.finished.extend((handler.name, item.mark) for item in part)
        return True


def _hand_over(handler: Handler, lanes: ConsumerId, tally: Tally, left: Sequence[Item]) -> None:
    """Let the events wait in the handler's own lane."""
    entries = {entry.seq: entry for entry in tally.lease.entries}
    for item in left:
        tally.units.append(partial(quiet.hand_over, entries[item.mark], lanes))
        tally.finished.append((handler.name, item.mark))
    if left:
        waits = noted("%(seconds)s s for more", seconds=f"{handler.options.quiet_s:g}")
        tally.note("waits", _of(handler, waits))


def _of(handler: Handler, what: Words | str) -> Words:
    return noted("%(handler)s: %(what)s", handler=handler.name, what=what)


def _is_over(trial: Trial | None) -> bool:
    return trial is not None and trial.state != "failing"


def _asked(rebind: Callable[[Tx, KnownPortal], None], portal: KnownPortal, tx: Tx) -> None:
    rebind(tx, portal)

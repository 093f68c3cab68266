"""Dispatch: one worker for all consumers; each lease goes to whatever runs its consumer."""

from collections.abc import Mapping

import msgspec

from livefeed.app.application import INBOX, Consumption
from livefeed.app.handling.runner import Runner
from livefeed.app.handling.tallies import probe_at_ms
from livefeed.app.handling.trials import next_at
from livefeed.app.routing.handlers import RETRIES
from livefeed.app.runtime import Runtime
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Dead, Done, Down, Outcome
from livefeed.errors import NotYet, TransportError


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
        if lease.consumer.name == INBOX and INBOX not in self._consumptions:
            return await self._run_inbox(lease)
        consumption = self._consumptions[lease.consumer.name]
        part = msgspec.structs.replace(lease, entries=lease.entries[: consumption.spec.entries_limit])
        try:
            outcome = await consumption.run(part, self._runtime)
        except TransportError as exc:
            outcome = self._portal_down(part, str(exc), through=part.through)
        except NotYet as exc:
            outcome = self._later(exc)
        return _of_part(outcome, part)

    async def _run_inbox(self, lease: Lease) -> Outcome:
        try:
            return await self._runner.run(lease)
        except TransportError as exc:
            return self._portal_down(lease, str(exc), through=lease.entries[0].seq)
        except NotYet as exc:
            return self._later(exc)

    def _later(self, why: NotYet) -> Again:
        """This lane has to wait for something that others do not need."""
        at_ms = self._runtime.clock.now_ms() + round(why.after_s * 1000)
        return Again(at_ms=at_ms, reason=str(why), is_try=False)

    def _portal_down(self, lease: Lease, reason: str, *, through: int) -> Outcome:
        """The portal does not answer: all lanes of the consumer wait for one of them to probe it."""
        now_ms = self._runtime.clock.now_ms()
        probe_ms = probe_at_ms(lease, now_ms)
        next_ms = next_at(RETRIES, attempt=lease.attempt, first_at_ms=lease.first_at_ms, now_ms=now_ms)
        if next_ms is None:
            return Dead(reason=reason, through=through, probe_at_ms=probe_ms)
        return Down(probe_at_ms=probe_ms, reason=reason)


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

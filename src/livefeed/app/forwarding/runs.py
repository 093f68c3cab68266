"""Runs: one leased event is handed on as it came; what became of it commits with the settle."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from livefeed import telemetry
from livefeed.app.forwarding.targets import Target
from livefeed.app.forwarding.verdicts import Reply, Try, judge, retry_after_of
from livefeed.app.handling.trials import digest_of
from livefeed.app.inbox import FINISHED, Step, add_steps, open_body
from livefeed.app.installs import binding
from livefeed.app.runtime import Runtime
from livefeed.durable.entries import Entry
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Dead, Done, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError, TransportError, WireError
from livefeed.net.http import HttpClient
from livefeed.telemetry import logger
from livefeed.ui.languages import noted
from livefeed.wire.events import AppInstalled, AppUpdated
from livefeed.wire.ids import MemberId

_LOG: Final = logger("app")

FORWARDED: Final = "forwarded"
"""The step of an event that the target has taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarder:
    """Hands events on, for all portals.

    Attributes:
        target: Where to.
        http: The way there.
    """

    target: Target
    http: HttpClient

    async def run(self, lease: Lease, runtime: Runtime) -> Outcome:
        """Hand on the oldest event of a lane; nothing younger of this lane is tried before it is settled."""
        entry = lease.entries[0]
        now_ms = runtime.clock.now_ms()
        portal = MemberId(lease.consumer.portal)
        if entry.kind == AppInstalled.wire_name and not self.target.takes_installs:
            steps = [Step("installed", now_ms, noted("kept here")), _finished(lease, now_ms)]
            return Done(effects=partial(_write, entry, steps, None))
        try:
            keys = runtime.portal_keys
            content_type, body = await keys.reading(portal, lambda: open_body(keys, portal, entry.body))
        except (SettingsError, WireError) as exc:
            return Dead(reason=f"the event cannot be read: {exc}")
        # The same for an event and for what is put back of its dead letter; no two events have one.
        event_id = f"msg_{digest_of(entry.body)}"
        reply = await self._send(body, self.target.headers(event_id, body, content_type, now_ms), now_ms)
        tried = Try(
            attempt=lease.attempt,
            fails=lease.consumer.fails,
            first_at_ms=lease.first_at_ms,
            now_ms=runtime.clock.now_ms(),
            draw=random.random(),
        )
        outcome = judge(self.target.schedule, tried, reply)
        telemetry.forwards.labels("taken" if reply.is_taken else str(reply.status or "no answer")).inc()
        return replace(outcome, effects=self._effects(outcome, lease, reply, tried.now_ms, runtime))

    async def _send(self, body: bytes, headers: dict[str, str], now_ms: int) -> Reply:
        began_s = time.monotonic()
        try:
            answer = await self.http.deliver(self.target.url, body=body, headers=headers)
        except TransportError as exc:
            return Reply(status=None, detail=str(exc))
        ms = round((time.monotonic() - began_s) * 1000)
        return Reply(
            status=answer.status,
            detail=f"{answer.status} in {ms} ms",
            retry_after_s=retry_after_of(answer.headers.get("retry-after"), now_ms),
        )

    def _effects(
        self, outcome: Outcome, lease: Lease, reply: Reply, now_ms: int, runtime: Runtime
    ) -> Callable[[Tx], None]:
        entry = lease.entries[0]
        if not isinstance(outcome, Done):
            _LOG.warning(
                "forward_failed",
                portal=lease.consumer.portal,
                key=lease.key,
                seq=entry.seq,
                reason=reply.detail,
            )
            return partial(_write, entry, [Step("failed", now_ms, reply.detail)], None)
        steps = [Step(FORWARDED, now_ms, reply.detail), _finished(lease, now_ms)]
        rebind = None
        if entry.kind == AppUpdated.wire_name and runtime.settings.public_url:
            # An update of the application has dropped its handlers.
            rebind = partial(binding.ask, portal=runtime.portals.get(MemberId(lease.consumer.portal)))
        return partial(_write, entry, steps, rebind)


def _finished(lease: Lease, now_ms: int) -> Step:
    return Step(FINISHED, now_ms, str(lease.attempt))


def _write(entry: Entry, steps: list[Step], more: Callable[[Tx], None] | None, tx: Tx) -> None:
    add_steps(tx, [entry.seq], steps)
    if more is not None:
        more(tx)

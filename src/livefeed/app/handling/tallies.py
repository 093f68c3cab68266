"""Tallies: what the handlers of one run came to, and the one outcome that follows from it."""

import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from livefeed import telemetry
from livefeed.app.application import INBOX
from livefeed.app.contexts.items import Item
from livefeed.app.contexts.verdicts import Retry
from livefeed.app.handling import trials
from livefeed.app.handling.trials import Trial, next_at
from livefeed.app.inbox import DEAD, FAILED, FINISHED, TRIED, Step, add_steps
from livefeed.app.routing.handlers import Handler, HandlerTooSlow
from livefeed.durable import done
from livefeed.durable.entries import Entry
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Again, Dead, Done, Down, Effects, Outcome
from livefeed.durable.schedule import Schedule, next_try
from livefeed.durable.store import Tx
from livefeed.errors import Fault, LivefeedError, LoopBraked, NotYet, TransportError
from livefeed.telemetry import concealed, logger
from livefeed.ui.languages import Words, noted

_LOG: Final = logger("app")
_OURS: Final = str(Path(__file__).parents[2])

PROBES: Final = Schedule(first_s=1.0, longest_s=60.0)
"""For a portal that does not answer: all its lanes wait for one of them."""

Unit = Callable[[Tx], None]


@dataclass(slots=True)
class Tally:
    """What the handlers of one run came to.

    Attributes:
        lease: The run's lease.
        items: The events of the run, oldest first.
        began_ms: When the run began.
        now_ms: The time after the last call of a handler.
        is_again: Whether something may be stored of earlier tries.
        steps: What is shown of it.
        units: What is stored if the run is settled in any way.
        finished: Handlers, each with an entry it has dealt with now.
        known: The same of earlier tries.
        buried: Why handlers were given up in earlier tries.
        failed: Handlers to be called again, or given up; with what is to be remembered of each.
        due_ms: When handlers are to be called that wait for their own next try.
        reasons: Why handlers failed now.
        away: What says that the portal does not answer.
        places: Where in their code they failed; for the log.
        is_put_off: Whether a handler was not called that is to be.
    """

    lease: Lease
    items: Sequence[Item]
    began_ms: int
    now_ms: int
    is_again: bool
    steps: list[Step] = field(default_factory=list[Step])
    units: list[Unit] = field(default_factory=list[Unit])
    finished: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    known: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    buried: dict[str, str] = field(default_factory=dict[str, str])
    failed: list[tuple[Trial, Sequence[Item]]] = field(default_factory=list[tuple[Trial, Sequence[Item]]])
    due_ms: list[int] = field(default_factory=list[int])
    reasons: list[str] = field(default_factory=list[str])
    away: list[str] = field(default_factory=list[str])
    is_put_off: bool = False
    places: list[str] = field(default_factory=list[str])

    def note(self, step: str, detail: Words) -> None:
        """Show that something happened; what happened to several handlers is one step."""
        for place, one in enumerate(self.steps):
            if one.step == step:
                both = noted("%(one)s; %(other)s", one=one.words, other=detail)
                self.steps[place] = Step(step, one.at_ms, both)
                return
        self.steps.append(Step(step, self.now_ms, detail))

    def fail(
        self,
        handler: Handler,
        part: Sequence[Item],
        before: Trial | None,
        attempt: int,
        failure: BaseException,
    ) -> bool:
        """Note that ``handler`` has failed, and when it is called again; False: it is given up."""
        telemetry.handler_failures.labels(handler.name, class_of(failure)).inc()
        reason = f"{handler.name}: {words(failure, part)}"
        first_at_ms = self.lease.first_at_ms if before is None else before.first_at_ms
        at_ms = None
        if not isinstance(failure, LoopBraked):
            asked_s = failure.after_s if isinstance(failure, Retry | NotYet) else None
            at_ms = next_at(
                handler.options.retry,
                attempt=attempt,
                first_at_ms=first_at_ms,
                now_ms=self.now_ms,
                asked_s=asked_s,
            )
        self.reasons.append(reason)
        if not isinstance(failure, LivefeedError):
            self.places.append(f"{handler.name}: {place_of(failure)}")
        if isinstance(failure, TransportError):
            self.away.append(reason)
            # Whenever the portal is probed again, this handler is the probe.
            at_ms = None if at_ms is None else self.now_ms
        if at_ms is not None:
            self.due_ms.append(at_ms)
        self.failed.append(
            (
                Trial(
                    handler=handler.name,
                    state="given up" if at_ms is None else "failing",
                    attempts=attempt,
                    first_at_ms=first_at_ms,
                    due_at_ms=at_ms or 0,
                    reason=reason,
                ),
                part,
            )
        )
        return at_ms is not None

    def put_off(self, why: NotYet) -> None:
        """Note that a handler was not called, and when it may be; that is no try of it."""
        self.is_put_off = True
        self.due_ms.append(self.now_ms + round(why.after_s * 1000))

    def outcome(self, handlers: Sequence[Handler]) -> Outcome:
        """The one outcome of all of them."""
        seqs = [item.seq for item in self.items]
        if len(seqs) > 1:
            self.steps.insert(0, Step("coalesced", self.began_ms, noted("%(count)s events", count=len(seqs))))
        through = self.items[-1].mark
        if not self.reasons and not self.due_ms and not self.buried:
            self.steps.append(Step(FINISHED, self.now_ms, str(self.lease.attempt)))
            return Done(through=through, effects=self._effects(seqs, handlers, ends=True, is_dead=False))
        reason = "; ".join(self.reasons)
        if reason:
            self.steps.append(Step(FAILED, self.now_ms, reason))
            _LOG.warning(
                "handler_failed",
                portal=self.lease.consumer.portal,
                key=self.lease.key,
                seq=seqs[0],
                reason=reason,
                **({"where": "; ".join(self.places)} if self.places else {}),
            )
        if self.is_put_off and not self.finished and not self.failed:
            return Again(at_ms=min(self.due_ms), reason="waits for its turn", is_try=False)
        if self.due_ms:
            effects = self._effects(seqs, handlers, ends=False, is_dead=False)
            if self.away:
                return Down(probe_at_ms=self._probe_at_ms(), reason=reason, effects=effects)
            return Again(at_ms=min(self.due_ms), reason=reason or "waits for its next try", effects=effects)
        reason = "; ".join([*self.buried.values(), *self.reasons])
        if self.lease.consumer.name == INBOX:
            self.steps.append(Step(TRIED, self.now_ms, str(self.lease.attempt)))
        else:
            # The inbox has no dead letter of it: this is all that tells of it there.
            self.steps.append(Step(DEAD, self.now_ms, reason))
        return Dead(
            reason=reason,
            through=through,
            probe_at_ms=self._probe_at_ms() if self.away else None,
            effects=self._effects(seqs, handlers, ends=True, is_dead=True),
        )

    def _probe_at_ms(self) -> int:
        return probe_at_ms(self.lease, self.now_ms)

    def _effects(
        self, seqs: Sequence[int], handlers: Sequence[Handler], *, ends: bool, is_dead: bool
    ) -> Effects:
        """What commits with the settle; ``ends``: the events are done with."""
        marks = {item.mark: item for item in self.items}
        portal, lease = self.lease.consumer.portal, self.lease

        def write(tx: Tx) -> None:
            for unit in self.units:
                unit(tx)
            if not ends:
                for name, mark in self.finished:
                    done.mark(tx, only(lease, mark), name)
                for trial, part in self.failed:
                    for item in part:
                        trials.put(tx, portal, item.digest, trial)
            elif self.is_again:
                trials.drop(tx, [item.digest for item in self.items], is_dead=is_dead)
            if is_dead and len(handlers) > 1:
                for name, mark in (*self.known, *self.finished):
                    trials.put(tx, portal, marks[mark].digest, _finished(name, self.now_ms))
            add_steps(tx, seqs, self.steps)

        return write


def probe_at_ms(lease: Lease, now_ms: int) -> int:
    """When a consumer whose portal does not answer is tried again."""
    at_ms = next_try(
        PROBES,
        attempt=lease.consumer.fails + 1,
        now_ms=now_ms,
        first_at_ms=now_ms,
        retry_after_s=None,
        draw=random.random(),
    )
    assert at_ms is not None, "a probe is never given up"
    return at_ms


def only(lease: Lease, mark: int) -> Lease:
    """The lease as if it were for one entry: finished handlers are remembered event by event."""
    return msgspec.structs.replace(lease, entries=(_entry(lease, mark),))


def _entry(lease: Lease, mark: int) -> Entry:
    return next(entry for entry in lease.entries if entry.seq == mark)


def _finished(name: str, now_ms: int) -> Trial:
    return Trial(handler=name, state="finished", attempts=1, first_at_ms=now_ms)


def class_of(failure: BaseException) -> str:
    """What kind of failure it is, of a few."""
    match failure:
        case Retry():
            return "asked"
        case NotYet():
            return "put_off"
        case HandlerTooSlow():
            return "timeout"
        case LoopBraked():
            return "braked"
        case TransportError():
            return "transport"
        case Fault():
            return "refused"
        case _:
            return "error"


def words(failure: BaseException, part: Sequence[Item]) -> str:
    """One line for people; the text of a handler's own error may be long, and may name secrets."""
    auths = [item.event.envelope.auth for item in part]
    known = [one for auth in auths for one in (auth.access_token, auth.refresh_token, auth.application_token)]
    return concealed(f"{type(failure).__name__}: {failure}", known).replace("\n", " ")[:300]


def place_of(failure: BaseException) -> str:
    """The last lines of code that it came through, the innermost last, without what variables held."""
    frames = traceback.extract_tb(failure.__traceback__)
    others = [frame for frame in frames if not frame.filename.startswith(_OURS)] or frames
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in others[-5:])

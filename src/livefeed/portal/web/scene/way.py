"""The way of one event as numbered legs: what each is doing, and how long after the edit; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from livefeed.portal.web.scene.queue import Delivery, Edit
from livefeed.portal.web.scene.stage import Account, Arrival, Judgement, ProcessState, Step

LegState: TypeAlias = Literal["idle", "now", "held", "done", "failed"]
"""idle: nothing came here · now: under way · held: waits for the application · done · failed: given up."""

INBOX_STEPS: Final = ("received", "verified", "coalesced", "fetched", "compared", "told")
_UNFINISHED: Final = frozenset({"waiting", "leased", "backing_off"})
_SENT: Final = frozenset({"sent", "skipped", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg of the way.

    Attributes:
        number: From 1.
        state: See `LegState`.
        took_ms: How long after the edit it was done; None: it is not.
    """

    number: int
    state: LegState
    took_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxStep:
    """One step of the inbox, done or still to come."""

    name: str
    is_done: bool
    took_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The whole way of the newest edit.

    Attributes:
        legs: saved, sent, received, compared, told.
        steps: Of the inbox.
        arrival: The event in the inbox, once it came.
        judgement: What the application made of it, once it did.
        is_moving: Whether something is still to happen.
    """

    legs: Sequence[Leg]
    steps: Sequence[InboxStep]
    arrival: Arrival | None
    judgement: Judgement | None
    is_moving: bool


def way_of(edit: Edit | None, account: Account, process: ProcessState) -> Way:
    """The way of ``edit`` as far as it has come; None: nothing was edited yet."""
    if edit is None:
        idle = [Leg(number=number, state="idle") for number in range(1, 6)]
        return Way(legs=idle, steps=_steps(None, 0), arrival=None, judgement=None, is_moving=False)
    saved_ms = edit.event.at_ms
    arrival = _arrival(edit, account)
    judgement = _judgement(arrival, account)
    legs = [
        Leg(number=1, state="done", took_ms=0),
        _sent(edit.delivery, saved_ms),
        _received(arrival, saved_ms, process),
        _compared(arrival, judgement, saved_ms, process),
        _told(judgement, saved_ms, process),
    ]
    return Way(
        legs=legs,
        steps=_steps(arrival, saved_ms),
        arrival=arrival,
        judgement=judgement,
        is_moving=any(leg.state in {"now", "held"} for leg in legs),
    )


def _arrival(edit: Edit, account: Account) -> Arrival | None:
    """The inbox's newest event, if it came from this edit: not before it was sent."""
    last = edit.delivery.last
    since_ms = last.sent_at_ms if last and last.state == "delivered" else edit.event.at_ms
    found = account.arrival
    return found if found is not None and found.at_ms >= since_ms else None


def _judgement(arrival: Arrival | None, account: Account) -> Judgement | None:
    found = account.judgement
    return found if arrival and found and found.seq >= arrival.seq else None


def _sent(delivery: Delivery, saved_ms: int) -> Leg:
    match delivery.state:
        case "delivered":
            last = delivery.last
            took_ms = None if last is None else last.sent_at_ms + last.ms - saved_ms
            return Leg(number=2, state="done", took_ms=took_ms)
        case "unbound" | "dead":
            return Leg(number=2, state="failed")
        case "backing_off":
            return Leg(number=2, state="held")
        case "waiting" | "leased":
            return Leg(number=2, state="held" if delivery.last else "now")


def _received(arrival: Arrival | None, saved_ms: int, process: ProcessState) -> Leg:
    if arrival is None:
        return Leg(number=3, state="idle")
    if arrival.state in {"dead", "dropped"}:
        return Leg(number=3, state="failed")
    if arrival.state in _UNFINISHED:
        state: LegState = "now" if process == "running" else "held"
        return Leg(number=3, state=state, took_ms=arrival.at_ms - saved_ms)
    return Leg(number=3, state="done", took_ms=arrival.at_ms - saved_ms)


def _compared(
    arrival: Arrival | None, judgement: Judgement | None, saved_ms: int, process: ProcessState
) -> Leg:
    compared = next((step for step in arrival.steps if step.name == "compared"), None) if arrival else None
    if compared is not None and judgement is not None:
        return Leg(number=4, state="done", took_ms=compared.at_ms - saved_ms)
    if arrival is not None and arrival.state == "leased" and process == "running":
        return Leg(number=4, state="now")
    return Leg(number=4, state="idle")


def _told(judgement: Judgement | None, saved_ms: int, process: ProcessState) -> Leg:
    if judgement is None:
        return Leg(number=5, state="idle")
    told = [one for one in judgement.heard if one.is_told]
    ends = [one.settled_at_ms for one in told if one.state in _SENT and one.settled_at_ms is not None]
    if len(ends) < len(told):
        return Leg(number=5, state="now" if process == "running" else "held")
    return Leg(number=5, state="done", took_ms=max(ends) - saved_ms if ends else None)


def _steps(arrival: Arrival | None, saved_ms: int) -> list[InboxStep]:
    done = {step.name: step for step in arrival.steps} if arrival else {}
    names = [name for name in INBOX_STEPS if name in done or name != "coalesced" or not arrival]
    shown = [_step(name, done.get(name), saved_ms) for name in names]
    return shown + [
        _step(name, step, saved_ms)
        for name, step in done.items()
        if name not in INBOX_STEPS and name != "finished"
    ]


def _step(name: str, step: Step | None, saved_ms: int) -> InboxStep:
    if step is None:
        return InboxStep(name=name, is_done=False)
    return InboxStep(name=name, is_done=True, took_ms=step.at_ms - saved_ms)

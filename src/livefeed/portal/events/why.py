"""Why: what became of a post's last event at one handler, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from livefeed.durable import consumers
from livefeed.durable.attempts import Attempt, list_attempts
from livefeed.durable.dead import DeadLetter, list_dead
from livefeed.durable.entries import Entry, list_entries
from livefeed.durable.lanes import LaneRow, list_lanes
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.deliveries import EXPIRED, moment
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import POST_KEY
from livefeed.wire.ids import HandlerId, MemberId

_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """All that is known of one event and one handler; an outgoing webhook's has no application."""

    handler: Handler
    app: App | None
    entry: Entry
    attempts: Sequence[Attempt]
    lane: LaneRow | None
    letter: DeadLetter | None
    consumer: consumers.Consumer | None

    @property
    def last(self) -> Attempt | None:
        return self.attempts[0] if self.attempts else None


def why(tx: Tx, *, portal: MemberId, post: int, handler: int, now_ms: int) -> str:
    """One sentence: what became of the last event of ``post`` that ``handler`` is bound to."""
    found = handlers.find(tx, portal, HandlerId(handler))
    if found is None:
        return _no_such_handler(tx, portal, handler)
    app = None if found.app is None else registry.find(tx, found.app)
    entry = _last_event(tx, portal, post, found)
    if entry is None:
        return _no_event(tx, found, app, post)
    case = _case(tx, found, app, entry)
    return _ended(case) or _pending(case, now_ms) or _never_sent(case)


def _no_such_handler(tx: Tx, portal: MemberId, handler: int) -> str:
    withheld = [app for app in registry.every(tx, portal) if app.state == "withheld"]
    if withheld:
        app = withheld[-1]
        return (
            f"There is no handler {handler} on this portal; the installation of «{app.name}» is not "
            f"finished, so everything for it is withheld until: livefeed portal app finish {app.client_id}"
        )
    return (
        f"There is no handler {handler} on this portal; an application binds one with event.bind, "
        "a person with an outgoing webhook."
    )


def _no_event(tx: Tx, handler: Handler, app: App | None, post: int) -> str:
    if app is not None and app.state == "withheld":
        return _withheld_now(app)
    if handler.state == "unbound":
        return _unbound(handler)
    seen = list_entries(tx, portal=handler.portal, key=f"{POST_KEY}{post}", limit=1)
    if seen:
        return f"Post {post} has had no {handler.event}, which is what handler {handler.id} is bound to."
    return f"Nothing has happened to post {post} since the queue's oldest event, so nothing was to be sent."


def _last_event(tx: Tx, portal: MemberId, post: int, handler: Handler) -> Entry | None:
    found = list_entries(tx, portal=portal, key=f"{POST_KEY}{post}", limit=_MOST)
    return next(
        (one for one in found if one.kind == handler.event and one.only in (None, handler.consumer)), None
    )


def _case(tx: Tx, handler: Handler, app: App | None, entry: Entry) -> _Case:
    attempts = list_attempts(tx, portal=entry.portal, key=entry.key, consumer=handler.consumer, limit=_MOST)
    lanes = list_lanes(tx, consumer=handler.consumer, limit=100_000)
    letters = list_dead(tx, consumer=handler.consumer, limit=_MOST)
    return _Case(
        handler=handler,
        app=app,
        entry=entry,
        attempts=[one for one in attempts if one.seq == entry.seq],
        lane=next((one for one in lanes if one.key == entry.key and one.head >= entry.seq), None),
        letter=next((one for one in letters if one.seq == entry.seq), None),
        consumer=consumers.get(tx, handler.consumer),
    )


def _ended(case: _Case) -> str | None:
    """The event is dealt with, one way or the other."""
    last, app = case.last, case.app
    if last is not None and last.state == "withheld" and app is not None:
        if app.state == "withheld":
            return _withheld_now(app)
        return (
            f"Event {last.seq} was withheld and dropped: the installation of «{app.name}» was not "
            f"finished at {moment(last.sent_at_ms)}."
        )
    if last is not None and last.state == "delivered":
        return (
            f"Event {last.seq} was delivered at {moment(last.sent_at_ms + last.ms)}, at attempt "
            f"{last.attempt}: the handler answered {last.status} after {last.ms} ms."
        )
    if case.letter is not None:
        if case.letter.reason == EXPIRED:
            return f"Event {case.entry.seq} became too old at {moment(case.letter.at_ms)} and was dropped."
        return f"Event {case.entry.seq} is dead since {moment(case.letter.at_ms)}: {case.letter.reason}."
    if last is not None and last.state == "dead":
        if last.status == 410:
            return f"Handler {case.handler.id} answered 410 at {moment(last.sent_at_ms)} and was unbound."
        return (
            f"Event {last.seq} was lost at {moment(last.sent_at_ms)} ({_failure(last)}): under the policy "
            "bitrix24 the sender tries once and never again."
        )
    return None


def _pending(case: _Case, now_ms: int) -> str | None:
    """The event still waits."""
    lane, consumer, last = case.lane, case.consumer, case.last
    if lane is None or consumer is None:
        return None
    waits = f"Event {case.entry.seq} waits"
    if lane.cursor >= case.entry.seq:
        return None
    if consumer.state == "paused":
        return f"{waits}: handler {case.handler.id} is paused; resume it in the developer area."
    if lane.state == "leased":
        return f"Event {case.entry.seq} is being sent right now, attempt {lane.attempt}."
    due_at = max(lane.due_at_ms, consumer.ready_at_ms or lane.due_at_ms)
    when = f"until {moment(due_at)}" if due_at > now_ms else "for its turn, which has come"
    if last is not None:
        return f"{waits} {when}: attempt {last.attempt} failed ({_failure(last)})."
    if consumer.fails:
        return f"{waits} {when}: the handler does not answer and is probed with another event first."
    return f"{waits} {when}; nothing was sent yet."


def _never_sent(case: _Case) -> str:
    """There is no trace of an attempt, so it is the rules that kept it back."""
    handler, app, entry = case.handler, case.app, case.entry
    if app is not None and app.state == "withheld":
        return _withheld_now(app)
    if entry.at_ms < handler.bound_at:
        return (
            f"Handler {handler.id} was bound at {moment(handler.bound_at)}, after the last {handler.event} "
            f"of this post at {moment(entry.at_ms)}."
        )
    if handler.state == "unbound":
        return _unbound(handler)
    scope = handlers.scope_of(handler.event)
    if app is not None and scope is not None and scope not in app.scopes:
        return f"«{app.name}» does not have the scope {scope}, which {handler.event} needs."
    return (
        f"Event {entry.seq} was dealt with, and the log of attempts does not tell how: the process died "
        "before it wrote the log, or the log was purged."
    )


def _withheld_now(app: App) -> str:
    return (
        f"The installation of «{app.name}» is not finished, so its events are withheld and dropped until: "
        f"livefeed portal app finish {app.client_id}"
    )


def _unbound(handler: Handler) -> str:
    at = "" if handler.unbound_at is None else f" at {moment(handler.unbound_at)}"
    return f"Handler {handler.id} was unbound{at}: {handler.reason}."


def _failure(attempt: Attempt) -> str:
    if attempt.status is not None:
        return f"the handler answered {attempt.status}"
    return f"no answer: {attempt.error}"

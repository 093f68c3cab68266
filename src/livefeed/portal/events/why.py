"""Why: what became of a post's last event at one handler, in one sentence."""

from dataclasses import dataclass

from livefeed.durable import consumers, deliveries
from livefeed.durable.attempts import Attempt
from livefeed.durable.consumers import Consumer
from livefeed.durable.deliveries import EXPIRED, Delivery, Place
from livefeed.durable.entries import Entry, list_entries, newest_of_kind
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.deliveries import moment
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import POST_KEY
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import HandlerId, MemberId

_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """All that is known of one event and one handler; an outgoing webhook's has no ``app``."""

    handler: Handler
    app: App | None
    entry: Entry
    delivery: Delivery | None
    consumer: Consumer | None

    @property
    def last(self) -> Attempt | None:
        attempts = () if self.delivery is None else self.delivery.attempts
        return attempts[-1] if attempts else None

    @property
    def withheld_app(self) -> App | None:
        """The application, as long as its installation is not finished."""
        return self.app if self.app is not None and self.app.state == "withheld" else None


def why(tx: Tx, *, portal: MemberId, post: int, handler: int, now_ms: int) -> Words:
    """One sentence: what became of the last event of ``post`` that ``handler`` is bound to."""
    found = handlers.find(tx, portal, HandlerId(handler))
    if found is None:
        return _no_such_handler(tx, portal, handler)
    app = None if found.app is None else registry.find(tx, found.app)
    key = f"{POST_KEY}{post}"
    entry = newest_of_kind(tx, portal=portal, key=key, kind=found.event, consumer=found.consumer)
    if entry is None:
        return _no_event(tx, found, app, post)
    case = _Case(
        handler=found,
        app=app,
        entry=entry,
        delivery=deliveries.find(tx, Place(entry.seq, found.consumer)),
        consumer=consumers.get(tx, found.consumer),
    )
    return _ended(case) or _pending(case, now_ms) or _never_sent(case)


def _no_such_handler(tx: Tx, portal: MemberId, handler: int) -> Words:
    withheld = [app for app in registry.every(tx, portal) if app.state == "withheld"]
    if withheld:
        app = withheld[-1]
        return noted(
            "There is no handler %(handler)s on this portal; the installation of «%(app)s» is not finished, "
            "so everything for it is withheld until: livefeed portal app finish %(client_id)s",
            handler=handler,
            app=app.name,
            client_id=app.client_id,
        )
    return noted(
        "There is no handler %(handler)s on this portal; an application binds one with event.bind.",
        handler=handler,
    )


def _no_event(tx: Tx, handler: Handler, app: App | None, post: int) -> Words:
    if app is not None and app.state == "withheld":
        return _withheld_now(app)
    if handler.state == "unbound":
        return _unbound(handler)
    if list_entries(tx, portal=handler.portal, key=f"{POST_KEY}{post}", limit=1):
        return noted(
            "Post %(post)s has had no %(event)s, which is what handler %(handler)s is bound to.",
            post=post,
            event=handler.event,
            handler=handler.id,
        )
    return noted(
        "Nothing has happened to post %(post)s since the queue's oldest event, so nothing was to be sent.",
        post=post,
    )


def _ended(case: _Case) -> Words | None:
    """The event is dealt with, one way or the other."""
    last, letter = case.last, None if case.delivery is None else case.delivery.letter
    if last is not None and last.state == "withheld":
        return _withheld_then(case, last)
    if last is not None and last.state == "delivered":
        return noted(
            "Event %(event)s was delivered at %(at)s, at attempt %(attempt)s: the handler answered "
            "%(status)s after %(ms)s ms.",
            event=last.seq,
            at=moment(last.sent_at_ms + last.ms),
            attempt=last.attempt,
            status=last.status,
            ms=last.ms,
        )
    if letter is not None:
        words = {"event": case.entry.seq, "at": moment(letter.at_ms), "reason": letter.reason}
        if letter.reason == EXPIRED:
            return noted("Event %(event)s became too old at %(at)s and was dropped.", **words)
        return noted("Event %(event)s is dead since %(at)s: %(reason)s.", **words)
    return None if last is None or last.state != "dead" else _lost(case, last)


def _withheld_then(case: _Case, last: Attempt) -> Words:
    if case.withheld_app is not None:
        return _withheld_now(case.withheld_app)
    return noted(
        "Event %(event)s was withheld and dropped: the installation of «%(app)s» was not finished at %(at)s.",
        event=last.seq,
        app="" if case.app is None else case.app.name,
        at=moment(last.sent_at_ms),
    )


def _lost(case: _Case, last: Attempt) -> Words:
    at = moment(last.sent_at_ms)
    if last.status == _GONE:
        return noted(
            "Handler %(handler)s answered 410 at %(at)s and was unbound.", handler=case.handler.id, at=at
        )
    return noted(
        "Event %(event)s was lost at %(at)s (%(failure)s): under the policy bitrix24 the sender tries once "
        "and never again.",
        event=last.seq,
        at=at,
        failure=_failure(last),
    )


def _pending(case: _Case, now_ms: int) -> Words | None:
    """The event still waits."""
    consumer, last = case.consumer, case.last
    standing = None if case.delivery is None else case.delivery.standing
    if standing is None or consumer is None:
        return None
    words = {"event": case.entry.seq, "handler": case.handler.id, "attempt": standing.attempt}
    if consumer.state == "paused":
        return noted(
            "Event %(event)s waits: handler %(handler)s is paused; resume it in the developer area.", **words
        )
    if standing.state == "leased":
        return noted("Event %(event)s is being sent right now, attempt %(attempt)s.", **words)
    due_at = max(standing.due_at_ms, consumer.ready_at_ms or standing.due_at_ms)
    return _waits(case, last, consumer, moment(due_at) if due_at > now_ms else "")


def _waits(case: _Case, last: Attempt | None, consumer: Consumer, until: str) -> Words:
    if last is not None:
        words = {
            "event": case.entry.seq,
            "until": until,
            "attempt": last.attempt,
            "failure": _failure(last),
        }
        if until:
            return noted(
                "Event %(event)s waits until %(until)s: attempt %(attempt)s failed (%(failure)s).", **words
            )
        return noted(
            "Event %(event)s waits for its turn, which has come: attempt %(attempt)s failed (%(failure)s).",
            **words,
        )
    words = {"event": case.entry.seq, "until": until}
    if consumer.fails:
        return noted(
            "Event %(event)s waits: the handler does not answer and is probed with another event first.",
            **words,
        )
    if until:
        return noted("Event %(event)s waits until %(until)s; nothing was sent yet.", **words)
    return noted("Event %(event)s waits for its turn, which has come; nothing was sent yet.", **words)


def _never_sent(case: _Case) -> Words:
    """There is no trace of an attempt, so it is the rules that kept it back."""
    handler, app, entry = case.handler, case.app, case.entry
    if case.withheld_app is not None:
        return _withheld_now(case.withheld_app)
    if entry.at_ms < handler.bound_at:
        return noted(
            "Handler %(handler)s was bound at %(bound_at)s, after the last %(event)s of this post at %(at)s.",
            handler=handler.id,
            bound_at=moment(handler.bound_at),
            event=handler.event,
            at=moment(entry.at_ms),
        )
    if handler.state == "unbound":
        return _unbound(handler)
    scope = handlers.scope_of(handler.event)
    if app is not None and scope is not None and scope not in app.scopes:
        return noted(
            "«%(app)s» does not have the scope %(scope)s, which %(event)s needs.",
            app=app.name,
            scope=scope,
            event=handler.event,
        )
    return noted(
        "Event %(event)s was dealt with, and the log of attempts does not tell how: the process died before "
        "it wrote the log, or the log was purged.",
        event=entry.seq,
    )


def _withheld_now(app: App) -> Words:
    return noted(
        "The installation of «%(app)s» is not finished, so its events are withheld and dropped until: "
        "livefeed portal app finish %(client_id)s",
        app=app.name,
        client_id=app.client_id,
    )


def _unbound(handler: Handler) -> Words:
    return noted(
        "Handler %(handler)s was unbound at %(at)s: %(reason)s.",
        handler=handler.id,
        at="" if handler.unbound_at is None else moment(handler.unbound_at),
        reason=handler.reason,
    )


def _failure(attempt: Attempt) -> Words:
    if attempt.status is not None:
        return noted("the handler answered %(status)s", status=attempt.status)
    return noted("no answer: %(error)s", error=attempt.error)

"""Sending again: one event or all since a time, to one handler, in its lanes, under the same webhook-id."""

from typing import Final

import msgspec

from livefeed.durable import dead, deliveries
from livefeed.durable.dead import DeadLetter
from livefeed.durable.deliveries import Delivery, Place
from livefeed.durable.entries import Entry, append, before_moment, entries_after, get_entry, list_entries
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import POST_KEY, Happening, app_key, post_of
from livefeed.ui.languages import LANGUAGES, Words, noted, told
from livefeed.wire.apps import app_test_data
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.ids import HandlerId, MemberId, PostId, UserId

REPEATED: Final = "replay"
"""The source of an entry that repeats another."""

_REPEATS: Final = 200  # the newest events of a post among which repetitions are looked for

TEST: Final = "test"
"""The source of an entry that an administrator sends to try a handler."""

NO_POST: Final = PostId(999_999_999)
"""What a test event is about unless a post is named: a good number of a post that there is not."""


class NotSent(LivefeedError):
    """An event cannot be sent again; ``words`` say why not, to people."""

    def __init__(self, words: Words) -> None:
        super().__init__(told(words, LANGUAGES[0]))
        self.words = words


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """How far sending again has come.

    Attributes:
        count: How many events were queued.
        through: The last event that was looked at; go on after it.
        is_done: There are no more.
    """

    count: int
    through: int
    is_done: bool


def receiver(tx: Tx, portal: MemberId, handler_id: HandlerId) -> Handler:
    """A handler that may be sent something.

    Raises:
        NotSent: There is none, it is unbound, or its application is not installed.
    """
    handler = handlers.find(tx, portal, handler_id)
    if handler is None:
        raise NotSent(noted("There is no handler %(handler)s on this portal.", handler=handler_id))
    if handler.state == "unbound":
        raise NotSent(
            noted("Handler %(handler)s is unbound: %(reason)s.", handler=handler.id, reason=handler.reason)
        )
    app = _app(tx, handler)
    if app is not None and app.state == "withheld":
        raise NotSent(noted("The installation of «%(app)s» is not finished.", app=app.name))
    scope = handlers.scope_of(handler.event)
    if app is not None and scope is not None and scope not in app.scopes:
        raise NotSent(
            noted(
                "«%(app)s» does not have the scope %(scope)s, which %(event)s needs.",
                app=app.name,
                scope=scope,
                event=handler.event,
            )
        )
    return handler


def resend(tx: Tx, handler: Handler, seq: int) -> int:
    """Queue one event for ``handler`` again, after what waits for it already.

    Returns:
        The seq of the new entry.

    Raises:
        NotSent: There is no such event, it is none that this handler hears, or it still waits.
    """
    entry = get_entry(tx, seq)
    if entry is None or not _hears(tx, handler, entry):
        raise NotSent(
            noted(
                "There is no event %(event)s that handler %(handler)s is bound to; it may have been purged.",
                event=seq,
                handler=handler.id,
            )
        )
    delivery = deliveries.find(tx, Place(entry.seq, handler.consumer))
    if delivery is not None and delivery.standing is not None:
        raise NotSent(
            noted("Event %(event)s still waits for handler %(handler)s.", event=seq, handler=handler.id)
        )
    return _repeat(tx, handler, entry, delivery)


def resend_since(
    tx: Tx, handler: Handler, *, since_ms: int, after: int = 0, only_missing: bool = False, limit: int = 500
) -> Resent:
    """Queue events since a time for ``handler`` again, oldest first: up to ``limit`` are looked at.

    What still waits is passed over, and so is what repeats another event.

    Args:
        tx: The unit.
        handler: To whom.
        since_ms: Milliseconds since the epoch.
        after: Go on after this event, in another unit.
        only_missing: Only what was not delivered, neither by itself nor as a repetition.
        limit: At least 1.
    """
    start = after or before_moment(tx, since_ms)
    found = entries_after(tx, portal=handler.portal, after=start, limit=limit)
    count = 0
    for entry in found:
        if entry.source in (REPEATED, TEST) or not _hears(tx, handler, entry):
            continue
        delivery = deliveries.find(tx, Place(entry.seq, handler.consumer))
        is_waiting = delivery is not None and delivery.standing is not None
        if not is_waiting and not (only_missing and _has_arrived(tx, handler, entry, delivery)):
            _repeat(tx, handler, entry, delivery)
            count += 1
    return Resent(count=count, through=found[-1].seq if found else start, is_done=len(found) < limit)


def send_test(tx: Tx, handler: Handler, *, actor: UserId, post: PostId, language: str) -> int:
    """Queue a test event for ``handler`` alone: ONAPPTEST, or its own event about ``post``.

    Returns:
        The seq of the entry, whose source is ``test``.

    Raises:
        NotSent: What it is bound to cannot be tried: an application would believe it.
    """
    app = _app(tx, handler)
    if handler.event in POST_EVENTS:
        key, happening = f"{POST_KEY}{post}", Happening(actor)
    elif handler.event == "ONAPPTEST" and app is not None:
        data = app_test_data(query={"handler": str(handler.id)}, language=language)
        key, happening = app_key(app), Happening.of_app(actor, data)
    else:
        raise NotSent(
            noted("An %(event)s cannot be tried: the application would believe it.", event=handler.event)
        )
    return append(
        tx,
        portal=handler.portal,
        key=key,
        kind=handler.event,
        body=happening.stored(),
        source=TEST,
        consumers=[handler.consumer],
        only=handler.consumer,
    )


def _has_arrived(tx: Tx, handler: Handler, entry: Entry, delivery: Delivery | None) -> bool:
    """Whether an event was delivered, by itself or as a repetition, or a repetition of it is on its way."""
    if _is_delivered(delivery):
        return True
    later = list_entries(tx, portal=entry.portal, key=entry.key, since_ms=entry.at_ms, limit=_REPEATS)
    for one in later:
        is_repeat = one.source == REPEATED and one.only == handler.consumer
        if is_repeat and Happening.read(one.body).first == entry.seq:
            repeat = deliveries.find(tx, Place(one.seq, handler.consumer))
            if _is_delivered(repeat) or (repeat is not None and repeat.standing is not None):
                return True
    return False


def _is_delivered(delivery: Delivery | None) -> bool:
    return delivery is not None and any(one.state == "delivered" for one in delivery.attempts)


def _hears(tx: Tx, handler: Handler, entry: Entry) -> bool:
    """Whether an event is one for this handler: of its portal, of its kind, and of its own application."""
    if entry.portal != handler.portal or entry.kind != handler.event:
        return False
    if entry.only is not None:
        return entry.only == handler.consumer
    if post_of(entry.key) is not None:
        return True
    app = _app(tx, handler)
    return app is not None and entry.key == app_key(app)


def put_back(letter: DeadLetter) -> bytes:
    """What is stored when a dead letter is sent again."""
    return Happening.read(letter.body).repeated(letter.seq)


def _repeat(tx: Tx, handler: Handler, entry: Entry, delivery: Delivery | None) -> int:
    letter = None if delivery is None else delivery.letter
    if letter is not None:
        seq = dead.replay(tx, letter.id, amend=put_back)
    else:
        body = Happening.read(entry.body).repeated(entry.seq)
        seq = dead.replay_entry(tx, seq=entry.seq, consumer=handler.consumer, body=body)
    assert seq is not None, "it was just read"
    return seq


def _app(tx: Tx, handler: Handler) -> App | None:
    return None if handler.app is None else registry.find(tx, handler.app)

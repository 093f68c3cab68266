"""One delivery: its attempts, the request and the answer of each, what comes next, and sending it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from livefeed.durable import consumers, deliveries
from livefeed.durable.attempts import Attempt
from livefeed.durable.consumers import Consumer, ConsumerId
from livefeed.durable.deliveries import Delivery, Place
from livefeed.durable.entries import get_entry
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.events.log import resending
from livefeed.portal.events.log.curl import as_curl
from livefeed.portal.events.log.requests import rebuilt
from livefeed.portal.events.log.resending import NotSent
from livefeed.portal.events.outbox import Happening
from livefeed.portal.web.desk import Go, Guest, Result, Shown, Sorry
from livefeed.portal.web.developer.handling import not_sent
from livefeed.portal.web.developer.listing import MOST, Names, line_of, problem_of
from livefeed.portal.web.developer.standing import handler_card
from livefeed.portal.web.developer.words import SOURCES
from livefeed.secrets import KeyRing
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import Moment

NO_DELIVERY: Final = Sorry(
    status=404,
    heading=noted("No such delivery"),
    text=noted("There is no trace of it on this portal; deliveries are kept for 30 days."),
    back="/developer/deliveries/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt.

    Attributes:
        request: As it was sent, with dots for secrets; None: it cannot be rebuilt any more.
        is_exact: It is what was sent, byte for byte but for the secrets.
        answer: The beginning of the answer; None: there was none.
    """

    number: int
    at: Moment
    status: int | None
    problem: Words | None
    ms: int
    mood: str
    request: str | None
    is_exact: bool
    answer: str | None
    curl: str | None


def shown_delivery(keys: KeyRing) -> Callable[[Tx, Guest], Result]:
    """The view of one delivery."""

    def view(tx: Tx, guest: Guest) -> Result:
        delivery = _found(tx, guest)
        if delivery is None:
            return NO_DELIVERY
        place, standing = delivery.place, delivery.standing
        entry = get_entry(tx, place.seq)
        tries = [_try(tx, keys, guest, one) for one in delivery.attempts if one.attempt > 0]
        handler = handlers.find_by_consumer(tx, place.consumer)
        consumer = consumers.get(tx, place.consumer)
        due_ms = _due_ms(delivery, consumer)
        values = {
            "line": line_of(tx, guest, Names(tx), place),
            "card": None if handler is None else handler_card(tx, guest, handler),
            "source": None if entry is None else SOURCES.get(entry.source, Words(text=entry.source)),
            "repeats": None if entry is None else Happening.read(entry.body).first,
            "webhook_id": next((one.webhook_id for one in delivery.attempts if one.webhook_id), ""),
            "tries": tries,
            "withheld_at": next(
                (guest.look.exact(one.sent_at_ms) for one in delivery.attempts if one.state == "withheld"),
                None,
            ),
            "standing": standing,
            "is_paused": consumer is not None and consumer.state == "paused",
            "due_at": None if due_ms is None else guest.look.exact(due_ms),
            "letter": delivery.letter,
            "letter_at": None if delivery.letter is None else guest.look.exact(delivery.letter.at_ms),
            "may_resend": handler is not None and handler.state == "bound" and standing is None,
            "may_hurry": due_ms is not None and due_ms > tx.now_ms,
            "curl": next((one.curl for one in reversed(tries) if one.curl), None),
        }
        return Shown(template="delivery.html", values=values)

    return view


def resent(tx: Tx, guest: Guest) -> Result:
    """Send this event to this handler again, and show the new delivery."""
    delivery = _found(tx, guest)
    handler = None if delivery is None else handlers.find_by_consumer(tx, delivery.place.consumer)
    if delivery is None or handler is None:
        return NO_DELIVERY
    try:
        receiver = resending.receiver(tx, guest.portal.member_id, handler.id)
        seq = resending.resend(tx, receiver, delivery.place.seq)
    except NotSent as exc:
        return not_sent(exc, guest)
    return Go(location=f"/developer/deliveries/{seq}/{handler.consumer}")


def hurried(tx: Tx, guest: Guest) -> Result:
    """Try at once what waits for its next try at this handler, and show the delivery."""
    delivery = _found(tx, guest)
    if delivery is None:
        return NO_DELIVERY
    consumers.hurry(tx, delivery.place.consumer)
    return Go(location=f"/developer/deliveries/{delivery.place.seq}/{delivery.place.consumer}")


def _found(tx: Tx, guest: Guest) -> Delivery | None:
    """The delivery in the address, if it is of this portal."""
    place = Place(min(guest.number("seq"), MOST), ConsumerId(min(guest.number("consumer"), MOST)))
    consumer = consumers.get(tx, place.consumer)
    if consumer is None or consumer.portal != guest.portal.member_id:
        return None
    return deliveries.find(tx, place)


def _due_ms(delivery: Delivery, consumer: Consumer | None) -> int | None:
    """When the next attempt is made; None: none is planned, or one is under way."""
    standing = delivery.standing
    if standing is None or standing.state == "leased" or consumer is None or consumer.state != "active":
        return None
    ready_at_ms = consumer.ready_at_ms if consumer.fails else None
    return max(standing.due_at_ms, ready_at_ms or standing.due_at_ms)


def _try(tx: Tx, keys: KeyRing, guest: Guest, one: Attempt) -> Try:
    sent = rebuilt(tx, keys, one)
    return Try(
        number=one.attempt,
        at=guest.look.exact(one.sent_at_ms),
        status=one.status,
        problem=problem_of(one),
        ms=one.ms,
        mood={"delivered": "good", "backing_off": "wait"}.get(one.state, "bad"),
        request=None if sent is None else sent.text,
        is_exact=sent is not None and sent.is_exact,
        answer=None if one.answer is None else readable(one.answer),
        curl=None if sent is None else as_curl(sent),
    )


def readable(answer: bytes) -> str:
    """Bytes of a stranger as text: what is no text, and what would control a screen, is �."""
    text = answer.decode("utf-8", "replace")
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text.replace("\r\n", "\n")
    )

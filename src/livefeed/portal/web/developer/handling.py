"""Handlers: the list, one of them, pause and resume, a test event, and sending again since a time."""

from typing import Final

from livefeed.durable import consumers
from livefeed.durable.store import Tx
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.log import resending
from livefeed.portal.events.log.resending import NO_POST, NotSent
from livefeed.portal.web.desk import Go, Guest, Result, Shown, Sorry
from livefeed.portal.web.developer.standing import NEWEST, handler_card
from livefeed.ui.languages import noted
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.ids import HandlerId, PostId, decimal

NO_HANDLER: Final = Sorry(
    status=404,
    heading=noted("No such handler"),
    text=noted("There is none with this number on this portal."),
    back="/developer/handlers/",
)
WITHHELD: Final = Sorry(
    status=409,
    heading=noted("This cannot be done"),
    text=noted("The installation of its application is not finished."),
    back="/developer/handlers/",
)

_SAID: Final = {
    "paused": noted("The handler is paused: what happens from now on waits."),
    "resumed": noted("The handler is sent what has waited."),
    "unreadable": noted("This is not a time."),
}


def shown_list(tx: Tx, guest: Guest) -> Shown:
    """Every bound handler, and the newest of those that are unbound."""
    rows = handlers.every(tx, guest.portal.member_id)
    bound = [handler_card(tx, guest, row) for row in rows if row.state == "bound"]
    unbound = [row for row in reversed(rows) if row.state == "unbound"][:NEWEST]
    values = {"bound": bound, "unbound": [handler_card(tx, guest, row) for row in unbound]}
    return Shown(template="developer_handlers.html", values=values)


def shown_handler(tx: Tx, guest: Guest) -> Result:
    """One handler."""
    handler = found(tx, guest)
    if handler is None:
        return NO_HANDLER
    card = handler_card(tx, guest, handler)
    values = {
        "card": card,
        "bound_at": guest.look.moment(handler.bound_at),
        "may_try": card.is_bound and handler.event in (*POST_EVENTS, "ONAPPTEST"),
        "with_post": handler.event in POST_EVENTS,
        "no_post": NO_POST,
        "zone": guest.me.time_zone or "UTC",
        "count": decimal(guest.query.get("count", "")),
        "said": _SAID.get(guest.query.get("said", "")),
    }
    return Shown(template="developer_handler.html", values=values)


def paused(tx: Tx, guest: Guest) -> Result:
    """Pause a handler."""
    return _set(tx, guest, "paused", "paused")


def resumed(tx: Tx, guest: Guest) -> Result:
    """Let a handler go on."""
    return _set(tx, guest, "active", "resumed")


def tried(tx: Tx, guest: Guest) -> Result:
    """Send a test event and show its delivery."""
    number = guest.form.maybe_integer("post") or 0
    post = PostId(number) if number > 0 else NO_POST
    try:
        handler = resending.receiver(tx, guest.portal.member_id, HandlerId(guest.number("handler")))
        seq = resending.send_test(tx, handler, actor=guest.me.id, post=post, language=guest.portal.language)
    except NotSent as exc:
        return not_sent(exc, guest)
    return Go(location=f"/developer/deliveries/{seq}/{handler.consumer}")


def found(tx: Tx, guest: Guest) -> Handler | None:
    """The handler in the address, if it is of this portal."""
    return handlers.find(tx, guest.portal.member_id, HandlerId(guest.number("handler")))


def not_sent(exc: NotSent, guest: Guest) -> Sorry:
    """A page that says why something is not sent."""
    back = f"/developer/handlers/{guest.number('handler')}" if guest.number("handler") else "/developer/"
    return Sorry(status=409, heading=noted("Nothing was sent"), text=exc.words, back=back)


def _set(tx: Tx, guest: Guest, state: consumers.State, said: str) -> Result:
    handler = found(tx, guest)
    if handler is None or handler.state == "unbound":
        return NO_HANDLER
    consumer = consumers.get(tx, handler.consumer)
    if consumer is None or consumer.state == "withheld":
        return WITHHELD
    consumers.set_state(tx, handler.consumer, state)
    return Go(location=f"/developer/handlers/{handler.id}?said={said}")

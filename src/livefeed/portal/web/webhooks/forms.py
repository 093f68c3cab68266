"""The forms of webhooks: what was typed, what is wrong with it, and what they are filled in with."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from livefeed.durable.store import Tx
from livefeed.portal.apps.outgoing import Outgoing
from livefeed.portal.apps.webhooks import Incoming
from livefeed.portal.events import handlers
from livefeed.portal.events.sender import signing_secret
from livefeed.portal.web.desk import Guest, Shown
from livefeed.portal.web.webhooks.showing import (
    event_choices,
    incoming_card,
    outgoing_card,
    scope_choices,
)
from livefeed.portal.webhooks import wishes
from livefeed.portal.webhooks.wishes import IncomingWish, OutgoingWish, last_day
from livefeed.secrets import KeyRing
from livefeed.ui.languages import Words, noted
from livefeed.wire.params import Params

_SAID = {
    "made": noted("The webhook is made. What happens from now on is sent to it."),
    "saved": noted("Saved."),
    "regenerated": noted("There is another token; what is sent next carries it."),
    "taken": noted("The webhook is yours now and has another token; what is sent next carries it."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a form holds, and what is wrong with it; None: nothing."""

    name: str = ""
    scopes: Sequence[str] = ("log",)
    until: str = ""
    url: str = ""
    events: Sequence[str] = field(default_factory=tuple[str, ...])
    problem: Words | None = None


def typed(form: Params, problem: Words) -> Typed:
    """The fields of a form that is shown again."""
    return Typed(
        name=form.text("name"),
        scopes=form.texts("scope"),
        until=form.text("until"),
        url=form.text("url"),
        events=form.texts("event"),
        problem=problem,
    )


def incoming_wish(tx: Tx, form: Params) -> IncomingWish:
    """What the form of an incoming webhook asks for.

    Raises:
        Unusable: That cannot be.
    """
    return IncomingWish(
        name=wishes.read_name(form.text("name")),
        scopes=wishes.read_scopes(form.texts("scope")),
        expires_at=wishes.read_last_day(form.text("until"), now_ms=tx.now_ms),
    )


def outgoing_wish(form: Params, *, otherwise_url: str = "") -> OutgoingWish:
    """What the form of an outgoing webhook asks for; without an address it keeps ``otherwise_url``.

    Raises:
        Unusable: That cannot be.
    """
    return OutgoingWish(
        name=wishes.read_name(form.text("name")),
        url=wishes.read_url(form.text("url").strip() or otherwise_url),
        events=wishes.read_events(form.texts("event")),
    )


def new_incoming(again: Typed | None = None) -> Shown:
    """The empty form of an incoming webhook, or the one that was sent with what is wrong."""
    filled = again or Typed()
    values = {"typed": filled, "scopes": scope_choices(filled.scopes), "card": None}
    return Shown(template="webhook_incoming.html", values=values, status=_status(again))


def new_outgoing(again: Typed | None = None) -> Shown:
    """The empty form of an outgoing webhook, or the one that was sent with what is wrong."""
    filled = again or Typed(events=("ONLIVEFEEDPOSTUPDATE",))
    values = {
        "typed": filled,
        "events": event_choices(filled.events),
        "card": None,
        "token": "",
        "signing": "",
        "message": None,
    }
    return Shown(template="webhook_outgoing.html", values=values, status=_status(again))


def incoming_form(tx: Tx, guest: Guest, webhook: Incoming, again: Typed | None = None) -> Shown:
    """The form of an incoming webhook that is there."""
    filled = again or Typed(name=webhook.name, scopes=webhook.scopes, until=last_day(webhook.expires_at))
    card = incoming_card(tx, guest, webhook)
    values = {"typed": filled, "scopes": scope_choices(filled.scopes), "card": card}
    return Shown(template="webhook_incoming.html", values=values, status=_status(again))


def outgoing_form(
    tx: Tx, guest: Guest, keys: KeyRing, webhook: Outgoing, again: Typed | None = None
) -> Shown:
    """The form of an outgoing webhook that is there; only who owns it sees its token and whole address.

    Source: local-integrations/local-webhooks.md (contract 3.9)
    """
    card = outgoing_card(tx, guest, webhook)
    bound = [handler.event for handler in handlers.bound_of_webhook(tx, webhook)]
    filled = again or Typed(name=webhook.name, url=webhook.url if card.is_mine else "", events=bound)
    values = {
        "typed": filled,
        "events": event_choices(filled.events),
        "card": card,
        "token": webhook.application_token(keys).reveal() if card.is_mine else "",
        "signing": signing_secret(keys, webhook.signing_name(keys)) if card.is_mine else "",
        "message": _SAID.get(guest.query.get("said", "")),
    }
    return Shown(template="webhook_outgoing.html", values=values, status=_status(again))


def _status(again: Typed | None) -> int:
    return 200 if again is None else 400

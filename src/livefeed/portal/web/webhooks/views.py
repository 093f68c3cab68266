"""What is seen and done at ``/developer/webhooks/``; each is one unit, with the rights of the person."""

from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.apps import webhooks
from livefeed.portal.apps.outgoing import Outgoing, Token
from livefeed.portal.apps.webhooks import Code, Incoming
from livefeed.portal.web.desk import Go, Guest, Result, Shown, Sorry
from livefeed.portal.web.webhooks import forms
from livefeed.portal.web.webhooks.showing import incoming_card, outgoing_card
from livefeed.portal.webhooks import managing
from livefeed.portal.webhooks.managing import Webhook
from livefeed.portal.webhooks.wishes import Unusable
from livefeed.secrets import KeyRing
from livefeed.ui.languages import noted

HOME: Final = "/developer/webhooks/"

_NOT_THERE: Final = noted("No such webhook")
_SAID: Final = {
    "saved": noted("Saved."),
    "removed": noted("The webhook is removed; its secret is dead."),
}


def overview(tx: Tx, guest: Guest) -> Result:
    """The webhooks of who is signed in; an administrator sees all of the portal."""
    found = managing.listed(tx, guest.portal.member_id, guest.me.viewer)
    return Shown(
        template="webhooks.html",
        values={
            "incoming": [incoming_card(tx, guest, one) for one in found if isinstance(one, Incoming)],
            "outgoing": [outgoing_card(tx, guest, one) for one in found if not isinstance(one, Incoming)],
            "message": _SAID.get(guest.query.get("said", "")),
        },
    )


def new_incoming(_tx: Tx, _guest: Guest) -> Result:
    """The form of a new incoming webhook."""
    return forms.new_incoming()


def new_outgoing(_tx: Tx, _guest: Guest) -> Result:
    """The form of a new outgoing webhook."""
    return forms.new_outgoing()


def make_incoming(tx: Tx, guest: Guest, code: Code) -> Result:
    """Make an incoming webhook and show its address, this once."""
    try:
        wish = forms.incoming_wish(tx, guest.form)
        made = managing.make_incoming(tx, guest.portal.member_id, guest.me.id, wish, code)
    except Unusable as exc:
        return forms.new_incoming(forms.typed(guest.form, exc.words))
    return _shown_once(tx, guest, made, code)


def make_outgoing(tx: Tx, guest: Guest, token: Token) -> Result:
    """Make an outgoing webhook; its form shows its token."""
    try:
        wish = forms.outgoing_wish(guest.form)
        made = managing.make_outgoing(tx, guest.portal.member_id, guest.me.id, wish, token)
    except Unusable as exc:
        return forms.new_outgoing(forms.typed(guest.form, exc.words))
    return Go(location=f"{HOME}outgoing/{made.id}?said=made")


def incoming(tx: Tx, guest: Guest) -> Result:
    """The form of one incoming webhook."""
    found = _incoming(tx, guest)
    return found if isinstance(found, Sorry) else forms.incoming_form(tx, guest, found)


def outgoing(tx: Tx, guest: Guest, keys: KeyRing) -> Result:
    """The form of one outgoing webhook, with its token."""
    found = _outgoing(tx, guest)
    return found if isinstance(found, Sorry) else forms.outgoing_form(tx, guest, keys, found)


def change_incoming(tx: Tx, guest: Guest, code: Code) -> Result:
    """Change an incoming webhook; one that is taken over has another address, which is shown this once."""
    found = _incoming(tx, guest)
    if isinstance(found, Sorry):
        return found
    try:
        wish = forms.incoming_wish(tx, guest.form)
    except Unusable as exc:
        return forms.incoming_form(tx, guest, found, forms.typed(guest.form, exc.words))
    changed = managing.change_incoming(tx, guest.me.viewer, found, wish, code)
    if changed.person != found.person:
        return _shown_once(tx, guest, changed, code)
    return Go(location=f"{HOME}?said=saved")


def change_outgoing(tx: Tx, guest: Guest, token: Token, keys: KeyRing) -> Result:
    """Change an outgoing webhook; one that is taken over has another token, which its form shows."""
    found = _outgoing(tx, guest)
    if isinstance(found, Sorry):
        return found
    is_mine = found.person == guest.me.id
    try:
        wish = forms.outgoing_wish(guest.form, otherwise_url="" if is_mine else found.url)
    except Unusable as exc:
        return forms.outgoing_form(tx, guest, keys, found, forms.typed(guest.form, exc.words))
    managing.change_outgoing(tx, guest.me.viewer, found, wish, token)
    return Go(location=f"{HOME}outgoing/{found.id}?said={'saved' if is_mine else 'taken'}")


def regenerate_incoming(tx: Tx, guest: Guest, code: Code) -> Result:
    """Give an incoming webhook another address, which is shown this once."""
    found = _incoming(tx, guest)
    if isinstance(found, Sorry):
        return found
    return _shown_once(tx, guest, managing.regenerate_incoming(tx, guest.me.viewer, found, code), code)


def regenerate_outgoing(tx: Tx, guest: Guest, token: Token) -> Result:
    """Give an outgoing webhook another token."""
    found = _outgoing(tx, guest)
    if isinstance(found, Sorry):
        return found
    managing.regenerate_outgoing(tx, guest.me.viewer, found, token)
    is_mine = found.person == guest.me.id
    return Go(location=f"{HOME}outgoing/{found.id}?said={'regenerated' if is_mine else 'taken'}")


def remove_incoming(tx: Tx, guest: Guest) -> Result:
    """Remove an incoming webhook."""
    return _removed(tx, guest, _incoming(tx, guest))


def remove_outgoing(tx: Tx, guest: Guest) -> Result:
    """Remove an outgoing webhook."""
    return _removed(tx, guest, _outgoing(tx, guest))


def _removed(tx: Tx, guest: Guest, found: Webhook | Sorry) -> Result:
    if isinstance(found, Sorry):
        return found
    managing.remove(tx, found, reason=f"user {guest.me.id} removed the webhook")
    return Go(location=f"{HOME}?said=removed")


def _incoming(tx: Tx, guest: Guest) -> Incoming | Sorry:
    try:
        return managing.incoming_of(tx, guest.portal.member_id, guest.me.viewer, guest.number("webhook"))
    except Unusable as exc:
        return Sorry(status=404, heading=_NOT_THERE, text=exc.words, back=HOME)


def _outgoing(tx: Tx, guest: Guest) -> Outgoing | Sorry:
    try:
        return managing.outgoing_of(tx, guest.portal.member_id, guest.me.viewer, guest.number("webhook"))
    except Unusable as exc:
        return Sorry(status=404, heading=_NOT_THERE, text=exc.words, back=HOME)


def _shown_once(tx: Tx, guest: Guest, webhook: Incoming, code: Code) -> Shown:
    """The address of a webhook on the answer to the form itself: in no URL, no log, no later page."""
    address = webhooks.url(guest.portal, webhook.person, code.code.reveal())
    values = {"card": incoming_card(tx, guest, webhook), "address": address}
    return Shown(template="webhook_shown_once.html", values=values)

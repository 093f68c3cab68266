"""Who may do what to which webhook: each change is one unit; its owner and administrators may change it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.portal.apps import outgoing, webhooks
from livefeed.portal.apps.outgoing import Outgoing, Token
from livefeed.portal.apps.webhooks import Code, Incoming
from livefeed.portal.events import handlers
from livefeed.portal.webhooks.wishes import IncomingWish, OutgoingWish, Unusable
from livefeed.ui.languages import noted
from livefeed.wire.ids import MemberId, UserId, WebhookId

Webhook: TypeAlias = Incoming | Outgoing

MOST: Final = 100
"""Webhooks of each kind that one person can have."""


def listed(tx: Tx, portal: MemberId, who: Viewer | None) -> list[Webhook]:
    """The webhooks that ``who`` may change, by number; None: all of the portal."""
    person = None if who is None or who.is_admin else who.user_id
    found = [
        *webhooks.select(tx, portal, person=person),
        *outgoing.select(tx, portal, person=person),
    ]
    return sorted(found, key=lambda webhook: webhook.id)


def incoming_of(tx: Tx, portal: MemberId, who: Viewer, webhook_id: int) -> Incoming:
    """An incoming webhook that ``who`` may change.

    Raises:
        Unusable: There is none with this number; somebody else's is not told of.
    """
    found = webhooks.find(tx, portal, WebhookId(webhook_id))
    if found is None or not who.may_change(found.person):
        raise Unusable(noted("there is no incoming webhook %(id)s", id=webhook_id))
    return found


def outgoing_of(tx: Tx, portal: MemberId, who: Viewer, webhook_id: int) -> Outgoing:
    """An outgoing webhook that ``who`` may change.

    Raises:
        Unusable: There is none with this number; somebody else's is not told of.
    """
    found = outgoing.find(tx, portal, WebhookId(webhook_id))
    if found is None or found.removed_at is not None or not who.may_change(found.person):
        raise Unusable(noted("there is no outgoing webhook %(id)s", id=webhook_id))
    return found


def either_of(tx: Tx, portal: MemberId, who: Viewer, webhook_id: int) -> Webhook:
    """A webhook of either kind that ``who`` may change.

    Raises:
        Unusable: There is none with this number; somebody else's is not told of.
    """
    is_incoming = webhooks.find(tx, portal, WebhookId(webhook_id)) is not None
    find = incoming_of if is_incoming else outgoing_of
    try:
        return find(tx, portal, who, webhook_id)
    except Unusable as exc:
        raise Unusable(noted("there is no webhook %(id)s", id=webhook_id)) from exc


def make_incoming(tx: Tx, portal: MemberId, person: UserId, wish: IncomingWish, code: Code) -> Incoming:
    """Make an incoming webhook with the rights of ``person``.

    Raises:
        Unusable: He has too many.
    """
    _check_room(webhooks.select(tx, portal, person=person))
    made = webhooks.add(
        tx,
        portal=portal,
        user_id=person,
        scopes=wish.scopes,
        code=code,
        name=wish.name,
        expires_at=wish.expires_at,
    )
    return incoming_of(tx, portal, Viewer(user_id=person, is_admin=False), made)


def change_incoming(tx: Tx, who: Viewer, webhook: Incoming, wish: IncomingWish, code: Code) -> Incoming:
    """Make a webhook what is wished; one of somebody else's gets ``code`` and becomes ``who``'s.

    Source: settings/cloud-and-on-premise/developers-area.md (contract 3.7)
    """
    changed = replace(webhook, name=wish.name, scopes=wish.scopes, expires_at=wish.expires_at)
    webhooks.change(tx, changed)
    return changed if webhook.person == who.user_id else regenerate_incoming(tx, who, changed, code)


def regenerate_incoming(tx: Tx, who: Viewer, webhook: Incoming, code: Code) -> Incoming:
    """Give a webhook another code: the old one is dead at once, and ``who`` is its owner."""
    webhooks.regenerate(tx, webhook, code, person=who.user_id)
    return replace(webhook, person=who.user_id)


def make_outgoing(tx: Tx, portal: MemberId, person: UserId, wish: OutgoingWish, token: Token) -> Outgoing:
    """Make an outgoing webhook; what happens from here on is sent to it.

    Source: local-integrations/local-webhooks.md

    Raises:
        Unusable: This person has too many.
    """
    _check_room(outgoing.select(tx, portal, person=person))
    made = outgoing.add(tx, portal, person=person, name=wish.name, url=wish.url, token=token)
    for event in wish.events:
        handlers.bind_webhook(tx, made, event)
    return made


def change_outgoing(tx: Tx, who: Viewer, webhook: Outgoing, wish: OutgoingWish, token: Token) -> Outgoing:
    """Make a webhook what is wished; one of somebody else's gets ``token`` and becomes ``who``'s.

    Events that stay keep their handlers, and what waits for them goes to the new address.
    """
    changed = replace(webhook, name=wish.name, url=wish.url)
    outgoing.change(tx, changed)
    if webhook.person != who.user_id:
        changed = regenerate_outgoing(tx, who, changed, token)
    handlers.redirect(tx, changed)
    bound = {handler.event: handler for handler in handlers.bound_of_webhook(tx, changed)}
    for event in bound.keys() - set(wish.events):
        handlers.unbind(tx, bound[event], reason=f"user {who.user_id} took the event out of the webhook")
    for event in wish.events:
        if event not in bound:
            handlers.bind_webhook(tx, changed, event)
    return changed


def regenerate_outgoing(tx: Tx, who: Viewer, webhook: Outgoing, token: Token) -> Outgoing:
    """Give a webhook another application_token, which the next attempts carry; ``who`` is its owner."""
    outgoing.regenerate(tx, webhook, token, person=who.user_id)
    changed = replace(webhook, person=who.user_id, sealed_token=token.sealed)
    handlers.redirect(tx, changed)
    return changed


def remove(tx: Tx, webhook: Webhook, *, reason: str) -> None:
    """End a webhook at once: its code is dead; what waits for its handlers is dropped."""
    match webhook:
        case Incoming():
            webhooks.remove(tx, webhook)
        case Outgoing():
            for handler in handlers.bound_of_webhook(tx, webhook):
                handlers.unbind(tx, handler, reason=reason)
            outgoing.remove(tx, webhook)


def end_of_person(tx: Tx, portal: MemberId, person: UserId) -> int:
    """End every webhook of a person who is dismissed, and count them.

    Source: settings/system-user.md, the choice to disable integrations (contract 3.8)
    """
    ended = listed(tx, portal, Viewer(user_id=person, is_admin=False))
    for webhook in ended:
        remove(tx, webhook, reason=f"user {person}, whose webhook it was, was dismissed")
    return len(ended)


def _check_room(present: Sequence[Webhook]) -> None:
    if len(present) >= MOST:
        raise Unusable(noted("one person can have %(most)s webhooks of a kind; remove one first", most=MOST))

"""Operations on webhooks, incoming and outgoing: made, changed, regenerated, shown, removed."""

from typing import Annotated, Final, assert_never

import msgspec

from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.portal.apps import outgoing, webhooks
from livefeed.portal.apps.outgoing import Outgoing
from livefeed.portal.apps.webhooks import Incoming
from livefeed.portal.events import handlers
from livefeed.portal.events.sender import signing_secret
from livefeed.portal.operations.office import (
    ADMINISTRATOR,
    Asked,
    Document,
    Number,
    Office,
    OperationSpec,
    active_person,
)
from livefeed.portal.people import people
from livefeed.portal.portals import PortalRow
from livefeed.portal.webhooks import managing, wishes
from livefeed.portal.webhooks.managing import Webhook
from livefeed.portal.webhooks.wishes import IncomingWish, OutgoingWish
from livefeed.secrets import KeyRing
from livefeed.wire.ids import UserId

_Text = Annotated[str, msgspec.Meta(max_length=5_000)]


class WebhookAdd(Asked, frozen=True, kw_only=True):
    """Make an incoming webhook with the rights of ``user``; ``expires`` is its last day, ``2026-12-31``."""

    user: Number
    scope: _Text
    name: _Text = ""
    expires: _Text = ""


class WebhookChange(Asked, frozen=True, kw_only=True):
    """Change an incoming webhook in the name of ``user``; what is None stays, empty ``expires``: never."""

    id: Number
    user: Number = ADMINISTRATOR
    scope: _Text | None = None
    name: _Text | None = None
    expires: _Text | None = None


class WebhookNamed(Asked, frozen=True, kw_only=True):
    """Do something to a webhook of either kind in the name of ``user``."""

    id: Number
    user: Number = ADMINISTRATOR


class OutgoingAdd(Asked, frozen=True, kw_only=True):
    """Make an outgoing webhook of ``user``: ``events`` are sent to ``url``."""

    user: Number
    url: _Text
    events: Annotated[list[_Text], msgspec.Meta(max_length=100)]
    name: _Text = ""


class OutgoingChange(Asked, frozen=True, kw_only=True):
    """Change an outgoing webhook in the name of ``user``; what is None stays."""

    id: Number
    user: Number = ADMINISTRATOR
    url: _Text | None = None
    events: Annotated[list[_Text], msgspec.Meta(max_length=100)] | None = None
    name: _Text | None = None


async def add_webhook(office: Office, portal: PortalRow, asked: WebhookAdd) -> Document:
    """Make an incoming webhook; its URL is a secret."""
    wish = IncomingWish(
        name=wishes.read_name(asked.name),
        scopes=wishes.read_scopes([asked.scope]),
        expires_at=wishes.read_last_day(asked.expires, now_ms=office.clock.now_ms()),
    )
    code, person = webhooks.new_code(office.keys), UserId(asked.user)

    def unit(tx: Tx) -> Incoming:
        active_person(tx, portal, person)
        return managing.make_incoming(tx, portal.member_id, person, wish, code)

    made = await office.write(portal, unit)
    return {"url": webhooks.url(portal, person, code.code.reveal()), **_incoming(made)}


async def change_webhook(office: Office, portal: PortalRow, asked: WebhookChange) -> Document:
    """Change an incoming webhook; one that was somebody else's has another URL, which is in the document."""
    code, now_ms = webhooks.new_code(office.keys), office.clock.now_ms()

    def unit(tx: Tx) -> tuple[Incoming, Incoming]:
        who = _who(tx, portal, asked.user)
        found = managing.incoming_of(tx, portal.member_id, who, asked.id)
        wish = IncomingWish(
            name=found.name if asked.name is None else wishes.read_name(asked.name),
            scopes=found.scopes if asked.scope is None else wishes.read_scopes([asked.scope]),
            expires_at=found.expires_at
            if asked.expires is None
            else wishes.read_last_day(asked.expires, now_ms=now_ms),
        )
        return found, managing.change_incoming(tx, who, found, wish, code)

    before, after = await office.write(portal, unit)
    is_same = before.person == after.person
    return {
        "url": None if is_same else webhooks.url(portal, after.person, code.code.reveal()),
        **_incoming(after),
    }


async def add_outgoing(office: Office, portal: PortalRow, asked: OutgoingAdd) -> Document:
    """Make an outgoing webhook; its application_token is in the document."""
    wish = OutgoingWish(
        name=wishes.read_name(asked.name),
        url=wishes.read_url(asked.url),
        events=wishes.read_events(asked.events),
    )
    token, person = outgoing.new_token(office.keys, portal.member_id), UserId(asked.user)

    def unit(tx: Tx) -> tuple[Outgoing, Document]:
        active_person(tx, portal, person)
        made = managing.make_outgoing(tx, portal.member_id, person, wish, token)
        return made, _outgoing(tx, made)

    return _with_secrets(office.keys, *await office.write(portal, unit))


async def change_outgoing(office: Office, portal: PortalRow, asked: OutgoingChange) -> Document:
    """Change an outgoing webhook; one that was somebody else's has another application_token."""
    token = outgoing.new_token(office.keys, portal.member_id)

    def unit(tx: Tx) -> tuple[Outgoing, Document]:
        who = _who(tx, portal, asked.user)
        found = managing.outgoing_of(tx, portal.member_id, who, asked.id)
        bound = tuple(handler.event for handler in handlers.bound_of_webhook(tx, found))
        wish = OutgoingWish(
            name=found.name if asked.name is None else wishes.read_name(asked.name),
            url=found.url if asked.url is None else wishes.read_url(asked.url),
            events=bound if asked.events is None else wishes.read_events(asked.events),
        )
        changed = managing.change_outgoing(tx, who, found, wish, token)
        return changed, _outgoing(tx, changed)

    return _with_secrets(office.keys, *await office.write(portal, unit))


async def show_outgoing(office: Office, portal: PortalRow, asked: WebhookNamed) -> Document:
    """An outgoing webhook with its application_token, as its form shows it."""

    def unit(tx: Tx) -> tuple[Outgoing, Document]:
        found = managing.outgoing_of(tx, portal.member_id, _who(tx, portal, asked.user), asked.id)
        return found, _outgoing(tx, found)

    return _with_secrets(office.keys, *await office.store.read(unit))


async def regenerate(office: Office, portal: PortalRow, asked: WebhookNamed) -> Document:
    """Give a webhook of either kind another secret; who asks for it owns it from here on."""
    code = webhooks.new_code(office.keys)
    token = outgoing.new_token(office.keys, portal.member_id)

    def unit(tx: Tx) -> tuple[Webhook, Document]:
        who = _who(tx, portal, asked.user)
        found = managing.either_of(tx, portal.member_id, who, asked.id)
        match found:
            case Incoming():
                fresh = managing.regenerate_incoming(tx, who, found, code)
                return fresh, _incoming(fresh)
            case Outgoing():
                changed = managing.regenerate_outgoing(tx, who, found, token)
                return changed, _outgoing(tx, changed)
            case _:
                assert_never(found)

    changed, document = await office.write(portal, unit)
    if isinstance(changed, Outgoing):
        return _with_secrets(office.keys, changed, document)
    return {"url": webhooks.url(portal, changed.person, code.code.reveal()), **document}


async def remove(office: Office, portal: PortalRow, asked: WebhookNamed) -> Document:
    """End a webhook of either kind at once."""

    def unit(tx: Tx) -> None:
        who = _who(tx, portal, asked.user)
        found = managing.either_of(tx, portal.member_id, who, asked.id)
        managing.remove(tx, found, reason=f"user {who.user_id} removed the webhook")

    await office.write(portal, unit)
    return {"id": asked.id, "removed": True}


def _who(tx: Tx, portal: PortalRow, user: int) -> Viewer:
    active_person(tx, portal, UserId(user))
    person = people.find(tx, portal.member_id, UserId(user))
    assert person is not None, "he is active"
    return person.viewer


def _incoming(webhook: Incoming) -> Document:
    return {
        "id": webhook.id,
        "user": webhook.person,
        "name": webhook.name,
        "scope": ",".join(webhook.scopes),
        "expires": wishes.last_day(webhook.expires_at) or None,
    }


def _outgoing(tx: Tx, webhook: Outgoing) -> Document:
    return {
        "id": webhook.id,
        "user": webhook.person,
        "name": webhook.name,
        "url": webhook.url,
        "member_id": webhook.portal,
        "handlers": {handler.event: handler.id for handler in handlers.bound_of_webhook(tx, webhook)},
    }


def _with_secrets(keys: KeyRing, webhook: Outgoing, document: Document) -> Document:
    return {
        **document,
        "application_token": webhook.application_token(keys).reveal(),
        "signing_secret": signing_secret(keys, webhook.signing_name(keys)),
    }


OPERATIONS: Final = (
    OperationSpec(name="webhook_add", asked=WebhookAdd, run=add_webhook),
    OperationSpec(name="webhook_change", asked=WebhookChange, run=change_webhook),
    OperationSpec(name="webhook_regenerate", asked=WebhookNamed, run=regenerate),
    OperationSpec(name="webhook_remove", asked=WebhookNamed, run=remove),
    OperationSpec(name="outgoing_add", asked=OutgoingAdd, run=add_outgoing),
    OperationSpec(name="outgoing_change", asked=OutgoingChange, run=change_outgoing),
    OperationSpec(name="outgoing_show", asked=WebhookNamed, run=show_outgoing),
)

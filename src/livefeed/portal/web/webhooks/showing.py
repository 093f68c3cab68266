"""Webhooks as pages show them: scopes and events in words, whose they are, how they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from livefeed.durable import consumers
from livefeed.durable.store import Tx
from livefeed.portal.apps.outgoing import Outgoing
from livefeed.portal.apps.webhooks import Incoming
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Handler
from livefeed.portal.web.desk import Guest
from livefeed.portal.web.desk.showing import Face
from livefeed.portal.webhooks.wishes import EVENTS, last_day
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import Moment

Mood: TypeAlias = Literal["good", "wait", "bad"]

_SCOPES: Final = {
    "log": noted("Feed: posts and comments"),
    "im": noted("Notifications"),
    "user": noted("People, with everything known of them"),
    "user_basic": noted("People, with how to reach them"),
    "user_brief": noted("People: names, positions, places"),
    "department": noted("Company structure"),
    "sonet_group": noted("Workgroups"),
}
_EVENTS: Final = {
    "ONLIVEFEEDPOSTADD": noted("A post is published"),
    "ONLIVEFEEDPOSTUPDATE": noted("A post is changed"),
    "ONLIVEFEEDPOSTDELETE": noted("A post is deleted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to choose in a form; ``code`` is what the wire calls it."""

    code: str
    words: Words | str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One event of an outgoing webhook, and how its deliveries go."""

    handler: int
    event: str
    words: Words | str
    mood: Mood
    state: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCard:
    """An incoming webhook; ``until`` is its last day, or empty."""

    id: int
    name: str
    owner: Face
    is_mine: bool
    scopes: list[Choice]
    created: Moment
    until: str
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCard:
    """An outgoing webhook; of the address of somebody else's only the host is shown."""

    id: int
    name: str
    owner: Face
    is_mine: bool
    url: str
    created: Moment
    sendings: list[Sending]


def incoming_card(tx: Tx, guest: Guest, webhook: Incoming) -> IncomingCard:
    """An incoming webhook as ``guest`` sees it."""
    return IncomingCard(
        id=webhook.id,
        name=webhook.name,
        owner=guest.look.face(webhook.person),
        is_mine=webhook.person == guest.me.id,
        scopes=[choice for choice in scope_choices(webhook.scopes) if choice.is_chosen],
        created=guest.look.moment(webhook.created_at),
        until=last_day(webhook.expires_at),
        is_over=webhook.expires_at is not None and webhook.expires_at <= tx.now_ms,
    )


def outgoing_card(tx: Tx, guest: Guest, webhook: Outgoing) -> OutgoingCard:
    """An outgoing webhook as ``guest`` sees it."""
    is_mine = webhook.person == guest.me.id
    return OutgoingCard(
        id=webhook.id,
        name=webhook.name,
        owner=guest.look.face(webhook.person),
        is_mine=is_mine,
        url=webhook.url if is_mine else _host(webhook.url),
        created=guest.look.moment(webhook.created_at),
        sendings=[_sending(tx, handler) for handler in handlers.bound_of_webhook(tx, webhook)],
    )


def scope_choices(chosen: Iterable[str]) -> list[Choice]:
    """The scopes that open something on this portal, and those that were granted besides."""
    granted = list(chosen)
    known = [Choice(code=code, words=words, is_chosen=code in granted) for code, words in _SCOPES.items()]
    others = [Choice(code=code, words=code, is_chosen=True) for code in granted if code not in _SCOPES]
    return [*known, *others]


def event_choices(chosen: Iterable[str]) -> list[Choice]:
    """The events that an outgoing webhook can be sent."""
    selected = set(chosen)
    return [Choice(code=code, words=_EVENTS[code], is_chosen=code in selected) for code in EVENTS]


def _sending(tx: Tx, handler: Handler) -> Sending:
    consumer = consumers.get(tx, handler.consumer)
    mood: Mood = "good"
    state = noted("sent as it happens")
    if consumer is not None and consumer.state == "paused":
        mood, state = "wait", noted("paused")
    elif consumer is not None and consumer.fails:
        mood, state = "bad", noted("does not answer; tried again")
    words = _EVENTS.get(handler.event, handler.event)
    return Sending(handler=handler.id, event=handler.event, words=words, mood=mood, state=state)


def _host(url: str) -> str:
    """The address without what may hold a secret: ``https://shop.example/…``."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/{'…' if parts.path.strip('/') or parts.query else ''}"

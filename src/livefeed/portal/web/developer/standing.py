"""Applications and handlers as the developer area shows them."""

from dataclasses import dataclass
from typing import Final

from livefeed.durable import consumers, deliveries
from livefeed.durable.store import Tx
from livefeed.portal.apps import outgoing, registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.log.masks import masked_url
from livefeed.portal.web.desk import Guest
from livefeed.portal.web.developer.words import Said
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import Moment

NEWEST: Final = 50
"""Of so many attempts a handler's failures are counted."""

_APP_STATES: Final = {
    "withheld": Said(words=noted("events are withheld until the installation is finished"), mood="bad"),
    "installed": Said(words=noted("installed"), mood="good"),
    "removed": Said(words=noted("uninstalled"), mood="plain"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose handler it is."""

    name: str
    href: str
    is_webhook: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerCard:
    """One handler.

    Attributes:
        url: Its address without what may be a secret.
        whose: Whose tokens it gets.
        state: What it does.
        probe_at: When one that is down is asked next.
        failed: How many of its newest attempts failed.
        tried: How many attempts that is of.
        is_bound: It can be sent something.
        is_paused: What happens waits until it is resumed.
    """

    id: int
    consumer: int
    event: str
    url: str
    owner: Owner
    whose: Words
    state: Said
    probe_at: Moment | None
    failed: int
    tried: int
    is_bound: bool
    is_paused: bool

    @property
    def percent(self) -> int:
        """The share of failures."""
        return round(100 * self.failed / self.tried) if self.tried else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCard:
    """One application."""

    row: App
    state: Said
    is_withheld: bool
    is_removed: bool
    created: Moment
    handlers: list[HandlerCard]
    unbound: list[HandlerCard]

    @property
    def events(self) -> list[str]:
        """What it is told of."""
        told = {card.event for card in self.handlers}
        return sorted(told | ({"ONAPPINSTALL"} if self.row.install_url else set()))


def app_card(tx: Tx, guest: Guest, app: App) -> AppCard:
    """An application with its handlers."""
    rows = [row for row in handlers.every(tx, app.portal) if row.app == app.id]
    cards = [handler_card(tx, guest, row) for row in rows]
    return AppCard(
        row=app,
        state=_APP_STATES[app.state],
        is_withheld=app.state == "withheld",
        is_removed=app.state == "removed",
        created=guest.look.moment(app.created_at),
        handlers=[card for card in cards if card.is_bound],
        unbound=[card for card in reversed(cards) if not card.is_bound][:NEWEST],
    )


def handler_card(tx: Tx, guest: Guest, handler: Handler) -> HandlerCard:
    """A handler, with how it fares."""
    consumer = consumers.get(tx, handler.consumer)
    attempts = deliveries.newest_attempts(tx, handler.consumer, limit=NEWEST)
    is_down = consumer is not None and consumer.state == "active" and consumer.fails > 0
    return HandlerCard(
        id=handler.id,
        consumer=handler.consumer,
        event=handler.event,
        url=masked_url(handler.url),
        owner=owner_of(tx, handler),
        whose=_whose(guest, handler),
        state=_state(handler, consumer),
        probe_at=guest.look.exact(consumer.ready_at_ms)
        if is_down and consumer is not None and consumer.ready_at_ms is not None
        else None,
        failed=sum(one.state != "delivered" for one in attempts),
        tried=len(attempts),
        is_bound=handler.state == "bound",
        is_paused=consumer is not None and consumer.state == "paused",
    )


def owner_of(tx: Tx, handler: Handler) -> Owner:
    """The application or the outgoing webhook that a handler belongs to."""
    if handler.webhook is not None:
        webhook = outgoing.find(tx, handler.portal, handler.webhook)
        name = "" if webhook is None else webhook.name
        href = f"/developer/webhooks/outgoing/{handler.webhook}"
        return Owner(name=name or f"webhook {handler.webhook}", href=href, is_webhook=True)
    app = None if handler.app is None else registry.find(tx, handler.app)
    name = "" if app is None else app.name
    return Owner(name=name, href=f"/developer/apps/{handler.app}", is_webhook=False)


def _whose(guest: Guest, handler: Handler) -> Words:
    if handler.webhook is not None:
        return noted("none")
    if handler.auth_type == handlers.ACTING_USER:
        return noted("whoever caused the event")
    return noted("always %(name)s", name=guest.look.face(handler.auth_type).name)


def _state(handler: Handler, consumer: consumers.Consumer | None) -> Said:
    if handler.state == "unbound" or consumer is None:
        return Said(words=noted("unbound: %(reason)s", reason=handler.reason), mood="plain")
    match consumer.state:
        case "paused":
            return Said(words=noted("paused"), mood="wait")
        case "withheld":
            return Said(words=noted("withheld"), mood="bad")
        case "gone":
            return Said(words=noted("unbound: %(reason)s", reason=handler.reason), mood="plain")
        case "active":
            if consumer.fails:
                words = noted("does not answer (%(count)s in a row)", count=consumer.fails)
                return Said(words=words, mood="bad")
            return Said(words=noted("bound"), mood="good")

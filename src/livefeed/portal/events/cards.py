"""Cards: what is needed to send to one handler, worked out once and kept until something about it changes."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from livefeed.durable import consumers
from livefeed.durable.consumers import Consumer, ConsumerId
from livefeed.durable.store import Store, Tx
from livefeed.portal import portals
from livefeed.portal.access import PEOPLE
from livefeed.portal.apps import outgoing, registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.bodies import Bodies, Templates
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import INSTALL
from livefeed.portal.events.sender import Signer
from livefeed.portal.portals import PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.ids import AppId, MemberId, UserId, WebhookId

_MOST: Final = 50_000
_A_READ: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One address that events are sent to.

    Attributes:
        consumer: Whose lanes they come from.
        epoch: Of that consumer; a lease of another epoch is not sent.
        app: Whose tokens they carry; None: an outgoing webhook, which never gets any.
        url: Where they go.
        auth_type: Whose tokens; 0: those of the acting user.
        webhook_id: The beginning of every ``webhook-id``: ``msg_<member_id>_<handler>_``.
        signer: Of the application or the webhook, for ``webhook-signature``.
        bodies: What is sent.
        handler: The bound handler; None for an install URL.
    """

    consumer: ConsumerId
    epoch: int
    app: App | None
    url: str
    auth_type: UserId
    webhook_id: str
    signer: Signer
    bodies: Bodies
    handler: Handler | None

    @property
    def application_token(self) -> str:
        """The secret that proves its events genuine."""
        return self.bodies.application_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An application, and what the cards of its handlers have in common.

    Attributes:
        app: The application.
        portal: Where it is installed.
        token: Its application_token.
        signer: Signs what it is sent.
        templates: Of its bodies; filled when they are needed.
    """

    app: App
    portal: PortalRow
    token: str
    signer: Signer
    templates: Templates


Owners: TypeAlias = dict[AppId, Owner]


def signing_key(keys: KeyRing, name: str) -> bytes:
    """The key (32 bytes) that signs what the owner of ``name``, an application's client_id, is sent."""
    return hashlib.blake2b(name.encode(), digest_size=32, key=keys.derive("webhook.sign")).digest()


def signing_secret(keys: KeyRing, name: str) -> str:
    """The same key as its owner is told it, in the form of Standard Webhooks: ``whsec_…``."""
    return f"whsec_{base64.b64encode(signing_key(keys, name)).decode('ascii')}"


class CardIndex:
    """Cards and the epochs of people, in memory; emptied when a commit says that one of them has changed."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self._store = store
        self._keys = keys
        self._cards: dict[ConsumerId, Card] = {}
        self._people: dict[tuple[MemberId, UserId], int | None] = {}
        self._owners: Owners = {}
        self._generation = 0
        self._asked: dict[ConsumerId, asyncio.Future[Card | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        """Listen for changes; call it in a running loop."""
        topics = (handlers.TOPIC, portals.TOPIC, PEOPLE)
        self._ends = [self._store.listen(topic, self._forget) for topic in topics]

    def stop(self) -> None:
        """Stop listening."""
        for end in self._ends:
            end()
        self._ends = []

    def known_card(self, consumer: ConsumerId, epoch: int) -> Card | None:
        """The card of a consumer in this epoch, if it is at hand; see `card`."""
        known = self._cards.get(consumer)
        return known if known is not None and known.epoch == epoch else None

    async def card(self, consumer: ConsumerId, epoch: int) -> Card | None:
        """The card of a consumer in this epoch; None if it has another, or nothing is to be sent to it."""
        if (known := self.known_card(consumer, epoch)) is not None:
            return known
        card = await asyncio.shield(self._asked_for(consumer))
        return None if card is None or card.epoch != epoch else card

    def _asked_for(self, consumer: ConsumerId) -> asyncio.Future[Card | None]:
        """Who asks in one turn of the loop is answered with one read; who asks for the same gets the same."""
        future = self._asked.get(consumer)
        if future is None:
            # Asking which loop runs is a system call on Linux: of those that ask together the first does.
            loop = next(iter(self._asked.values())).get_loop() if self._asked else asyncio.get_running_loop()
            future = self._asked[consumer] = loop.create_future()
            if self._reading is None or self._reading.done():
                self._reading = loop.create_task(self._read_asked())
        return future

    async def _read_asked(self) -> None:
        while self._asked:
            asked = dict(islice(self._asked.items(), _A_READ))
            generation, owners = self._generation, self._owners
            try:
                cards = await self._store.read(
                    lambda tx, asked=asked, owners=owners: [
                        current_card(tx, self._keys, consumer, owners) for consumer in asked
                    ]
                )
            except Exception as exc:  # noqa: BLE001 - it is raised where the card was asked for
                for consumer, future in asked.items():
                    del self._asked[consumer]
                    future.set_exception(exc)
                continue
            for (consumer, future), card in zip(asked.items(), cards, strict=True):
                del self._asked[consumer]
                if card is not None and generation == self._generation:
                    self._keep(card)
                future.set_result(card)

    def _keep(self, card: Card) -> None:
        if len(self._cards) >= _MOST:
            self._cards.clear()
        self._cards[card.consumer] = card

    def is_current(self, card: Card) -> bool:
        """Whether nothing was changed since the card was handed out; without a look at the database."""
        return self._cards.get(card.consumer) is card

    async def person_epoch(self, portal: MemberId, person: UserId) -> int | None:
        """The epoch that tokens of ``person`` carry; None if he is dismissed."""
        key = (portal, person)
        if key in self._people:
            return self._people[key]
        generation = self._generation
        epoch = await self._store.read(lambda tx: handlers.person_epoch(tx, portal, person))
        if generation == self._generation:
            self._people[key] = epoch
        return epoch

    def _forget(self) -> None:
        self._generation += 1
        self._cards.clear()
        self._people.clear()
        self._owners = {}  # a read that is under way fills the old ones


def current_card(tx: Tx, keys: KeyRing, consumer_id: ConsumerId, owners: Owners | None = None) -> Card | None:
    """The card to send with; None if nothing may be sent to this consumer any more.

    Args:
        tx: The query.
        keys: Open and derive secrets.
        consumer_id: Whose.
        owners: What was read of applications before, and is still true; it is added to.
    """
    consumer = consumers.get(tx, consumer_id)
    if consumer is None or consumer.state == "gone":
        return None
    handler = handlers.find_by_consumer(tx, consumer_id)
    card = _drawn(tx, keys, consumer, handler, {} if owners is None else owners)
    if card is None or card.app is None or card.app.state != "removed" or _is_farewell(handler):
        return card
    return None


def past_card(tx: Tx, keys: KeyRing, consumer_id: ConsumerId) -> Card | None:
    """The card that was sent with, of a handler that is unbound or an application that is removed too."""
    consumer = consumers.get(tx, consumer_id)
    return (
        None
        if consumer is None
        else _drawn(tx, keys, consumer, handlers.find_by_consumer(tx, consumer_id), {})
    )


def _drawn(tx: Tx, keys: KeyRing, consumer: Consumer, handler: Handler | None, owners: Owners) -> Card | None:
    if handler is not None and handler.webhook is not None:
        return _of_webhook(tx, keys, consumer, handler, handler.webhook)
    owner = _owner(tx, keys, _app_of(consumer, handler), owners)
    if owner is None:
        return None
    app, portal = owner.app, owner.portal
    name = "install" if handler is None else str(handler.id)
    handler_id = None if handler is None else handler.id
    return Card(
        consumer=consumer.id,
        epoch=consumer.epoch,
        app=app,
        url=app.install_url if handler is None else handler.url,
        auth_type=handlers.ACTING_USER if handler is None else handler.auth_type,
        webhook_id=f"msg_{portal.member_id}_{name}_",
        signer=owner.signer,
        bodies=Bodies(portal, app, owner.token, consumer.kind or "", handler_id, owner.templates),
        handler=handler,
    )


def _owner(tx: Tx, keys: KeyRing, app_id: AppId, owners: Owners) -> Owner | None:
    owner = owners.get(app_id)
    if owner is None:
        app = registry.find(tx, app_id)
        portal = None if app is None else portals.find(tx, app.portal)
        if app is None or portal is None:
            return None
        owner = owners[app_id] = Owner(
            app=app,
            portal=portal,
            token=app.application_token(keys).reveal(),
            signer=Signer(signing_key(keys, app.client_id)),
            templates={},
        )
    return owner


def _of_webhook(
    tx: Tx, keys: KeyRing, consumer: Consumer, handler: Handler, webhook_id: WebhookId
) -> Card | None:
    webhook = outgoing.find(tx, handler.portal, webhook_id)
    portal = portals.find(tx, handler.portal)
    if webhook is None or portal is None:
        return None
    token = webhook.application_token(keys).reveal()
    return Card(
        consumer=consumer.id,
        epoch=consumer.epoch,
        app=None,
        url=handler.url,
        auth_type=handlers.ACTING_USER,
        webhook_id=f"msg_{portal.member_id}_{handler.id}_",
        signer=Signer(signing_key(keys, webhook.signing_name(keys))),
        bodies=Bodies(portal, None, token, handler.event, handler.id),
        handler=handler,
    )


def _app_of(consumer: Consumer, handler: Handler | None) -> AppId:
    if handler is not None and handler.app is not None:
        return handler.app
    return AppId(int(consumer.name.removeprefix(INSTALL)))


def _is_farewell(handler: Handler | None) -> bool:
    return handler is not None and handler.event == "ONAPPUNINSTALL"

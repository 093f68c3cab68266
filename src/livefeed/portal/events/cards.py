"""Cards: what is needed to send to one handler, worked out once and kept until something about it changes."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from livefeed.durable import consumers
from livefeed.durable.consumers import Consumer, ConsumerId
from livefeed.durable.lanes import Lease
from livefeed.durable.store import Store, Tx
from livefeed.portal import portals
from livefeed.portal.access import PEOPLE
from livefeed.portal.apps import outgoing, registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.bodies import Bodies, Templates
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import INSTALL
from livefeed.portal.events.sender import Signer, signing_key
from livefeed.portal.portals import PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.ids import AppId, MemberId, UserId, WebhookId

_MOST: Final = 50_000
_A_READ: Final = 192


class Card(msgspec.Struct, frozen=True, kw_only=True, eq=False):
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


class CardIndex:
    """Cards and the epochs of people, in memory; emptied when a commit says that one of them has changed."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self._store = store
        self._keys = keys
        self._cards: dict[ConsumerId, Card] = {}
        self._people: dict[tuple[MemberId, UserId], int | None] = {}
        self._epochs: dict[tuple[MemberId, UserId], asyncio.Task[int | None]] = {}
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

    async def prepare(self, leased: Sequence[Lease]) -> None:
        """Have the cards of many leases at hand, with one read; if it fails each is read when asked for."""
        unknown = {lease.consumer.id for lease in leased} - self._cards.keys()
        if unknown:
            with suppress(Exception):
                await self._read(list(unknown))

    async def _read(self, ids: Sequence[ConsumerId]) -> list[Card | None]:
        """Read cards and keep them, unless something has changed meanwhile."""
        generation, owners = self._generation, self._owners
        cards = await self._store.read(lambda tx: current_cards(tx, self._keys, ids, owners))
        if generation == self._generation:
            if len(self._cards) + len(cards) > _MOST:
                self._cards.clear()
            self._cards.update((card.consumer, card) for card in cards if card is not None)
        return cards

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
            try:
                cards = await self._read(list(asked))
            except Exception as exc:  # noqa: BLE001 - it is raised where the card was asked for
                for consumer, future in asked.items():
                    del self._asked[consumer]
                    future.set_exception(exc)
                continue
            for (consumer, future), card in zip(asked.items(), cards, strict=True):
                del self._asked[consumer]
                future.set_result(card)

    def is_current(self, card: Card) -> bool:
        """Whether nothing was changed since the card was handed out; without a look at the database."""
        return self._cards.get(card.consumer) is card

    async def person_epoch(self, portal: MemberId, person: UserId) -> int | None:
        """The epoch that tokens of ``person`` carry; None if he is dismissed."""
        key = (portal, person)
        if key in self._people:
            return self._people[key]
        reading = self._epochs.get(key)
        if reading is None:  # who asks meanwhile gets the same; after a change nobody does
            reading = self._epochs[key] = asyncio.create_task(self._read_epoch(portal, person))
        return await asyncio.shield(reading)

    async def _read_epoch(self, portal: MemberId, person: UserId) -> int | None:
        generation = self._generation
        try:
            epoch = await self._store.read(lambda tx: handlers.person_epoch(tx, portal, person))
            if generation == self._generation:
                self._people[portal, person] = epoch
            return epoch
        finally:
            if generation == self._generation:
                self._epochs.pop((portal, person), None)

    def _forget(self) -> None:
        self._generation += 1
        self._cards.clear()
        self._people.clear()
        self._epochs.clear()
        self._owners = {}  # a read that is under way fills the old ones


def current_cards(tx: Tx, keys: KeyRing, ids: Sequence[ConsumerId], owners: Owners) -> list[Card | None]:
    """The cards to send with; None where nothing may be sent to a consumer any more.

    Args:
        tx: The query.
        keys: Open and derive secrets.
        ids: Whose.
        owners: What was read of applications before, and is still true; it is added to.
    """
    alive, bound = consumers.get_many(tx, ids), handlers.of_consumers(tx, ids)
    return [_current(tx, keys, alive.get(one), bound.get(one), owners) for one in ids]


def _current(
    tx: Tx, keys: KeyRing, consumer: Consumer | None, handler: Handler | None, owners: Owners
) -> Card | None:
    if consumer is None or consumer.state == "gone":
        return None
    card = _drawn(tx, keys, consumer, handler, owners)
    if card is None or card.app is None or card.app.state != "removed" or _is_farewell(handler):
        return card
    return None


def past_card(tx: Tx, keys: KeyRing, consumer_id: ConsumerId) -> Card | None:
    """The card that was sent with, of a handler that is unbound or an application that is removed too."""
    consumer = consumers.get(tx, consumer_id)
    if consumer is None:
        return None
    return _drawn(tx, keys, consumer, handlers.find_by_consumer(tx, consumer_id), {})


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

"""Guests: which application has an application_token or a number, as far as faults ask."""

from typing import Final

import msgspec

from livefeed.durable.store import Store, Tx
from livefeed.portal.apps import registry
from livefeed.portal.events.sender import Signer, signing_key
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name an event is sent."""

    client_id: str
    signer: Signer


class Guests:
    """Knows the applications of a portal; looks again when it is asked for one that it does not know."""

    def __init__(self, store: Store, keys: KeyRing, portal: MemberId) -> None:
        self._store: Final = store
        self._keys: Final = keys
        self._portal: Final = portal
        self._senders: dict[str, Sender] = {}
        self._numbers: dict[int, str] = {}

    async def sender(self, application_token: str) -> Sender | None:
        """Whom this application_token belongs to; None: to no application, an outgoing webhook for one."""
        if application_token not in self._senders:
            await self._look()
        return self._senders.get(application_token)

    async def client_id(self, app: int) -> str:
        """Of the application with this number; empty: there is none."""
        if app not in self._numbers:
            await self._look()
        return self._numbers.get(app, "")

    async def _look(self) -> None:
        def query(tx: Tx) -> list[registry.App]:
            return registry.every(tx, self._portal)

        for app in await self._store.read(query):
            client_id = str(app.client_id)
            self._numbers[app.id] = client_id
            token = app.application_token(self._keys).reveal()
            self._senders[token] = Sender(
                client_id=client_id, signer=Signer(signing_key(self._keys, app.client_id))
            )

"""A running application's parts, as handlers, consumers and the door reach them."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Final, TypeVar

from livefeed import rooms
from livefeed.app.contexts.watching import Watched
from livefeed.app.contexts.writes import OwnWrites
from livefeed.app.installs import following
from livefeed.app.installs.administrators import Lent
from livefeed.app.installs.portals import KnownPortal, Portals
from livefeed.client import vault
from livefeed.client.buckets import Buckets
from livefeed.client.oauth import TokenEndpoint
from livefeed.client.rest import Access, Credentials, RestClient
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.sending.budgets import Budgets
from livefeed.client.vault import Vault
from livefeed.clock import Clock
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.store import Store
from livefeed.errors import NotInstalled
from livefeed.net.http import HttpClient
from livefeed.secrets import KeyRing, Secret
from livefeed.settings import AppSettings
from livefeed.wire.ids import MemberId, UserId

T = TypeVar("T")

ROOMS: Final = rooms.APP
"""Packages whose migrations the database of every application needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What is open while the application runs.

    Attributes:
        settings: As merged from flags and environment.
        store: The application's database.
        keys: Seals, opens and hashes.
        portal_keys: Seals and opens what belongs to one portal.
        clock: Tells the time.
        http: The one way out.
        portals: The known portals, in memory.
        endpoint: The authorization server of the settings.
        vault: Tokens of those who installed, opened a page, or signed in.
        buckets: The rate of calls, by portal.
        budgets: The running time of methods, by portal.
        coalesced: Wire names of the events of which handlers take runs; only these wait for the quiet time.
        confirms_payments: Whether payments that nothing proves are confirmed; else they are refused.
        threads: Where sync handlers run.
        writes: What the application itself has written to feeds.
        state: What `App.on_start` functions keep for handlers; of this running application alone.
        loop: The event loop that it runs in.
        thread: The thread of that.
    """

    settings: AppSettings
    store: Store
    keys: KeyRing
    portal_keys: PortalKeys
    clock: Clock
    http: HttpClient
    portals: Portals
    endpoint: TokenEndpoint
    vault: Vault
    buckets: Buckets
    budgets: Budgets
    coalesced: frozenset[str]
    confirms_payments: bool
    threads: ThreadPoolExecutor
    writes: OwnWrites
    state: SimpleNamespace
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    thread: int = field(default_factory=threading.get_ident)

    def client(self, member_id: MemberId, *, handling: str = "") -> RestClient:
        """A client with the tokens stored at installation.

        Args:
            member_id: Which portal.
            handling: The wire name of the event for whose sake it calls; empty: none.

        Raises:
            NotInstalled: The portal has none.
            UnknownPortal: It is not known at all.
        """
        portal = self.portals.get(member_id)
        if portal.user_id is None or not portal.is_active:
            raise NotInstalled(f"no tokens are stored for portal {member_id}; install the application there")
        return self.client_of(member_id, portal.user_id, handling=handling)

    def client_of(self, member_id: MemberId, user_id: UserId, *, handling: str = "") -> RestClient:
        """A client with the stored tokens of one person: who installed, opened a page, or signed in.

        Its calls raise NotInstalled where no usable pair of this person is stored.

        Raises:
            NotInstalled: The portal has left.
            UnknownPortal: It is not known at all.
        """
        if not self.portals.get(member_id).is_active:
            raise NotInstalled(f"portal {member_id} has uninstalled the application")
        return self._client(member_id, _Stored(self, member_id, user_id), handling)

    async def people(self, member_id: MemberId, *, most: int = 10) -> list[UserId]:
        """Whose stored tokens can be used in a portal, who opened the application last first."""
        return await self.store.read(lambda tx: vault.people(tx, member_id, most=most))

    def client_with(self, member_id: MemberId, token: Secret, *, handling: str = "") -> RestClient:
        """A client with one access token, which cannot be renewed; it calls only the portal's known address.

        Raises:
            NotInstalled: No address of the portal is known.
            UnknownPortal: It is not known at all.
        """
        portal = self.portals.get(member_id)
        if not portal.endpoint:
            raise NotInstalled(
                f"no address of portal {member_id} is known; set LIVEFEED_PORTAL_URL or install there"
            )
        return self._client(member_id, Lent(portal.endpoint, token), handling)

    def consumer(self, member_id: MemberId, name: str) -> ConsumerId:
        """One consumer of a portal, by the name it was registered under.

        Raises:
            UnknownPortal: The portal is not known.
            KeyError: The application has no such consumer.
        """
        return self.portals.get(member_id).consumers[name]

    async def relocate(self, portal: KnownPortal, token: Secret) -> str | None:
        """The portal's new address, from the authorization server alone; None if it knows none."""
        info = await self.endpoint.app_info(token)
        install = info.install
        if install is None or install.member_id != portal.member_id:
            return None
        if install.client_endpoint in {"", portal.endpoint}:
            return None
        moved = replace(portal, endpoint=install.client_endpoint)
        await following.move(self.store, self.portals, moved, install.domain)
        return install.client_endpoint

    def wait(self, work: Awaitable[T]) -> T:
        """Let the event loop await ``work``, and wait for it in another thread.

        Raises:
            RuntimeError: It is called in the event loop, where it would wait for itself.
        """

        async def awaited() -> T:
            return await work

        if threading.get_ident() == self.thread:
            if inspect.iscoroutine(work):
                work.close()
            raise RuntimeError("this is for sync handlers; await it")
        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result()

    def _client(self, member_id: MemberId, credentials: Credentials, handling: str) -> RestClient:
        http = Watched(self.http, self.writes, member_id, handling)
        if not self.settings.rate_limit:
            return RestClient(http, credentials)
        return RestClient(http, credentials, self.buckets.of(member_id), budget=self.budgets.of(member_id))


class _Stored:
    """The pair in the vault, renewed when the portal says that it has expired."""

    def __init__(self, runtime: Runtime, member_id: MemberId, user_id: UserId) -> None:
        self._runtime = runtime
        self._member_id = member_id
        self._user_id = user_id

    async def access(self) -> Access:
        token = await self._runtime.vault.access(self._member_id, self._user_id)
        return Access(endpoint=self._runtime.portals.get(self._member_id).endpoint, token=token)

    async def renew(self, refused: Access) -> Access | None:
        token = await self._runtime.vault.renew(self._member_id, self._user_id, refused.token)
        return Access(endpoint=refused.endpoint, token=token)

    async def relocate(self, moved: Access) -> Access | None:
        portal = self._runtime.portals.get(self._member_id)
        endpoint = await self._runtime.relocate(portal, moved.token)
        return None if endpoint is None else Access(endpoint=endpoint, token=moved.token)

"""A fake portal over real HTTP, a real database, and a clock that is turned by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import engines

from livefeed.client.oauth import TokenEndpoint
from livefeed.client.rest import Access, RestClient
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.vault import Vault, keep
from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store
from livefeed.net.http import HttpClient
from livefeed.secrets import KeyRing, Secret
from livefeed.wire.ids import MemberId, UserId
from livefeed.wire.oauth import TokenAnswer

from .fake_portal import CLIENT_ID, CLIENT_SECRET, FakePortal
from .serving import serving


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Caller:
    """A client whose pair lies in a vault."""

    portal: FakePortal
    store: Store
    vault: Vault
    client: RestClient
    keys: KeyRing
    member_id: MemberId
    user_id: UserId


class StoredPair:
    def __init__(self, portal: FakePortal, vault: Vault, member_id: MemberId, user_id: UserId) -> None:
        self.portal, self.vault, self.member_id, self.user_id = portal, vault, member_id, user_id
        self.moved: str | None = None

    @property
    def endpoint(self) -> str:
        return self.moved or f"{self.portal.url}/rest/"

    async def access(self) -> Access:
        return Access(endpoint=self.endpoint, token=await self.vault.access(self.member_id, self.user_id))

    async def renew(self, refused: Access) -> Access | None:
        token = await self.vault.renew(self.member_id, self.user_id, refused.token)
        return Access(endpoint=self.endpoint, token=token)

    async def relocate(self, moved: Access) -> Access | None:
        if self.portal.endpoint is None:
            return None
        self.moved = self.portal.endpoint
        return Access(endpoint=self.moved, token=moved.token)


@pytest.fixture
async def portal() -> AsyncIterator[FakePortal]:
    fake = FakePortal()
    async with serving(fake) as fake.url:
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(allow_private=True) as client:
        yield client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    opened = open_store(engines.database(tmp_path, "vault", ["livefeed.client"]), ["livefeed.client"], clock)
    yield opened
    await opened.close()


@pytest.fixture
async def caller(portal: FakePortal, http: HttpClient, store: Store, clock: ManualClock) -> Caller:
    keys = KeyRing([bytes(range(32))])
    endpoint = TokenEndpoint(http, url=portal.url, client_id=CLIENT_ID, client_secret=Secret(CLIENT_SECRET))
    vault = Vault(store, PortalKeys(store, keys), clock, endpoint)
    member_id, user_id = MemberId(portal.member_id), UserId(1)
    access, refresh = portal.issue(1)
    answer = TokenAnswer(access_token=access, refresh_token=refresh, expires_in=3600, member_id=member_id)
    pair = vault.seal(member_id, user_id, answer)
    await store.write(lambda tx: keep(tx, pair))
    client = RestClient(http, StoredPair(portal, vault, member_id, user_id))
    return Caller(portal, store, vault, client, keys, member_id, user_id)

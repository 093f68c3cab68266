"""Two vaults on one database, as two processes have them: one refresh, and no pair is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests import engines

from livefeed.client.oauth import TokenEndpoint
from livefeed.client.refreshing import LEASE_MS, begin
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.vault import Vault, keep
from livefeed.clock import ManualClock
from livefeed.durable.store import open_store
from livefeed.errors import Fault, NotInstalled
from livefeed.net.http import HttpClient
from livefeed.secrets import Secret
from livefeed.wire.oauth import TokenAnswer

from .conftest import Caller
from .fake_portal import CLIENT_ID, CLIENT_SECRET, Refusal


@pytest.fixture
async def vaults(
    caller: Caller, http: HttpClient, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[tuple[Vault, Vault]]:
    """On PostgreSQL each has the database open for itself, as on two machines."""
    endpoint = TokenEndpoint(
        http, url=caller.portal.url, client_id=CLIENT_ID, client_secret=Secret(CLIENT_SECRET)
    )
    store = caller.store
    if store.engine != "sqlite":
        store = open_store(engines.database(tmp_path, "vault"), ["livefeed.client"], clock)
    yield caller.vault, Vault(store, PortalKeys(store, caller.keys), clock, endpoint)
    if store is not caller.store:
        await store.close()


async def test_64_callers_of_two_vaults_cause_one_refresh(caller: Caller, vaults: tuple[Vault, Vault]):
    old = await caller.vault.access(caller.member_id, caller.user_id)

    renewed = await asyncio.gather(
        *(vaults[number % 2].renew(caller.member_id, caller.user_id, old) for number in range(64))
    )

    assert caller.portal.refreshes == 1
    assert len(set(renewed)) == 1
    assert renewed[0] != old


async def test_a_refresh_that_gets_no_answer_leaves_the_pair_to_the_other_vault(
    caller: Caller, vaults: tuple[Vault, Vault]
):
    here, there = vaults
    old = await here.access(caller.member_id, caller.user_id)
    caller.portal.down = 503
    with pytest.raises(Fault):
        await here.renew(caller.member_id, caller.user_id, old)
    caller.portal.down = None

    assert await there.renew(caller.member_id, caller.user_id, old) != old


async def test_who_waits_goes_on_when_the_other_one_gives_up(caller: Caller, vaults: tuple[Vault, Vault]):
    here, there = vaults
    old = await here.access(caller.member_id, caller.user_id)
    asked = asyncio.Event()

    async def fail_once() -> None:
        caller.portal.on_refresh = None
        asked.set()
        raise Refusal(503, "SERVER_ERROR")

    caller.portal.on_refresh = fail_once
    first = asyncio.create_task(here.renew(caller.member_id, caller.user_id, old))
    await asked.wait()
    second = await there.renew(caller.member_id, caller.user_id, old)

    assert second != old
    with pytest.raises(Fault):
        await first


async def test_the_lease_of_a_process_that_died_ends(
    caller: Caller, vaults: tuple[Vault, Vault], clock: ManualClock
):
    old = await caller.vault.access(caller.member_id, caller.user_id)
    assert await caller.store.write(
        lambda tx: begin(tx, caller.member_id, caller.user_id, version=1, by="a process that died")
    )
    renewal = asyncio.create_task(vaults[1].renew(caller.member_id, caller.user_id, old))
    await caller.store.probe()
    assert not renewal.done()

    clock.advance(LEASE_MS / 1000)
    assert await renewal != old
    assert caller.portal.refreshes == 1


async def test_a_lease_that_another_process_holds_is_no_lease_of_ours(caller: Caller):
    async def has(by: str) -> bool:
        return await caller.store.write(
            lambda tx: begin(tx, caller.member_id, caller.user_id, version=1, by=by)
        )

    assert await has("one")
    assert await has("one"), "it may be renewed"
    assert not await has("another")


async def test_a_dead_pair_is_dead_at_both(caller: Caller, vaults: tuple[Vault, Vault]):
    old = await caller.vault.access(caller.member_id, caller.user_id)
    caller.portal.refresh.clear()

    ends = await asyncio.gather(
        *(vault.renew(caller.member_id, caller.user_id, old) for vault in vaults), return_exceptions=True
    )

    assert [type(end) for end in ends] == [NotInstalled, NotInstalled]
    assert caller.portal.refreshes == 1


async def test_a_new_installation_ends_the_lease_of_the_old_pair(caller: Caller, vaults: tuple[Vault, Vault]):
    await caller.store.write(lambda tx: begin(tx, caller.member_id, caller.user_id, version=1, by="dead"))
    access, refresh = caller.portal.issue(1)
    answer = TokenAnswer(
        access_token=access, refresh_token=refresh, expires_in=3600, member_id=caller.member_id
    )
    pair = caller.vault.seal(caller.member_id, caller.user_id, answer)
    await caller.store.write(lambda tx: keep(tx, pair))

    assert await vaults[1].renew(caller.member_id, caller.user_id, Secret(access)) != Secret(access)

from functools import partial

import pytest

from livefeed.client.safes.keys import PortalKeys, drop
from livefeed.client.safes.pairs import replace_pair
from livefeed.client.vault import Vault, forget, keep, keep_opener
from livefeed.clock import ManualClock
from livefeed.errors import NotInstalled, SettingsError, StoreConflict
from livefeed.secrets import Secret
from livefeed.wire.faults import UnexpectedAnswer
from livefeed.wire.oauth import TokenAnswer

from .conftest import Caller


def stored(tx):
    return dict(tx.execute("SELECT * FROM token").fetchone())


async def test_tokens_are_not_in_clear_in_the_database(caller: Caller):
    row = await caller.store.read(stored)

    assert b"access0" not in row["access"]
    assert b"refresh0" not in row["refresh"]


async def test_a_blob_moved_to_another_portal_does_not_open(caller: Caller):
    await caller.store.write(lambda tx: tx.execute("UPDATE token SET member_id = 'other'"))

    with pytest.raises(SettingsError, match="damaged"):
        await caller.vault.access("other", caller.user_id)


async def test_the_new_pair_is_stored_before_it_is_used(caller: Caller):
    old = await caller.vault.access(caller.member_id, caller.user_id)

    new = await caller.vault.renew(caller.member_id, caller.user_id, old)

    assert new != old
    assert await caller.vault.access(caller.member_id, caller.user_id) == new


async def test_a_renewal_of_a_token_that_was_replaced_meanwhile_asks_nobody(caller: Caller):
    old = await caller.vault.access(caller.member_id, caller.user_id)
    new = await caller.vault.renew(caller.member_id, caller.user_id, old)

    assert await caller.vault.renew(caller.member_id, caller.user_id, old) == new
    assert caller.portal.refreshes == 1


async def test_a_refresh_that_another_process_won_uses_what_it_stored(caller: Caller):
    old = await caller.vault.access(caller.member_id, caller.user_id)
    theirs = caller.keys.seal(b"their-access", context=f"token:{caller.member_id}:{caller.user_id}".encode())

    async def other_process() -> None:
        caller.portal.refresh.clear()
        await caller.store.write(
            lambda tx: tx.execute("UPDATE token SET access = ?, version = version + 1", (theirs,))
        )

    caller.portal.on_refresh = other_process

    assert await caller.vault.renew(caller.member_id, caller.user_id, old) == Secret("their-access")


async def test_the_refresh_token_before_is_kept_until_the_new_one_has_worked(caller: Caller):
    old = await caller.vault.access(caller.member_id, caller.user_id)
    second = await caller.vault.renew(caller.member_id, caller.user_id, old)
    # The authorization server forgets the rotation, as after a restored backup.
    first_refresh = caller.portal.spent[0]
    caller.portal.refresh = {first_refresh: 1}

    third = await caller.vault.renew(caller.member_id, caller.user_id, second)

    assert third not in (old, second)
    assert await caller.vault.access(caller.member_id, caller.user_id) == third


async def test_an_authorization_server_that_is_away_costs_no_pair(caller: Caller):
    old = await caller.vault.access(caller.member_id, caller.user_id)
    caller.portal.down = 503

    with pytest.raises(UnexpectedAnswer):
        await caller.vault.renew(caller.member_id, caller.user_id, old)

    caller.portal.down = None
    assert await caller.vault.renew(caller.member_id, caller.user_id, old) != old


async def test_a_forgotten_portal_has_no_tokens(caller: Caller):
    await caller.store.write(lambda tx: forget(tx, caller.member_id))

    with pytest.raises(NotInstalled):
        await caller.vault.access(caller.member_id, caller.user_id)


@pytest.mark.parametrize(
    "store_it", [keep, partial(keep_opener, is_proved=True), partial(replace_pair, version=1)]
)
async def test_a_pair_that_was_sealed_before_its_portal_was_erased_is_not_stored(caller: Caller, store_it):
    keys = PortalKeys(caller.store, caller.keys)
    await keys.ensure(caller.member_id)
    answer = TokenAnswer(access_token="a", refresh_token="r", expires_in=60, member_id=caller.member_id)
    pair = Vault(caller.store, keys, ManualClock(), caller.vault).seal(caller.member_id, 9, answer)
    await caller.store.write(lambda tx: drop(tx, caller.member_id))

    with pytest.raises(StoreConflict, match="erased"):
        await caller.store.write(lambda tx: store_it(tx, pair))


async def test_the_endpoint_of_a_token_answer_is_never_taken(caller: Caller):
    caller.portal.expire_all()

    await caller.client.call("user.current")

    assert caller.portal.refreshes == 1
    assert caller.portal.called("user.current") == [{}]

"""Pairs of people who opened a page: kept beside the installer's, and never in its place."""

import pytest

from livefeed.client import vault
from livefeed.errors import NotInstalled
from livefeed.secrets import Secret
from livefeed.wire.oauth import TokenAnswer

from .conftest import Caller

OTHER = 7


async def keep(
    caller: Caller, user: int, access: str, refresh: str, *, expires_in: int = 3600, proved=False
) -> bool:
    answer = TokenAnswer(
        access_token=access, refresh_token=refresh, expires_in=expires_in, member_id=caller.member_id
    )
    pair = caller.vault.seal(caller.member_id, user, answer)
    return await caller.store.write(lambda tx: vault.keep_opener(tx, pair, is_proved=proved))


async def test_an_opener_has_a_pair_of_his_own(caller: Caller):
    before = await caller.vault.access(caller.member_id, caller.user_id)

    assert await keep(caller, OTHER, "his-access", "his-refresh")

    assert Secret("his-access") == await caller.vault.access(caller.member_id, OTHER)
    assert before == await caller.vault.access(caller.member_id, caller.user_id)
    assert {caller.user_id, OTHER} == set(
        await caller.store.read(lambda tx: vault.people(tx, caller.member_id))
    )


async def test_the_pair_of_the_installer_is_not_replaced_by_an_opening(caller: Caller):
    before = await caller.vault.access(caller.member_id, caller.user_id)

    assert not await keep(caller, caller.user_id, "from-a-page", "garbage", expires_in=86_400)

    assert before == await caller.vault.access(caller.member_id, caller.user_id)


async def test_a_dead_pair_of_the_installer_lives_again_when_he_opens_a_page(caller: Caller):
    caller.portal.refresh.clear()
    old = await caller.vault.access(caller.member_id, caller.user_id)
    with pytest.raises(NotInstalled):
        await caller.vault.renew(caller.member_id, caller.user_id, old)

    assert await keep(caller, caller.user_id, "from-a-page", "r")

    assert Secret("from-a-page") == await caller.vault.access(caller.member_id, caller.user_id)


async def test_an_older_opening_sent_again_replaces_nothing(caller: Caller):
    await keep(caller, OTHER, "newer", "r2", expires_in=3600)

    assert not await keep(caller, OTHER, "older", "r1", expires_in=3000)
    assert Secret("newer") == await caller.vault.access(caller.member_id, OTHER)


async def test_what_the_authorization_server_gave_replaces_any_pair_of_that_person(caller: Caller):
    assert await keep(caller, caller.user_id, "signed-in", "r", proved=True)

    assert Secret("signed-in") == await caller.vault.access(caller.member_id, caller.user_id)


async def test_a_refresh_token_of_another_person_ends_the_pair(caller: Caller):
    _, foreign = caller.portal.issue(99)
    await keep(caller, OTHER, "expired", foreign)

    with pytest.raises(NotInstalled):
        await caller.vault.renew(caller.member_id, OTHER, Secret("expired"))
    with pytest.raises(NotInstalled):
        await caller.vault.access(caller.member_id, OTHER)


async def test_a_refresh_token_of_another_portal_ends_the_pair(caller: Caller):
    _, foreign = caller.portal.issue(OTHER)
    caller.portal.member_id = "b" * 32
    await keep(caller, OTHER, "expired", foreign)

    with pytest.raises(NotInstalled):
        await caller.vault.renew(caller.member_id, OTHER, Secret("expired"))


async def test_a_pair_that_cannot_be_opened_keeps_no_other_from_being_kept_alive(caller: Caller):
    await keep(caller, OTHER, *caller.portal.issue(OTHER))
    for change in (
        "UPDATE token SET received_at = user_id",
        f"UPDATE token SET access = substr(access, 1, 20) WHERE user_id <> {OTHER}",
    ):
        await caller.store.write(lambda tx, change=change: tx.execute(change))
    before = await caller.vault.access(caller.member_id, OTHER)

    await caller.vault.keep_alive(caller.member_id)

    assert before != await caller.vault.access(caller.member_id, OTHER)


async def test_his_tokens_are_renewed_like_any(caller: Caller):
    _, refresh = caller.portal.issue(OTHER)
    await keep(caller, OTHER, "expired", refresh)

    renewed = await caller.vault.renew(caller.member_id, OTHER, Secret("expired"))

    assert OTHER == caller.portal.live[renewed.reveal()]

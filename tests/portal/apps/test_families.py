"""Families of refresh tokens: ten seconds of grace for a lost answer, then reuse ends all of it."""

import asyncio

import pytest

from livefeed.portal.apps.refresh import GRACE_S

from ..site import App, Site
from .asking import first_pair, lives, refresh

AFTER_S = GRACE_S + 0.001


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app(install_url=site.receiver.url + "/install")


async def pair_of(site: Site, app: App, token: str) -> dict[str, str]:
    status, pair = await refresh(site, app, token)
    assert status == 200, pair
    return pair


async def is_dead(site: Site, app: App, pair: dict[str, str]) -> bool:
    status, answer = await refresh(site, app, pair["refresh_token"])
    return status == 400 and answer["error"] == "invalid_grant"


async def test_a_lost_answer_is_asked_for_again_within_ten_seconds(site: Site, app: App) -> None:
    first = await first_pair(site, app)
    lost = await pair_of(site, app, first["refresh_token"])
    site.house.clock.advance(GRACE_S)
    again = await pair_of(site, app, first["refresh_token"])
    assert len({first["refresh_token"], lost["refresh_token"], again["refresh_token"]}) == 3
    site.house.clock.advance(3_600)
    await pair_of(site, app, again["refresh_token"])


async def test_a_refresh_token_that_comes_back_later_ends_its_family(site: Site, app: App) -> None:
    first = await first_pair(site, app)
    second = await pair_of(site, app, first["refresh_token"])
    third = await pair_of(site, app, second["refresh_token"])
    site.house.clock.advance(AFTER_S)
    assert await is_dead(site, app, first)
    assert await is_dead(site, app, second)
    assert await is_dead(site, app, third)


async def test_the_access_tokens_of_an_ended_family_are_dead_at_once(site: Site, app: App) -> None:
    other = await first_pair(site, app)
    first = await first_pair(site, app)
    second = await pair_of(site, app, first["refresh_token"])
    site.house.clock.advance(AFTER_S)
    assert await lives(site, second["access_token"])
    assert await is_dead(site, app, first)
    assert [await lives(site, pair["access_token"]) for pair in (first, second)] == [False, False]
    assert (await site.fault(second["access_token"], "profile"))[:2] == (401, "NO_AUTH_FOUND")
    assert await lives(site, other["access_token"])
    await pair_of(site, app, other["refresh_token"])


async def test_an_ended_family_has_no_grace(site: Site, app: App) -> None:
    first = await first_pair(site, app)
    second = await pair_of(site, app, first["refresh_token"])
    site.house.clock.advance(AFTER_S)
    assert await is_dead(site, app, first)
    site.house.clock.advance(1)  # had the reuse counted as a use, this would be within its grace
    assert await is_dead(site, app, second)


async def test_the_grace_counts_from_the_first_use_and_not_from_the_last(site: Site, app: App) -> None:
    first = await first_pair(site, app)
    for _ in range(3):
        await pair_of(site, app, first["refresh_token"])
        site.house.clock.advance(4)
    assert await is_dead(site, app, first)


async def test_two_processes_that_refresh_at_once_both_get_a_pair_that_works(site: Site, app: App) -> None:
    first = await first_pair(site, app)
    answers = await asyncio.gather(*(refresh(site, app, first["refresh_token"]) for _ in range(2)))
    assert [status for status, _ in answers] == [200, 200]
    one, other = (pair for _, pair in answers)
    assert one["refresh_token"] != other["refresh_token"]
    assert await lives(site, one["access_token"])
    assert await lives(site, other["access_token"])
    site.house.clock.advance(3_600)
    await pair_of(site, app, other["refresh_token"])  # the pair that was stored last


async def test_a_family_split_by_a_race_cannot_live_on_in_two_places(site: Site, app: App) -> None:
    stolen = await first_pair(site, app)
    theirs = await pair_of(site, app, stolen["refresh_token"])
    ours = await pair_of(site, app, stolen["refresh_token"])
    site.house.clock.advance(3_600)
    later = await pair_of(site, app, theirs["refresh_token"])
    site.house.clock.advance(AFTER_S)
    assert await is_dead(site, app, ours)
    assert await is_dead(site, app, later)
    assert not await lives(site, later["access_token"])


async def test_a_thief_who_refreshes_first_loses_all_when_the_owner_refreshes(site: Site, app: App) -> None:
    owners = await first_pair(site, app)
    thiefs = await pair_of(site, app, owners["refresh_token"])
    site.house.clock.advance(3_600)
    assert await is_dead(site, app, owners)
    assert await is_dead(site, app, thiefs)


async def test_a_refresh_token_of_an_event_has_the_same_grace_and_the_same_end(site: Site, app: App) -> None:
    (event,) = await site.send_due()
    token = event.auth["refresh_token"]
    first, second = await pair_of(site, app, token), await pair_of(site, app, token)
    site.house.clock.advance(AFTER_S)
    assert (await refresh(site, app, token))[1]["error"] == "invalid_grant"
    assert await is_dead(site, app, first)
    assert await is_dead(site, app, second)
    assert not await lives(site, first["access_token"])


async def test_families_of_two_people_end_apart(site: Site, app: App) -> None:
    annas, boriss = await first_pair(site, app, 1), await first_pair(site, app, 2)
    await pair_of(site, app, annas["refresh_token"])
    site.house.clock.advance(AFTER_S)
    assert await is_dead(site, app, annas)
    await pair_of(site, app, boriss["refresh_token"])


async def test_another_application_cannot_end_a_family(site: Site, app: App) -> None:
    first, stranger = await first_pair(site, app), await site.add_app()
    second = await pair_of(site, app, first["refresh_token"])
    site.house.clock.advance(AFTER_S)
    assert (await refresh(site, stranger, first["refresh_token"]))[1]["error"] == "invalid_grant"
    await pair_of(site, app, second["refresh_token"])

"""Tokens: what they say, how long they live, and what kills them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.errors import Fault
from livefeed.portal import portals
from livefeed.portal.apps.tokens import Bearer, Mint, codec_of, open_access, principal_of
from livefeed.portal.people import people
from livefeed.secrets import KeyRing
from livefeed.wire.faults import ExpiredToken, NoAuthFound
from livefeed.wire.ids import AppId, UserId

from ..site import App, Site

KEYS = KeyRing([bytes(range(32))])
NOW_MS = 1_773_750_554_000
numbers = st.integers(1, 2**32 - 1)
epochs = st.integers(0, 2**16 - 1)
bearers = st.builds(
    Bearer, app=numbers.map(AppId), person=numbers.map(UserId), app_epoch=epochs, person_epoch=epochs
)


@given(bearer=bearers, now_ms=st.integers(0, 4 * 10**12))
def test_a_token_says_what_was_minted_and_no_kind_is_taken_for_the_other(bearer: Bearer, now_ms: int) -> None:
    codec = codec_of(KEYS)
    access, refresh = codec.mint("access", bearer, now_ms), codec.mint("refresh", bearer, now_ms)
    assert len(access) == 56
    assert set(access) <= set("abcdefghijklmnopqrstuvwxyz234567")
    opened = codec.open("access", access)
    assert opened is not None
    assert (opened.bearer, opened.minute) == (bearer, now_ms // 60_000)
    assert codec.open("refresh", access) is codec.open("access", refresh) is None


@given(bearer=bearers, bit=st.integers(0, 35 * 8 - 1))
def test_one_changed_bit_makes_it_nobodys_token(bearer: Bearer, bit: int) -> None:
    token = codec_of(KEYS).mint_fresh("access", bearer, NOW_MS)
    raw = bytearray(base64.b32decode(token.upper()))
    raw[bit // 8] ^= 1 << bit % 8
    assert open_access(KEYS, base64.b32encode(bytes(raw)).decode().lower()) is None


@pytest.mark.parametrize("token", ["", "x", "1" * 56, "é" * 56, "a" * 55, "a" * 57, "A" * 56, "a" * 100_000])
def test_anything_else_is_no_token(token: str) -> None:
    assert open_access(KEYS, token) is None


def test_a_token_of_other_keys_is_no_token() -> None:
    bearer = Bearer(app=AppId(1), person=UserId(1), app_epoch=1, person_epoch=1)
    assert open_access(KEYS, codec_of(KeyRing([b"x" * 32])).mint("access", bearer, NOW_MS)) is None


def test_events_of_one_minute_share_their_tokens_and_the_endpoint_never_repeats_one() -> None:
    bearer = Bearer(app=AppId(1), person=UserId(1), app_epoch=1, person_epoch=1)
    mint = Mint(KEYS)
    assert mint.pair(bearer, 60_000) == mint.pair(bearer, 119_999) != mint.pair(bearer, 120_000)
    fresh = {codec_of(KEYS).mint_fresh("access", bearer, NOW_MS) for _ in range(50)}
    assert len(fresh) == 50


def test_a_minute_with_many_people_fills_no_memory() -> None:
    def bearer_of(person: int) -> Bearer:
        return Bearer(app=AppId(1), person=UserId(person), app_epoch=1, person_epoch=1)

    mint = Mint(KEYS)
    first = mint.pair(bearer_of(1), NOW_MS)
    for person in range(2, 6_000):
        mint.pair(bearer_of(person), NOW_MS)

    assert 4_096 >= len(mint._made)
    assert first == mint.pair(bearer_of(1), NOW_MS), "made anew, and the same within the minute"


async def caller(site: Site, token: str, *, portal: str | None = None) -> int:
    claims = open_access(site.house.keys, token)
    assert claims is not None
    member_id = portals.MemberId(portal or site.house.portal.member_id)
    principal = await site.house.store.read(
        lambda tx: principal_of(tx, portal=member_id, claims=claims, now_ms=tx.now_ms)
    )
    return principal.user_id


async def refused(site: Site, token: str, fault: type[Fault], **rest: str) -> None:
    with pytest.raises(fault):
        await caller(site, token, **rest)


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app()


async def test_a_token_lives_an_hour_from_the_end_of_its_minute(site: Site, app: App) -> None:
    token = await site.token(app, 3)
    left_s = 60 - site.house.clock.now_ms() % 60_000 / 1000
    site.house.clock.advance(3600 + left_s - 1)
    assert await caller(site, token) == 3
    site.house.clock.advance(1)
    await refused(site, token, ExpiredToken)
    assert (await site.fault(token, "profile"))[:2] == (401, "expired_token")


async def test_dismissal_kills_a_persons_tokens_at_once(site: Site, app: App) -> None:
    token, other = await site.token(app, 3), await site.token(app, 4)
    await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    await refused(site, token, NoAuthFound)
    assert await caller(site, other) == 4


async def test_a_token_is_good_on_its_own_portal_only(site: Site, app: App) -> None:
    other = await site.run(lambda tx: portals.create(tx, public_url="http://other.example", name="Other"))
    await refused(site, await site.token(app), NoAuthFound, portal=other.member_id)


async def test_a_token_of_an_application_that_never_was_is_refused(site: Site) -> None:
    bearer = Bearer(app=AppId(999), person=UserId(1), app_epoch=1, person_epoch=1)
    token = codec_of(site.house.keys).mint("access", bearer, site.house.clock.now_ms())
    await refused(site, token, NoAuthFound)

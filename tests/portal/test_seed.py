"""The demo company."""

import pytest

from livefeed.durable.store import Store
from livefeed.portal import portals
from livefeed.portal.access import Viewer
from livefeed.portal.feed import comments, reading
from livefeed.portal.feed.reading import Filter
from livefeed.portal.people import people, places
from livefeed.portal.seed import seed_empty
from livefeed.secrets import KeyRing
from livefeed.wire.ids import UserId

from .conftest import House

pytestmark = pytest.mark.anyio


async def test_the_company_has_people_departments_groups_and_a_feed_in_two_languages(house: House):
    member_id = house.portal.member_id
    everyone = await house.store.read(lambda tx: people.select(tx, member_id, is_active=True))
    names = await house.store.read(lambda tx: places.names(tx, member_id))
    admin = Viewer(user_id=UserId(1), is_admin=True)
    feed = await house.store.read(lambda tx: reading.newest(tx, member_id, admin, Filter(), count=50))
    assert len(everyone) >= 6
    assert {person.language for person in everyone} == {"en", "ru"}
    assert {code for code in names if code.startswith(("DR", "SG"))} == {"DR1", "DR2", "DR3", "SG1", "SG2"}
    assert len(feed) == 12
    assert {code[:2] for post in feed for code in post.audience} >= {"UA", "SG", "DR", "D3", "U2"}
    talk = await house.store.read(lambda tx: [comments.of_post(tx, post) for post in feed])
    assert all(talk)
    assert all(len(one) == post.comment_count for one, post in zip(talk, feed, strict=True))
    assert any("а" in post.text for post in feed)


async def test_user_1_is_the_administrator_and_comes_first(house: House):
    assert [person.id for person in house.seeded.people] == list(range(1, 9))
    assert (await house.call(1, "profile"))["ADMIN"] is True
    assert house.seeded.posts == list(range(1, 13))


async def test_webhook_codes_are_stored_only_hashed(house: House):
    stored = await house.store.read(lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM webhook")])
    assert len(stored) == 8
    for person in house.seeded.people:
        assert person.webhook_code not in str(stored)


async def test_an_empty_portal_has_an_administrator_who_can_start(store: Store):
    keys = KeyRing([bytes(32)])
    portal = await store.write(lambda tx: portals.create(tx, public_url="http://127.0.0.1:1", name="New"))
    seeded = await store.write(lambda tx: seed_empty(tx, portal=portal, keys=keys))
    assert [person.id for person in seeded.people] == [1]
    assert seeded.posts == []

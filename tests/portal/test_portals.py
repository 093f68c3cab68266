"""Several portals in one server."""

import pytest

from livefeed.durable.store import Store
from livefeed.errors import SettingsError
from livefeed.portal import portals
from livefeed.portal.portals import Directory

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8024", "127.0.0.1:8024"),
        ("http://127.0.0.1:8024/", "127.0.0.1:8024"),
        ("http://Feed.Example.com", "feed.example.com"),
        ("http://feed.example.com:80", "feed.example.com"),
        ("https://feed.example.com:443/", "feed.example.com"),
        ("https://feed.example.com:8443", "feed.example.com:8443"),
        ("http://[::1]:8024", "[::1]:8024"),
    ],
)
async def test_a_portal_is_found_by_the_host_its_address_gives(store: Store, url: str, host: str):
    row = await store.write(lambda tx: portals.create(tx, public_url=url, name="One"))
    directory = await Directory.load(store)
    assert directory.by_host(host.upper()) == row
    assert row.domain == host
    assert row.client_endpoint == url.rstrip("/") + "/rest/"


@pytest.mark.parametrize(
    "url", ["", "feed", "ftp://a.b", "http://", "http://a/b", "http://a?b", "http://a:x", "http://a:99999"]
)
async def test_a_url_that_is_no_base_url_is_refused(store: Store, url: str):
    with pytest.raises(SettingsError):
        await store.write(lambda tx: portals.create(tx, public_url=url, name="One"))


async def test_the_first_portal_is_the_default_until_another_one_is_made_it(store: Store):
    first = await store.write(lambda tx: portals.create(tx, public_url="http://a", name="A"))
    second = await store.write(lambda tx: portals.create(tx, public_url="http://b", name="B"))
    assert (first.is_default, second.is_default) == (True, False)
    third = await store.write(lambda tx: portals.create(tx, public_url="http://c", name="C", is_default=True))
    directory = await Directory.load(store)
    assert directory.default.member_id == third.member_id
    assert [row.is_default for row in directory.every()] == [True, False, False]


async def test_two_portals_cannot_have_one_host(store: Store):
    await store.write(lambda tx: portals.create(tx, public_url="http://a", name="A"))
    second = await store.write(lambda tx: portals.create(tx, public_url="http://b", name="B"))
    with pytest.raises(SettingsError, match="exists already"):
        await store.write(lambda tx: portals.create(tx, public_url="https://A", name="C"))
    with pytest.raises(SettingsError, match="exists already"):
        await store.write(lambda tx: portals.move(tx, second.member_id, "http://a"))


async def test_a_moved_portal_keeps_its_member_id(store: Store):
    row = await store.write(lambda tx: portals.create(tx, public_url="http://a", name="A"))
    moved = await store.write(lambda tx: portals.move(tx, row.member_id, "https://new.example"))
    assert (moved.member_id, moved.public_url, moved.host) == (
        row.member_id,
        "https://new.example",
        "new.example",
    )
    with pytest.raises(SettingsError, match="no portal"):
        await store.write(lambda tx: portals.move(tx, portals.MemberId("0" * 32), "https://other.example"))


async def test_a_database_without_a_portal_says_what_to_do(store: Store):
    with pytest.raises(SettingsError, match="portal init"):
        await Directory.load(store)

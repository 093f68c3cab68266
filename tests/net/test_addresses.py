"""What counts as public, and that a name is judged by every address it has."""

import pytest

from livefeed.clock import ManualClock
from livefeed.errors import AddressBlocked, ConnectFailed
from livefeed.net.addresses import AddressBook, SystemResolver, is_public, literal_address

from .conftest import TableResolver

NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::1",
    "2002:c0a8:101::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2001:db8::1",
]  # what belongs together in a line # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_of_our_own_nets_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_a_literal_address_is_read_with_and_without_brackets() -> None:
    assert [literal_address("[::1]"), literal_address("10.0.0.1"), literal_address("example.com")] == [
        "::1",
        "10.0.0.1",
        None,
    ]


async def test_one_private_address_among_public_ones_blocks_the_name() -> None:
    book = AddressBook(TableResolver({"both.example": ["8.8.8.8", "10.0.0.1"]}), ManualClock())
    with pytest.raises(AddressBlocked, match=r"10\.0\.0\.1"):
        await book.public_address("both.example", 443)


async def test_a_name_that_turns_private_is_blocked_at_the_next_attempt_after_ten_seconds() -> None:
    clock, resolver = ManualClock(), TableResolver({"turn.example": ["8.8.8.8"]})
    book = AddressBook(resolver, clock)
    assert await book.public_address("turn.example", 443) == "8.8.8.8"
    resolver.table["turn.example"] = ["127.0.0.1"]
    assert await book.public_address("turn.example", 443) == "8.8.8.8"  # the address that was checked
    clock.advance(10)
    with pytest.raises(AddressBlocked):
        await book.public_address("turn.example", 443)
    assert len(resolver.asked) == 2


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", ".example"])
async def test_what_cannot_be_a_name_cannot_be_connected(host: str) -> None:
    with pytest.raises(ConnectFailed, match="has no address"):
        await AddressBook(SystemResolver(), ManualClock()).public_address(host, 80)


@pytest.mark.parametrize("table", [{}, {"empty.example": []}])
async def test_a_name_without_an_address_cannot_be_connected(table: dict[str, list[str]]) -> None:
    with pytest.raises(ConnectFailed, match=r"empty\.example has no address"):
        await AddressBook(TableResolver(table), ManualClock()).public_address("empty.example", 80)

from collections.abc import AsyncIterator

import pytest

from livefeed.portal.people import passwords
from livefeed.secrets import Secret
from livefeed.wire.ids import UserId

from ...conftest import House
from ...site import Site, standing

PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def password_hash() -> str:
    return passwords._hash(Secret(PASSWORD))


async def _with_password(house: House, password_hash: str) -> None:
    portal = house.portal.member_id
    await house.store.write(lambda tx: passwords.keep(tx, portal, UserId(2), password_hash))


@pytest.fixture
async def site(house: House, password_hash: str) -> AsyncIterator[Site]:
    """A portal that is not the demo; user 2, james, has a password."""
    await _with_password(house, password_hash)
    async with standing(house, is_demo=False) as found:
        yield found


@pytest.fixture
async def demo(house: House, password_hash: str) -> AsyncIterator[Site]:
    await _with_password(house, password_hash)
    async with standing(house) as found:
        yield found

from collections.abc import AsyncIterator

import pytest

from ...browser import Browser, signed_in
from ...conftest import House
from ...site import Site, standing


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with standing(house) as found:
        yield found


@pytest.fixture
async def admin(site: Site) -> Browser:
    """The administrator's browser."""
    return await signed_in(site.house, 1, app=site.server.asgi)

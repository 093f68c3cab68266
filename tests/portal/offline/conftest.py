from collections.abc import AsyncIterator

import pytest

from ..conftest import House
from ..site import Site, standing


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with standing(house) as found:
        yield found

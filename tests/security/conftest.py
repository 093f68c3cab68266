"""Two furnished companies on one server, in one process."""

from collections.abc import AsyncIterator

import pytest
from tests.portal.conftest import House, anyio_backend, clock, house, store
from tests.portal.site import standing
from tests.portal.web.scene.conftest import PlayedStage

from livefeed.portal import portals
from livefeed.portal.seed import seed_demo

from .stand import Company, Stand, furnish

__all__ = ["anyio_backend", "clock", "house", "stand", "store"]


@pytest.fixture
async def stand(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """With the parameter ``demo`` as the demo serves them, with a scene; else as in earnest."""
    is_demo = getattr(request, "param", "") == "demo"
    second = await house.store.write(
        lambda tx: portals.create(tx, public_url="http://second.example", name="Second")
    )
    seeded = await house.store.write(lambda tx: seed_demo(tx, portal=second, keys=house.keys))
    stage = PlayedStage()
    async with standing(house, stage=stage, is_demo=is_demo) as site:
        companies = [
            Company(site, house.portal, house.seeded, "ALPHA-MARK"),
            Company(site, second, seeded, "BRAVO-MARK"),
        ]
        for company in companies:
            await furnish(company)
        yield Stand(site, stage, *companies)

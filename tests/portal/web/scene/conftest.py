"""A stage whose application is played by the test, beside a real portal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from livefeed.portal.web.scene.stage import Account, Process
from livefeed.wire.ids import MemberId, PostId

from ...conftest import House
from ...site import Site, standing


@dataclass
class PlayedStage:
    """Does what it is told, and remembers it."""

    app_url: str = ""
    told: Account = field(default_factory=Account)
    state: str = "running"
    orders: list[str] = field(default_factory=list)
    version: int = 0

    async def process(self) -> Process:
        return Process(state=self.state, pid=4711, since_ms=0)

    async def kill(self) -> None:
        self.orders.append("kill")
        self.state = "killed"

    async def start(self) -> None:
        self.orders.append("start")
        self.state = "running"

    async def account(self, portal: MemberId, post: PostId) -> Account:
        return self.told

    async def changes(self) -> str:
        return str(self.version)


@dataclass
class Set:
    """The scene as it is built for a test."""

    site: Site
    stage: PlayedStage


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Set]:
    stage = PlayedStage()
    async with standing(house, stage=stage) as site:
        stage.app_url = site.receiver.url
        app = await site.add_app(name="Notifier")
        await site.bind(app, "/events")
        yield Set(site, stage)

"""An outgoing webhook's events reach an application that was never installed: a token is all they share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import engines
from tests.client.serving import serving

from livefeed.app import App
from livefeed.app.runtime import ROOMS
from livefeed.app.server import AppServer, prepared
from livefeed.secrets import Secret
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated

from .conftest import Later, Town

OLGA = 3


@dataclass
class Mirror:
    """The application and what it was told."""

    door: AppServer
    webhook: dict[str, Any]
    told: list[PostUpdated] = field(default_factory=list[PostUpdated])

    async def work(self) -> list[int]:
        """Handle what has come; the posts it was about since the last look."""
        await self.door.running.worker.run_due()
        told, self.told[:] = [event.post_id for event in self.told], []
        return told


@asynccontextmanager
async def mirroring(town: Town, folder: Path) -> AsyncIterator[Mirror]:
    """An application that knows the portal's member_id and the webhook's token, and nothing else."""
    later = Later()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(later))
        webhook: Any = await town.admin.run(
            "outgoing_add", {"user": OLGA, "url": f"{url}/events", "events": ["OnLiveFeedPostUpdate"]}
        )
        settings = AppSettings(
            db=engines.database(folder, "mirror", ROOMS, engine=town.store.engine),
            key_file=engines.key_file(folder, "mirror"),
            portal_url=town.url,
            member_id=webhook["member_id"],
            application_token=Secret(webhook["application_token"]),
        )
        app = App(settings)
        told: list[PostUpdated] = []

        @app.on(PostUpdated)
        async def note(event: PostUpdated) -> None:
            told.append(event)

        later.app = await stack.enter_async_context(prepared(app, settings=settings, clock=town.clock))
        await later.app.running.worker.stop()
        yield Mirror(door=later.app, webhook=webhook, told=told)


async def edited(town: Town, text: str) -> int:
    post = town.seeded.posts[0]
    await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE=text)
    await town.deliver()
    return post


async def test_an_edit_reaches_its_handler_without_a_token_of_anybody(town: Town, tmp_path: Path):
    async with mirroring(town, tmp_path) as mirror:
        post = await edited(town, "First")
        await mirror.door.running.worker.run_due()
        (event,) = mirror.told
        auth = event.envelope.auth
        assert event.post_id == post
        assert (auth.access_token, auth.refresh_token, auth.scope, auth.status) == (None,) * 4
        assert event.envelope.handler_id == mirror.webhook["handlers"]["ONLIVEFEEDPOSTUPDATE"]


async def test_events_with_a_token_it_was_not_told_are_refused_at_its_door(town: Town, tmp_path: Path):
    async with mirroring(town, tmp_path) as mirror:
        post = await edited(town, "First")
        assert await mirror.work() == [post]
        await town.admin.run("webhook_regenerate", {"id": mirror.webhook["id"], "user": OLGA})
        await edited(town, "Second")
        assert await mirror.work() == []


async def test_nothing_comes_after_its_owner_is_dismissed(town: Town, tmp_path: Path):
    async with mirroring(town, tmp_path) as mirror:
        await town.admin.run("user_dismiss", {"user": str(OLGA)})
        await edited(town, "First")
        assert await mirror.work() == []

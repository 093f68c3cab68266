"""An application that edits the post of which it is told does not answer itself, nor run in a circle."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests import engines
from tests.client.serving import serving

from livefeed.app import App, Brake, Context, Post
from livefeed.app.inbox import InboxRow, list_inbox
from livefeed.app.runtime import ROOMS
from livefeed.app.server import AppServer, prepared
from livefeed.secrets import Secret
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated

from .conftest import Later, Town


@asynccontextmanager
async def signing(town: Town, folder: Path, *, own: bool) -> AsyncIterator[AppServer]:
    """An application that signs each post that is edited; installed on the town's portal."""
    later = Later()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(later))
        added: Any = await town.admin.run(
            "app_add",
            {
                "name": "Signer",
                "install_url": f"{url}/install",
                "handler_url": f"{url}/frame",
                "scope": "log,user",
            },
        )
        settings = AppSettings(
            db=engines.database(folder, "signer", ROOMS, engine=town.store.engine),
            key_file=engines.key_file(folder, "signer"),
            portal_url=town.url,
            public_url=url,
            client_id=str(added["client_id"]),
            client_secret=Secret(str(added["client_secret"])),
            rate_limit=False,
        )
        app = App(settings, brake=Brake(writes=5, within_s=60))

        @app.on(PostUpdated, own=own)
        async def sign(post: Post, ctx: Context) -> None:
            text = f"{post.text.strip()}\r\nsigned &amp; seen"
            await ctx.call("log.blogpost.update", {"POST_ID": post.id, "POST_MESSAGE": text})

        later.app = await stack.enter_async_context(prepared(app, settings=settings, clock=town.clock))
        await later.app.running.worker.stop()
        yield later.app


async def go_round(town: Town, signer: AppServer, times: int) -> None:
    for _ in range(times):
        await town.deliver()
        await signer.running.worker.run_due()
        town.clock.advance(1)


async def text_of(town: Town, post: int) -> str:
    (row,) = await town.call(1, "log.blogpost.get", POST_ID=post)
    return row["DETAIL_TEXT"]


async def rows(signer: AppServer) -> list[InboxRow]:
    found = await signer.running.runtime.store.read(list_inbox)
    return [row for row in reversed(found) if row.post is not None]


async def test_its_own_edits_come_back_and_are_passed_over_those_of_people_are_not(
    town: Town, tmp_path: Path
):
    async with signing(town, tmp_path, own=False) as signer:
        await go_round(town, signer, 3)
        post = town.seeded.posts[0]
        for text in ("First", "Second"):
            await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE=text)
            await go_round(town, signer, 5)
            assert (await text_of(town, post)).count("signed") == 1

        shown = [{step.step: step.detail for step in row.steps} for row in await rows(signer)]
        assert len(shown) == 4, "two edits of a person, each with its echo"
        assert ["passed over" in steps for steps in shown] == [False, True, False, True]
        assert shown[1]["passed over"].endswith("sign: own write")


async def test_one_that_wants_its_own_events_is_stopped_by_the_brake_and_it_is_shown(
    town: Town, tmp_path: Path
):
    async with signing(town, tmp_path, own=True) as signer:
        await go_round(town, signer, 3)
        post = town.seeded.posts[0]
        await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE="First")
        await go_round(town, signer, 12)

        assert (await text_of(town, post)).count("signed") == 5
        assert [row.state for row in await rows(signer)] == ["done"] * 5 + ["dead"]
        assert "may be reacting to itself" in (await rows(signer))[-1].steps[-1].detail

        town.clock.advance(60)
        await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE="Later")
        await go_round(town, signer, 1)
        assert (await text_of(town, post)).count("signed") == 1, "the brake lets go"

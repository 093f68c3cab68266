"""Sources: what every handler may ask for without anybody providing it."""

from collections.abc import Mapping
from typing import Any, Final

from livefeed.app.contexts.context import Context
from livefeed.app.contexts.posts import Post
from livefeed.app.routing.arguments import Asked, Provided
from livefeed.client.rest import RestClient
from livefeed.errors import SettingsError

_CTX: Final = Asked(name="ctx", wanted={"ctx": Context}, optional=frozenset())


async def _post(ctx: Context) -> Post:
    number = ctx.post_id
    if number is None:
        raise SettingsError(f"{ctx.envelope.event} is about no post; take 'event' in place of 'post'")
    return await ctx.post(number)


def _rest(ctx: Context) -> RestClient:
    return ctx.rest


BUILT_IN: Final[Mapping[str, Provided]] = {
    "event": Provided(name="event"),
    "events": Provided(name="events"),
    "ctx": Provided(name="ctx", kind=Context),
    "portal": Provided(name="portal"),
    "state": Provided(name="state"),
    "post": Provided(name="post", kind=Post, factory=_post, asked=_CTX),
    "rest": Provided(name="rest", kind=RestClient, factory=_rest, asked=_CTX),
}


def given(ctx: Context) -> dict[str, Any]:
    """What is there at the start of a call."""
    return {
        "event": ctx.event,
        "events": ctx.events,
        "ctx": ctx,
        "portal": ctx.portal,
        "state": ctx.state,
    }

"""Echoes: whether an event is that of the application's own write; see `livefeed.app.contexts.writes`."""

from collections.abc import Container
from typing import Final

from livefeed.app.contexts import writes
from livefeed.app.contexts.context import Context
from livefeed.app.contexts.items import Item
from livefeed.app.contexts.posts import Post
from livefeed.app.runtime import Runtime
from livefeed.durable.store import Tx
from livefeed.errors import Fault, NotInstalled
from livefeed.wire.events import POST_EVENTS

KINDS: Final = frozenset(POST_EVENTS)
_NOTHING_WRITTEN: Final = "{}"


async def write_of(runtime: Runtime, ctx: Context, item: Item, taken: Container[str]) -> str | None:
    """The own write that ``item`` is the echo of, or None.

    Args:
        runtime: The running application.
        ctx: Reads the post.
        item: The event.
        taken: The writes that events of the same run, judged before, are the echoes of.

    Raises:
        TransportError: The post could not be read.
        Fault: It could not be read now.
    """
    post_id = ctx.post_id
    if post_id is None:
        return None
    kind = item.event.wire_name
    found = await runtime.store.read(
        lambda tx: runtime.writes.candidates(tx, ctx.portal, kind, post_id, item.seq, item.at_ms)
    )
    if found and found[0]["explains"] == item.seq:
        return str(found[0]["id"])
    free = [one for one in found if one["id"] not in taken]
    if not free:
        return None
    post: Post | None = None
    if any(one["content"] != _NOTHING_WRITTEN for one in free):
        try:
            post = await ctx.find_post(post_id)
        except NotInstalled:
            return None
        except Fault as fault:
            if fault.retryable:
                raise
    return runtime.writes.shown(free, post)


def mark(write: str, seq: int, tx: Tx) -> None:
    """The event ``seq`` is the echo of this write, and no other is."""
    writes.explain(tx, write, seq)

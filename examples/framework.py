"""The same application in our framework, which keeps installations, tokens and events itself: `livefeed.app`.

Serve it with ``livefeed app serve examples.framework:app``.
"""

from livefeed.app import App, Context
from livefeed.wire.events import PostUpdated

app = App.from_settings()


@app.on(PostUpdated)
async def tell(event: PostUpdated, ctx: Context) -> None:
    """Tell the author; an automation's event has no tokens, then those of the installation are used."""
    post = await ctx.post(event.post_id)
    await ctx.notify(post.author_id, f"«{post.title}» was edited")

"""The application under test: its one handler writes down each event in the moment it sees it.

What is written lies in the kernel before the handler goes on, so it survives the death of this process.
"""

import asyncio
import os
import time

from livefeed.app import App, Context
from livefeed.wire.events import PostUpdated

app = App.from_settings()
_file = os.open(os.environ["SOAK_RECEIVED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_holds = "SOAK_HOLDS" in os.environ
_portal = os.environ["LIVEFEED_MEMBER_ID"].encode()


@app.on(PostUpdated)
async def note(event: PostUpdated, ctx: Context) -> None:
    """One line a run."""
    if _holds:
        await asyncio.Event().wait()  # it never ends, so that everything behind it waits
    seq = ctx.envelope.ts or 0
    line = b'{"kind":"received","portal":"%s","post":%d,"seq":%d,"at_ms":%d,"id":"%d"}\n'
    os.write(_file, line % (_portal, event.post_id, seq, time.time_ns() // 1_000_000, seq))

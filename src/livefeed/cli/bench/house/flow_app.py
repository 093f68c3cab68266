"""The application that `bench flow` measures: its handler writes down when it starts."""

import os
import time

from livefeed.app import App
from livefeed.cli.bench.house.flow import starts_file
from livefeed.cli.bench.house.receiver import RECORD
from livefeed.wire.events import PostUpdated

app = App.from_settings()
_file = os.open(starts_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


@app.on(PostUpdated)
async def note(event: PostUpdated) -> None:
    """One record a start: post id and nanoseconds since the epoch."""
    os.write(_file, RECORD.pack(event.post_id, time.time_ns()))

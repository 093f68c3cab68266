"""The scene's stream: open pages are told when either half has committed, or the process changed."""

import asyncio
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from livefeed.errors import LivefeedError
from livefeed.portal.web.desk import Desk
from livefeed.portal.web.scene.stage import Stage
from livefeed.ui.streams import Full, Stream, Streams, serve

_LOOK_S: Final = 0.15
_NAME: Final = "scene"


class Watch:
    """The ASGI application of ``/scene/live``; it looks at the databases only while a page is open."""

    def __init__(self, desk: Desk, stage: Stage, streams: Streams) -> None:
        self._desk, self._stage, self._streams = desk, stage, streams
        self._open: set[Stream] = set()
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one open page until it is closed, its session ends, or the server stops."""
        request = Request(scope)
        me = await self._desk.whose(request)
        stream = (
            Full(status=403)
            if me is None
            else self._streams.open((self._desk.portal(request).member_id, me.id))
        )
        if isinstance(stream, Full):
            await PlainTextResponse("no stream for you now\n", stream.status)(scope, receive, send)
            return

        async def may_go_on() -> bool:
            return await self._desk.whose(request) is not None

        self._open.add(stream)
        stream.tell(_NAME)  # something may have happened since the page was made
        self._looking = self._looking or asyncio.create_task(self._look())
        try:
            await serve(stream, receive, send, may_go_on=may_go_on)
        finally:
            self._open.discard(stream)
            self._streams.forget(stream)
            self._rest()

    def _rest(self) -> None:
        if not self._open and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        seen = ""
        while True:
            with suppress(LivefeedError):
                now = await self._stage.changes()
                if now != seen:
                    seen = now
                    for stream in self._open:
                        stream.tell(_NAME)
            await asyncio.sleep(_LOOK_S)

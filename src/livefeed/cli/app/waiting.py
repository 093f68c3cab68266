"""Waiting: what answers under the application's address before its credentials are known."""

from typing import Final

from livefeed.app.doors.sending import send_text
from livefeed.app.exchange import (
    UNAVAILABLE,
    Disconnected,
    DoorAnswer,
    Message,
    Patience,
    Receive,
    Scope,
    Send,
    read_request,
    respond,
)
from livefeed.app.http.hall import Asgi

_CALLED_BACK: Final = DoorAnswer(200, message="callback received")
ALIVE: Final = b"alive\n"
_REFUSED: Final = 400


class Waiting:
    """Holds the install callback until there is an application that can prove it.

    A portal sends it while the form is being saved, which is when it shows the credentials with which it can
    be proved, and it sends it once. So it is answered, kept in memory alone, and proved later.

    Attributes:
        inner: Answers everything once it is there.
        held: The last callback: its body, and whether it is JSON; None: there was none.
        refused: With which status `inner` has refused the last callback that it refused; 0: it refused none.
    """

    def __init__(self) -> None:
        self.inner: Asgi | None = None
        self.held: tuple[bytes, bool] | None = None
        self.refused = 0
        self._patience = Patience()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.inner is not None:
            await self.inner(scope, receive, self._noting(send) if scope["path"] == "/install" else send)
        elif scope["path"] == "/healthz":
            await send_text(send, 200, ALIVE)
        elif scope["path"] == "/install":
            await self._hold(scope, receive, send)
        else:
            await respond(send, UNAVAILABLE)

    def _noting(self, send: Send) -> Send:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= _REFUSED:
                self.refused = message["status"]
            await send(message)

        return note

    async def _hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await read_request(scope, receive, self._patience)
        except Disconnected:
            return
        if isinstance(request, DoorAnswer):
            await respond(send, request)
            return
        self.held = request
        await respond(send, _CALLED_BACK)

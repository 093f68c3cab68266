"""``POST /install``: takes install callbacks up the ladder, a few at a time."""

from typing import Final

from livefeed.app.doors.crowds import Crowd
from livefeed.app.exchange import (
    BUSY,
    INSTALLED,
    TOO_SLOW,
    Disconnected,
    DoorAnswer,
    Patience,
    Receive,
    Scope,
    Send,
    read_request,
    refused,
    respond,
    unreadable,
)
from livefeed.app.inbox import read_event
from livefeed.app.installs.ladder import Installed, Ladder, Quarantined, Refused
from livefeed.errors import Fault, StoreError, TransportError, WireError
from livefeed.telemetry import logger

_LOG: Final = logger("app")
_AT_ONCE: Final = 4


class InstallDoor:
    """The ladder asks the authorization server: strangers must not make us ask it at any rate."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._patience = Patience()
        self._crowd = Crowd(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one callback."""
        try:
            request = await read_request(scope, receive, self._patience)
        except Disconnected:
            return
        answer = request if isinstance(request, DoorAnswer) else await self._climb(*request)
        await respond(send, answer, None if answer is TOO_SLOW else receive)

    async def _climb(self, body: bytes, is_json: bool) -> DoorAnswer:
        if self._crowd.is_full:
            return BUSY
        try:
            with self._crowd.entered():
                verdict = await self._ladder.install(read_event(body, is_json).envelope())
        except WireError as exc:
            return unreadable(exc)
        except (TransportError, Fault, StoreError) as exc:
            _LOG.warning("install_postponed", error=str(exc))
            return DoorAnswer(
                503, "unavailable", "the installation cannot be proved or stored now", retry_after_s=5
            )
        match verdict:
            case Installed():
                return INSTALLED
            case Quarantined():
                return DoorAnswer(409, "quarantined", "an administrator of the application has to confirm it")
            case Refused():
                return refused(DoorAnswer(403, "installation_not_proved"))

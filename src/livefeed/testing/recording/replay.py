"""The replayer: sends the requests of a tape to an address, byte for byte but for credentials."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from livefeed.errors import TransportError
from livefeed.net.http import HttpClient
from livefeed.testing.loops import Loop
from livefeed.testing.recording.rewriting import Keys, rewritten
from livefeed.testing.recording.tape import Request, read_tape


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was sent again; ``status`` is None where no answer came, ``error`` then says why."""

    request: Request
    status: int | None
    error: str = ""


async def replaying(
    path: Path, to: str, *, application_token: str = "", values: Mapping[str, str] | None = None
) -> list[Replayed]:
    """Send every request of a tape to the URL ``to``, one after the other; from async tests.

    Args:
        path: The tape.
        to: Where.
        application_token: In place of the masked one; empty: the mask is sent.
        values: Other values by the last part of their key, in lower case: ``{"member_id": …}``.

    Returns:
        What came of each, in their order.

    Raises:
        SettingsError: The file is no tape.
    """
    others = {**(values or {}), **({"application_token": application_token} if application_token else {})}

    def chosen(keys: Keys, value: str) -> str:
        return others.get(keys[-1], value) if keys else value

    sent: list[Replayed] = []
    async with HttpClient(allow_private=True) as http:
        for request in read_tape(path):
            body = rewritten(request.content, request.headers.get("content-type", ""), chosen)
            try:
                answer = await http.send(request.method, to, body=body, headers=request.headers)
            except TransportError as exc:
                sent.append(Replayed(request=request, status=None, error=exc.kind))
            else:
                sent.append(Replayed(request=request, status=answer.status))
    return sent


def replay(
    path: Path, to: str, *, application_token: str = "", values: Mapping[str, str] | None = None
) -> list[Replayed]:
    """As `replaying`, from tests that are plain functions."""
    loop = Loop("the replayer")
    try:
        return loop.run(replaying(path, to, application_token=application_token, values=values))
    finally:
        loop.close()

"""Verifying: whether a body that came by POST is a genuine event of Bitrix24; pure, without a store.

For those who want only that. With FastAPI:

    >>> @api.post("/events")
    ... async def events(request: Request) -> Response:
    ...     try:
    ...         event = verify(
    ...             await request.body(),
    ...             request.headers.get("content-type", ""),
    ...             application_token=TOKEN,
    ...             member_id=PORTAL,
    ...         )
    ...     except NotGenuine:
    ...         return Response(status_code=403)
    ...     except WireError as exc:
    ...         return Response(str(exc), status_code=400)
    ...     await queue(event)
    ...     return Response()

With Flask the same, with ``request.get_data()`` and ``request.content_type``. Answer 2xx only once the event
is kept: Bitrix24 sends it once.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Final

from livefeed.errors import NotGenuine, SettingsError
from livefeed.secrets import Secret
from livefeed.wire.envelopes import parse_envelope, parse_json_envelope
from livefeed.wire.events import Event, typed
from livefeed.wire.form import decode

__all__ = ["NotGenuine", "verify"]

# What is compared is hashed with a key that nobody knows: the time it takes shows neither length nor content.
_KEY: Final = os.urandom(32)


def verify(
    body: bytes | str,
    content_type: str | None = "",
    *,
    application_token: "str | Secret | Iterable[str | Secret] | None",
    previous_token: "str | Secret | None" = None,
    member_id: "str | Iterable[str] | None" = None,
) -> Event:
    """The event in ``body``, if it is proved by its application_token.

    Args:
        body: As it came: a form, or JSON; at most 64 KB. Text is taken for the UTF-8 that it was.
        content_type: The header, if there was one; it tells JSON from a form.
        application_token: The one that the installation brought, or several that count.
        previous_token: One that still counts after a new one has come.
        member_id: The portal, or the portals, that may send it; None: any that knows the token.

    Returns:
        A typed event, or `UnknownEvent` for all that have no type here; its ``repr`` masks tokens.

    Raises:
        SettingsError: The application_token is empty, or None.
        NotGenuine: It holds no such token, or names another portal. Both cost the same time.
        WireError: It is no event, or one that lacks what it is about.

    Source: settings/cloud-and-on-premise/security-recommendations.md, events/safe-event-handlers.md
    """
    body = body.encode() if isinstance(body, str) else body
    is_json = "json" in (content_type or "").lower() or body[:1] == b"{"
    envelope = parse_json_envelope(body) if is_json else parse_envelope(decode(body, strict=True))
    tokens = _tokens_of(application_token)
    if previous_token is not None:
        tokens.append(_revealed(previous_token))
    is_proved = _is_among(envelope.auth.application_token, tokens)
    portals = [member_id] if isinstance(member_id, str) else member_id
    is_from_there = portals is None or _is_among(envelope.auth.member_id, list(portals))
    if not (is_proved & is_from_there):
        raise NotGenuine("the event does not prove that it comes from the portal; answer 403")
    return typed(envelope)


def _is_among(given: str | None, known: list[str]) -> bool:
    """Whether ``given`` is one of ``known``; all are compared, an empty one never counts."""
    digest = _digest(given or "")
    found = False
    for one in known:
        found |= hmac.compare_digest(digest, _digest(one)) & bool(one)
    return found


def _digest(value: str) -> bytes:
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=32, key=_KEY).digest()


def _revealed(token: "str | Secret") -> str:
    return token.reveal() if isinstance(token, Secret) else token


def _tokens_of(given: "str | Secret | Iterable[str | Secret] | None") -> list[str]:
    """What may prove an event; where portals are looked up there may be none, a single one is never empty."""
    if given is None or isinstance(given, str | Secret):
        token = "" if given is None else _revealed(given)
        if not token:
            raise SettingsError("application_token is empty and proves nothing: is the variable set?")
        return [token]
    return [_revealed(one) for one in given]

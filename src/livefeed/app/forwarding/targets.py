"""Targets: where events are handed on to, and the headers by which the other side knows them."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from livefeed.durable.schedule import Schedule
from livefeed.errors import SettingsError
from livefeed.net.http import is_http_url
from livefeed.secrets import Secret

_PREFIX: Final = "whsec_"
_SHORTEST_SECRET: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An application that takes events by POST.

    Attributes:
        url: Where; the operator's own choice, so it may be private.
        timeout_s: How long one answer may take.
        at_once: How many events of a portal it may be given at the same time; never two about one thing.
        events: Wire names to bind at the portals; empty: whatever they are set up to send.
        takes_installs: Whether it is told of proved installations too.
        key: Signs each request; empty: none is signed.
        schedule: When what failed is tried again, and when it is given up.
    """

    url: str
    timeout_s: float = 10.0
    at_once: int = 8
    events: tuple[str, ...] = ()
    takes_installs: bool = False
    key: bytes = b""
    schedule: Schedule = field(default_factory=Schedule)

    def headers(self, event_id: str, body: bytes, content_type: str, now_ms: int) -> dict[str, str]:
        """What goes with one attempt; the id is the same for every attempt of an event.

        Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        """
        at_s = now_ms // 1000
        headers = {"content-type": content_type, "webhook-id": event_id, "webhook-timestamp": str(at_s)}
        if self.key:
            signed = b"%s.%d.%s" % (event_id.encode(), at_s, body)
            digest = hmac.new(self.key, signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


def checked_url(text: str) -> str:
    """The URL of a target.

    Raises:
        SettingsError: It is none.
    """
    if not is_http_url(text):
        raise SettingsError(
            f"{text!r} is no http or https URL; write it whole: http://localhost:3000/handler"
        )
    return text


def signing_key(secret: Secret) -> bytes:
    """The key in ``whsec_<base64>``; empty for an empty secret.

    Raises:
        SettingsError: It is something else, or too short.
    """
    text = secret.reveal()
    if not text:
        return b""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as exc:
        raise SettingsError(_UNUSABLE) from exc
    if not text.startswith(_PREFIX) or len(key) < _SHORTEST_SECRET:
        raise SettingsError(_UNUSABLE)
    return key


_UNUSABLE: Final = (
    "LIVEFEED_FORWARD_SECRET is whsec_ and at least 16 bytes in base64; "
    'make one with: echo "whsec_$(openssl rand -base64 32)"'
)

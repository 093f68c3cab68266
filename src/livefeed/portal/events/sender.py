"""The sender: one POST to one handler, signed or not, and what came back as a value."""

import base64
import binascii
import hashlib
import time
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final, Protocol

from livefeed.durable.attempts import ANSWER_BYTES
from livefeed.errors import TransportError
from livefeed.net.http import HttpAnswer
from livefeed.portal.events.verdicts import Reply, retry_after_of
from livefeed.secrets import KeyRing

USER_AGENT: Final = "livefeed-portal"
"""As whom a portal calls."""

_CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
_BLOCK_BYTES: Final = 64  # of SHA-256
_SECRET_BYTES: Final = 16  # no secret is shorter
_UNSIGNED: Final[Mapping[str, str]] = {"content-type": _CONTENT_TYPE}


class Postman(Protocol):
    """What the sender needs of an HTTP client."""

    def deliver(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Coroutine[Any, Any, HttpAnswer]:
        """POST ``body``; raises TransportError."""
        ...


class Signer:
    """Signs with one key, whose part of the work is done once."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        # HMAC as RFC 2104 writes it: copies of two hashes that were begun cost a third of what `hmac` does. A
        # keyed digest in one call gives up the interpreter lock each time, however short the message is.
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def headers(self, webhook_id: str, ts: int, body: bytes) -> dict[str, str]:
        """Headers that let a receiver tell a repetition and prove the sender; the body stays as documented.

        Source: Standard Webhooks 1.0.0, HMAC-SHA256 over ``id.timestamp.body``
        """
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"%b.%d.%b" % (webhook_id.encode("ascii"), ts, body))
        outer.update(inner.digest())
        signature = binascii.b2a_base64(outer.digest(), newline=False).decode("ascii")
        return {
            "content-type": _CONTENT_TYPE,
            "webhook-id": webhook_id,
            "webhook-timestamp": str(ts),
            "webhook-signature": f"v1,{signature}",
        }


def signing_key(keys: KeyRing, name: str) -> bytes:
    """The key (32 bytes) that signs what the owner of ``name``, an application's client_id, is sent."""
    return hashlib.blake2b(name.encode(), digest_size=32, key=keys.derive("webhook.sign")).digest()


def signing_secret(keys: KeyRing, name: str) -> str:
    """The same key as its owner is told it, in the form of Standard Webhooks: ``whsec_…``."""
    return f"whsec_{base64.b64encode(signing_key(keys, name)).decode('ascii')}"


def plain_headers() -> Mapping[str, str]:
    """What the faithful policy sends: nothing but the content type."""
    return _UNSIGNED


async def send(postman: Postman, url: str, *, body: bytes, headers: Mapping[str, str], now_ms: int) -> Reply:
    """POST once. A failure is a value here: what becomes of it is decided elsewhere."""
    begun = time.perf_counter()
    try:
        answer = await postman.deliver(url, body=body, headers=headers)
    except TransportError as exc:
        return Reply(status=None, error=exc.kind, detail=f"{exc.kind}: {exc}", ms=_since(begun))
    is_good = 200 <= answer.status < 300
    if is_good and not answer.is_cut:
        return Reply(status=answer.status, error=None, detail="", ms=_since(begun), content=answer.body)
    return Reply(
        status=answer.status,
        error="too_large" if is_good else "status",
        detail=f"the handler answered {answer.status}",
        retry_after_s=retry_after_of(answer.headers.get("retry-after"), now_ms),
        ms=_since(begun),
        content=answer.body,
    )


def kept(reply: Reply, secrets: Iterable[bytes]) -> bytes | None:
    """The beginning of what a handler answered, for people; the secrets it was sent are blotted out."""
    content = reply.content
    if not content:
        return b"" if reply.status is not None else None
    if len(content) >= _SECRET_BYTES:
        for secret in secrets:
            if secret in content:
                content = content.replace(secret, b"*" * len(secret))
    return content[:ANSWER_BYTES]


def _since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)

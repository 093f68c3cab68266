"""What was seen: deliveries, calls, refreshed tokens, notifications; and how they are told in a failure."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from livefeed.clock import at_utc
from livefeed.wire.form import Form, decode


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it was sent to one address, and what came back.

    Attributes:
        event: ``ONLIVEFEEDPOSTUPDATE``.
        post: Which post; None: an application's own event.
        url: Where it was sent.
        client_id: Of the application; empty: an outgoing webhook.
        webhook_id: The same for all tries and duplicates; empty under the policy ``bitrix24``.
        at_ms: When, by the portal's clock.
        body: The form as it was sent.
        headers: Names in lower case.
        status: What the handler answered; None: it was not reached, or its answer was lost.
        error: ``connect``, ``timeout``, ``tls``, ``reset``; None: there was an answer.
        was_received: Whether the request has reached the handler, whatever became of the answer.
        faults: Which faults struck it: ``drop before``, ``duplicate``, …
    """

    event: str
    post: int | None
    url: str
    client_id: str
    webhook_id: str
    at_ms: int
    body: bytes
    headers: dict[str, str]
    status: int | None = None
    error: str | None = None
    was_received: bool = True
    faults: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the handler took it with a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def form(self) -> Form:
        """The body as nested dicts: ``{"event": …, "data": {"FIELDS": {"POST_ID": "1"}}, "auth": {…}}``."""
        return decode(self.body, strict=True)

    @property
    def auth(self) -> dict[str, str]:
        """The ``auth`` block."""
        auth: Any = self.form.get("auth") or {}
        return {str(key): str(value) for key, value in auth.items()}

    def __repr__(self) -> str:
        return f"<Delivery {self}>"

    def __str__(self) -> str:
        about = "" if self.post is None else f" of post {self.post}"
        came = self.error or (self.status if self.was_received else "not sent")
        faults = f" [{', '.join(self.faults)}]" if self.faults else ""
        return f"{moment(self.at_ms)} {self.event}{about} to {self.url}: {came}{faults}"


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """One REST call that came in, and what it was answered.

    Attributes:
        method: In lower case: ``log.blogpost.get``.
        client_id: Whose access token it had; empty: a webhook's, none, or one that is not the portal's.
        at_ms: When, by the portal's clock.
        status: Of the answer; None: the connection was broken.
        error: The code of the fault: ``expired_token``; empty: it went well.
    """

    method: str
    client_id: str
    at_ms: int
    status: int | None
    error: str = ""

    def __str__(self) -> str:
        by = f" by {self.client_id}" if self.client_id else ""
        return f"{moment(self.at_ms)} {self.method}{by}: {self.status} {self.error}".rstrip()


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the token endpoint with a refresh token; ``error`` is empty if a pair was given out."""

    client_id: str
    at_ms: int
    status: int | None
    error: str = ""

    def __str__(self) -> str:
        return f"{moment(self.at_ms)} refresh by {self.client_id}: {self.status} {self.error}".rstrip()


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An access token that an application was given; empty: a fault has let all expire that it had."""

    client_id: str
    access_token: str = ""


Seen: TypeAlias = Delivery | Called | Refreshed


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's bell holds; ``tag`` is the application's own, without the portal's mark before it."""

    person: int
    text: str
    tag: str
    at_ms: int
    is_read: bool

    def __str__(self) -> str:
        return f"{moment(self.at_ms)} to {self.person}: {self.text}"


def moment(at_ms: int) -> str:
    """``2026-03-17 14:29:15.250``, UTC."""
    return at_utc(at_ms).replace(tzinfo=None).isoformat(" ", "milliseconds")


def listed(title: str, things: Sequence[object]) -> str:
    """The lines of a failure that say what there was instead."""
    if not things:
        return f"{title}: none"
    return "\n  ".join((f"{title}:", *map(str, things)))

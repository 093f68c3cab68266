"""Where a client calls, on whose behalf, how fast, and through what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from livefeed.errors import Fault
from livefeed.net.http import HttpAnswer
from livefeed.secrets import Secret
from livefeed.wire.calls import Answer
from livefeed.wire.form import JsonValue

Parameters: TypeAlias = Mapping[str, JsonValue]
"""Parameters of a method by name: ``{"FILTER": {"@ID": [1, 2]}, "ACTIVE": True}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where to call, and with what.

    Attributes:
        endpoint: REST base with a slash at its end: ``https://some-domain.bitrix24.com/rest/``.
        token: Access token; empty for a webhook.
        hook: User and code of an incoming webhook: ``1/8g9l071eismy9q2l``.
        moved_to: Where an answer said that the portal is now. It proves nothing.
    """

    endpoint: str
    token: Secret
    hook: Secret | None = None
    moved_to: str = ""

    def url(self, method: str) -> str:
        """The address of a method; a secret where there is a webhook."""
        inside = "" if self.hook is None else f"{self.hook.reveal()}/"
        return f"{self.endpoint}{inside}{method}.json"


class Credentials(Protocol):
    """On whose behalf a client calls."""

    async def access(self) -> Access:
        """Where to call and with which token; the token may have expired."""
        ...

    async def renew(self, refused: Access) -> Access | None:
        """An access in place of one that has expired; None if there is nothing to renew it with."""
        ...

    async def relocate(self, moved: Access) -> Access | None:
        """The access after the portal has moved; None if nobody who may be trusted knows where to."""
        ...


class Pace(Protocol):
    """How fast a portal may be called."""

    async def admit(self) -> None:
        """Wait until one more call may be made."""
        ...

    async def refused(self) -> None:
        """The portal had too many calls, of whoever calls from the same address."""
        ...


class Operating(Protocol):
    """How long methods may run, for one caller."""

    async def reserve(self, methods: Mapping[str, int], longest_s: float) -> float:
        """Take the time of so many calls of each method; returns the seconds to wait before they are made.

        If that would be more than ``longest_s``, nothing is taken.
        """
        ...

    def note(self, method: str, outcome: Answer | Fault | None) -> None:
        """One call that was reserved is over; None: nobody knows how it ended."""
        ...

    async def share(self, methods: Mapping[str, int]) -> None:
        """Let others who call for the same application know what `note` was told of these."""
        ...

    def frees_in_s(self, methods: Mapping[str, int]) -> float:
        """Seconds until the portal forgets some of what these methods have used, as far as it is known."""
        ...


class Sends(Protocol):
    """The way out; `livefeed.net.http.HttpClient` is one."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] = ...,
        timeout_s: float | None = None,
        max_answer_bytes: int | None = None,
    ) -> HttpAnswer:
        """Send one request and read the whole answer.

        Raises:
            TransportError: There was no usable answer.
        """
        ...

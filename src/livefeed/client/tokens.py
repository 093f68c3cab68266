"""A pair of OAuth tokens as credentials, in the memory of one process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from livefeed.client.access import Access
from livefeed.client.oauth import TokenEndpoint
from livefeed.secrets import Secret

AUTHORIZATION_SERVER: Final = "https://oauth.bitrix.info"
"""Where Bitrix24's applications get new tokens; a livefeed portal is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Tokens of one user of one portal.

    Attributes:
        endpoint: REST base with a slash at its end: ``https://some-domain.bitrix24.com/rest/``.
        access_token: To call with; good for an hour.
        refresh_token: To get the next pair with; used up by that.
    """

    endpoint: str
    access_token: Secret
    refresh_token: Secret


Keep = Callable[[Pair], None]
"""Stores a pair in place of the one before it; it is called before the new one is used."""


class Tokens:
    """Calls with a pair, and renews it when the portal says that it has expired.

    Whoever runs several processes, or wants pairs sealed at rest, uses `livefeed.client.vault.Vault`.

    Source: https://apidocs.bitrix24.com/settings/oauth/index.html
    """

    def __init__(self, pair: Pair, server: TokenEndpoint, keep: Keep | None = None) -> None:
        """Begin with ``pair``; each new one is handed to ``keep``, or lost with this process."""
        self._pair = pair
        self._server = server
        self._keep = keep
        self._flight: asyncio.Task[None] | None = None

    async def access(self) -> Access:
        """Where to call, and with which token."""
        return Access(endpoint=self._pair.endpoint, token=self._pair.access_token)

    async def renew(self, refused: Access) -> Access | None:
        """An access with a new token; callers at the same time share one refresh.

        Raises:
            InvalidGrant: The refresh token does not work any more; the user has to sign in again.
            TransportError: The authorization server gave no usable answer; the pair is as before.
        """
        if self._flight is None and self._pair.access_token == refused.token:
            self._flight = asyncio.create_task(self._refresh())
            self._flight.add_done_callback(self._landed)
        if self._flight is not None:
            # A caller who gives up must not lose the pair that is on its way: the one before is used up.
            await asyncio.shield(self._flight)
        return await self.access()

    async def relocate(self, moved: Access) -> Access | None:
        """The address that the authorization server names; never one that an answer named."""
        info = await self._server.app_info(moved.token)
        endpoint = "" if info.install is None else info.install.client_endpoint
        if endpoint in {"", moved.endpoint}:
            return None
        pair = self._pair
        self._take(Pair(endpoint=endpoint, access_token=pair.access_token, refresh_token=pair.refresh_token))
        return await self.access()

    async def _refresh(self) -> None:
        answer = await self._server.refresh(self._pair.refresh_token)
        self._take(
            Pair(
                endpoint=self._pair.endpoint,
                access_token=Secret(answer.access_token),
                refresh_token=Secret(answer.refresh_token),
            )
        )

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # where nobody waits any more, nobody is told

    def _take(self, pair: Pair) -> None:
        if self._keep is not None:
            self._keep(pair)
        self._pair = pair

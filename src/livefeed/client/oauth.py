"""The authorization server as this application sees it: new pairs for old, and the truth about a token."""

from typing import Final
from urllib.parse import urlencode

from livefeed.net.http import HttpClient
from livefeed.secrets import Secret
from livefeed.wire import form
from livefeed.wire.apps import AppInfo
from livefeed.wire.calls import read_answer
from livefeed.wire.ids import ClientId
from livefeed.wire.oauth import (
    CodeExchange,
    Refresh,
    TokenAnswer,
    TokenRequest,
    read_token_answer,
    token_params,
)

_TIMEOUT_S: Final = 10.0
_PAIR_TIMEOUT_S: Final = 6.0
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


class TokenEndpoint:
    """Speaks with one authorization server, which comes from configuration and never from a request.

    Source: https://apidocs.bitrix24.com/settings/oauth/index.html
    """

    def __init__(self, http: HttpClient, *, url: str, client_id: str, client_secret: Secret) -> None:
        self._http = http
        self._url = url
        self._client_id = client_id
        self._client_secret = client_secret

    @property
    def client_id(self) -> str:
        """The application's id, as ``app.info`` must name it."""
        return self._client_id

    async def refresh(self, refresh_token: Secret) -> TokenAnswer:
        """A new pair for ``refresh_token``, which is used up by this.

        Raises:
            InvalidGrant: The refresh token is not good any more.
            Fault: Another refusal of the authorization server.
            TransportError: It gave no usable answer.
        """
        return await self._ask(
            Refresh(
                client_id=ClientId(self._client_id),
                client_secret=self._client_secret.reveal(),
                refresh_token=refresh_token.reveal(),
            )
        )

    async def exchange(self, code: Secret) -> TokenAnswer:
        """The first pair of the person who signed in, for the ``code`` that his browser brought.

        Raises:
            InvalidGrant: The code was used, is older than 30 seconds, or is another application's.
            Fault: Another refusal of the authorization server.
            TransportError: It gave no usable answer.
        """
        return await self._ask(
            CodeExchange(
                client_id=ClientId(self._client_id),
                client_secret=self._client_secret.reveal(),
                code=code.reveal(),
            )
        )

    async def _ask(self, request: TokenRequest) -> TokenAnswer:
        # The documentation shows GET only for this address.
        query = urlencode(token_params(request))
        answer = await self._http.send(
            "GET", f"{self._url}/oauth/token/?{query}", body=None, timeout_s=_PAIR_TIMEOUT_S
        )
        return read_token_answer(answer.status, answer.body)

    async def app_info(self, access_token: Secret) -> AppInfo:
        """Whose application, portal and user ``access_token`` belongs to.

        Raises:
            Fault: The token is not one of this server's, or has expired.
            WireError: The answer is none of ``app.info``.
            TransportError: The server gave no usable answer.
        """
        body = form.encode({"auth": access_token.reveal()})
        answer = await self._http.send(
            "POST", f"{self._url}/rest/app.info", body=body, headers=_FORM, timeout_s=_TIMEOUT_S
        )
        return AppInfo.from_wire(read_answer(answer.status, answer.body).result)

"""Whether a token belongs to an administrator of its portal: only one of them installs."""

from livefeed.client.rest import Access, RestClient
from livefeed.net.http import HttpClient
from livefeed.secrets import Secret
from livefeed.wire.params import Params


class Lent:
    """An access token that nobody renews: good as long as it lasts, at the address it came with."""

    def __init__(self, endpoint: str, token: Secret) -> None:
        self._access = Access(endpoint=endpoint, token=token)

    async def access(self) -> Access:
        """The token and its portal."""
        return self._access

    async def renew(self, refused: Access) -> Access | None:  # noqa: ARG002 - nothing can renew it
        """Nothing: there is no refresh token."""
        return None

    async def relocate(self, moved: Access) -> Access | None:  # noqa: ARG002 - a stored pair finds the new address
        """Nothing: a stored pair finds the new address."""
        return None


async def is_administrator(http: HttpClient, endpoint: str, token: Secret) -> bool:
    """Ask the portal at ``endpoint``, which the authorization server named, whose token it is.

    Source: https://apidocs.bitrix24.com/api-reference/common/users/profile.html

    Raises:
        Fault: The portal refused the token.
        TransportError: It gave no usable answer.
    """
    result = (await RestClient(http, Lent(endpoint, token)).call("profile")).result
    return isinstance(result, dict) and Params(result).flag("ADMIN")

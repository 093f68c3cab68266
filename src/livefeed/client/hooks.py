"""An incoming webhook as credentials."""

from typing import Final
from urllib.parse import urlsplit

from livefeed.client.access import Access
from livefeed.errors import SettingsError
from livefeed.secrets import Secret

_WRONG: Final = "this is no address of an incoming webhook; it looks like https://portal/rest/1/code/"


class Hook:
    """Calls in the name of whoever made the webhook.

    Source: https://apidocs.bitrix24.com/local-integrations/local-webhooks.html
    """

    def __init__(self, url: str) -> None:
        """Read the webhook's address, as the portal shows it; a method may stand behind it.

        Raises:
            SettingsError: It is none. The message does not show it, for it is a secret.
        """
        try:
            parts = urlsplit(url.strip())
        except ValueError as exc:
            raise SettingsError(_WRONG) from exc
        path = [part for part in parts.path.split("/") if part]
        is_hook = len(path) in {3, 4} and path[0] == "rest" and path[1].isdecimal()
        if parts.scheme not in {"http", "https"} or not parts.hostname or not is_hook:
            raise SettingsError(_WRONG)
        self._access = Access(
            endpoint=f"{parts.scheme}://{parts.netloc}/rest/",
            token=Secret(""),
            hook=Secret(f"{path[1]}/{path[2]}"),
        )

    async def access(self) -> Access:
        """Where to call."""
        return self._access

    async def renew(self, refused: Access) -> Access | None:
        """None: the code of a webhook does not expire."""
        del refused
        return None

    async def relocate(self, moved: Access) -> Access | None:
        """The address that the portal itself has named, if it named it over TLS, and a TLS address.

        In clear text anybody on the way could have named it.
        """
        try:
            parts = urlsplit(moved.moved_to)
        except ValueError:
            return None
        is_told = moved.endpoint.startswith("https:") and parts.scheme == "https"
        if not is_told or not parts.hostname:
            return None
        self._access = Access(
            endpoint=f"https://{parts.netloc}/rest/", token=Secret(""), hook=self._access.hook
        )
        return self._access

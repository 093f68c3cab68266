"""The vendor's and the community's SDKs, as their users make them, pointed at the portal of the tests."""

import asyncio
import itertools
import ssl
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.clients.js_driver import Js, Node
from tests.clients.world import ADMINISTRATOR, MEMBER, NAME, Registered, World


class Sdks:
    """Clients that are made when they are first used; each case may make its own besides."""

    def __init__(self, world: World, node_modules: Callable[[], Path]) -> None:
        self.world = world
        self._node_modules = node_modules
        self.numbers = itertools.count(1)
        self._opened: list[Node] = []

    @cached_property
    def hook(self) -> Any:
        """b24pysdk over an incoming webhook of the administrator."""
        return self.hook_of(ADMINISTRATOR)

    @cached_property
    def member(self) -> Any:
        """b24pysdk over an incoming webhook of somebody else."""
        return self.hook_of(MEMBER)

    @cached_property
    def app(self) -> Any:
        """b24pysdk with the administrator's OAuth tokens of an application."""
        return self.token_of(self.registered).get_client()

    @cached_property
    def registered(self) -> Registered:
        """The application behind `app`."""
        return self.world.register()

    @cached_property
    def js(self) -> Js:
        """B24Hook of the administrator."""
        return self.js_hook(self.world.url, self.world.webhook())

    @cached_property
    def node(self) -> Node:
        """The process of the JavaScript SDK."""
        return self.node_trusting(self.world.ca_file)

    def hook_of(self, user: int) -> Any:
        from b24pysdk.credentials import BitrixWebhook

        return BitrixWebhook(domain=NAME, webhook_token=self.world.webhook(user)).get_client()

    def app_of(self, registered: Registered) -> Any:
        """The application as b24pysdk knows it."""
        from b24pysdk.credentials import BitrixApp

        return BitrixApp(client_id=registered.client_id, client_secret=registered.client_secret)

    def token_of(self, registered: Registered) -> Any:
        """The pair that came with the installation, as a token of b24pysdk."""
        from b24pysdk.credentials import BitrixToken

        auth = registered.auth
        return BitrixToken(
            domain=NAME,
            auth_token=auth["access_token"],
            refresh_token=auth["refresh_token"],
            expires=datetime.fromtimestamp(int(auth["expires"])).astimezone(),
            expires_in=int(auth["expires_in"]),
            bitrix_app=self.app_of(registered),
        )

    def node_trusting(self, ca_file: Path) -> Node:
        self._opened.append(Node(self._node_modules(), ca_file))
        return self._opened[-1]

    def js_hook(self, url: str, webhook: str, node: Node | None = None) -> Js:
        return Js(node or self.node, f"hook {next(self.numbers)}", hook=f"{url}/rest/{webhook}")

    def js_oauth(
        self, url: str, auth: dict[str, str], secret: dict[str, str], node: Node | None = None, **more: Any
    ) -> Js:
        """B24OAuth with the auth block of an event."""
        oauth = {
            "applicationToken": auth["application_token"],
            "userId": int(auth["user_id"]),
            "memberId": auth["member_id"],
            "accessToken": auth["access_token"],
            "refreshToken": auth["refresh_token"],
            "expires": int(auth["expires"]),
            "expiresIn": int(auth["expires_in"]),
            "scope": auth["scope"],
            "domain": auth["domain"],
            "clientEndpoint": f"{url}/rest/",
            "serverEndpoint": f"{url}/rest/",
            "status": auth["status"],
            **more,
        }
        return Js(node or self.node, f"oauth {next(self.numbers)}", oauth=oauth, secret=secret)

    def fast(self, use: Callable[[Any], Coroutine[Any, Any, Any]], user: int = ADMINISTRATOR) -> Any:
        """Use fast-bitrix24's asynchronous client over an incoming webhook, and return what it returned."""
        webhook = f"{self.world.url}/rest/{self.world.webhook(user)}/"
        context = ssl.create_default_context(cafile=str(self.world.ca_file))

        async def run() -> Any:
            import aiohttp
            from fast_bitrix24 import BitrixAsync

            # An answer that is an error closes its connection; unless the connector is told to remember it,
            # it is nobody's to abort then. From 3.12.7 on Python's own loop lets go of such connections.
            connector = aiohttp.TCPConnector(ssl=context, enable_cleanup_closed=sys.version_info < (3, 12, 7))
            async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:
                try:
                    return await use(BitrixAsync(webhook, verbose=False, client=session))
                finally:
                    # Else it says goodbye over TLS in later turns of the loop, and there may be none.
                    await connector.close(abort_ssl=True)

        return asyncio.run(run())

    def close(self) -> None:
        for node in self._opened:
            node.close()

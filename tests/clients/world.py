"""A portal over https in a thread of its own, reached by its public interfaces only."""

import contextlib
import itertools
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import engines
from tests.clients.receiver import Receiver, Seen

from livefeed.clock import SystemClock
from livefeed.durable.store import open_store
from livefeed.portal import portals
from livefeed.portal.seed import seed_demo
from livefeed.portal.server import ROOMS, Portal, PortalOptions
from livefeed.secrets import KeyRing
from livefeed.testing.loops import Loop
from livefeed.testing.serving.network import AUTHORIZATION_HOSTS, CLOUD_HOST, Relay, certify, environment
from livefeed.testing.serving.sites import Site

NAME = CLOUD_HOST
OAUTH_HOST = AUTHORIZATION_HOSTS[1]  # that of the tech domain: b24pysdk insists on it
ADMIN_TOKEN = "token-of-this-run"
SCOPES = "log,im,user,department,sonet_group,placement"
ADMINISTRATOR, MEMBER = 1, 2


class Ahead:
    """The system's clock, a number of seconds ahead; it is never turned back."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self.ahead_s = 0

    def now_ms(self) -> int:
        return self._system.now_ms() + self.ahead_s * 1000


@dataclass(frozen=True)
class Registered:
    """An application of somebody else, and the tokens that came with its installation."""

    client_id: str
    client_secret: str
    application_token: str
    installed: Seen

    @property
    def auth(self) -> dict[str, str]:
        return self.installed.auth


class World:
    """The portal, its relay and a receiver; closed in order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._certificate = certify(folder)
        self.ca_file = self._certificate.authority
        self._numbers = itertools.count(1)
        self.clock = Ahead()
        self.keys = KeyRing([bytes(range(32))])
        self.loop = Loop("portal")
        self._site = Site(self._answer, tls=self._certificate.chain)
        self.url = self._site.url
        self.relay = Relay(self._site.port)
        self.loop.run(self._open())
        self.receiver = Receiver()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self._portal.asgi(scope, receive, send)

    async def _open(self) -> None:
        self.store = open_store(engines.database(self._folder, "portal", ROOMS), ROOMS, self.clock)
        row = await self.store.write(
            lambda tx: portals.create(tx, public_url=f"https://{NAME}", name="Meridian")
        )
        await self.store.write(lambda tx: seed_demo(tx, portal=row, keys=self.keys))
        await self._stand(frozenset())
        await self._site.open()
        await self.relay.open()

    async def _stand(self, without: frozenset[str]) -> None:
        options = PortalOptions(allow_private=True, admin_token=ADMIN_TOKEN, is_demo=True, without=without)
        self._portal = Portal(store=self.store, keys=self.keys, clock=self.clock, options=options)
        self._running = self._portal.running()
        await self._running.__aenter__()

    async def _fall(self) -> None:
        await self._running.__aexit__(None, None, None)

    @contextlib.contextmanager
    def without(self, method: str) -> Iterator[None]:
        """The same portal, built without one of its methods."""
        self.loop.run(self._change(frozenset({method})))
        try:
            yield
        finally:
            self.loop.run(self._change(frozenset()))

    async def _change(self, without: frozenset[str]) -> None:
        await self._fall()
        await self._stand(without)

    def close(self) -> None:
        self.receiver.close()
        self.loop.run(self._close())
        self.loop.close()

    async def _close(self) -> None:
        await self._fall()
        await self.relay.close()
        await self._site.close()
        await self.store.close()

    def operate(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """An operation of the administrator API, over https."""
        request = urllib.request.Request(
            f"{self.url}/admin/api/{operation}",
            json.dumps(arguments).encode(),
            {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=str(self.ca_file))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)

    def webhook(self, user: int = ADMINISTRATOR, scope: str = SCOPES) -> str:
        """The part of a new incoming webhook's URL behind ``/rest/``, without a slash: ``1/abc``."""
        url = self.operate("webhook_add", user=user, scope=scope)["url"]
        return url.partition("/rest/")[2].rstrip("/")

    def register(self, **more: Any) -> Registered:
        """A new application without an interface; its tokens come with ONAPPINSTALL."""
        given = {
            "scope": SCOPES,
            "auth_keys": "extended",
            "install_url": f"{self.receiver.url}/install",
            **more,
        }
        made = self.operate("app_add", name=f"Shop {next(self._numbers)}", **given)
        token = made["application_token"]
        came = self.receiver.next(where=lambda seen: seen.auth["application_token"] == token)
        return Registered(made["client_id"], made["client_secret"], token, came)

    def rows(self, statement: str) -> list[Any]:
        """What is stored, whatever the portal says of it."""
        return self.loop.run(self.store.read(lambda tx: tx.execute(statement).fetchall()))

    @contextlib.contextmanager
    def registered(self) -> Iterator[Registered]:
        """An application that is removed in the end, with its handlers."""
        app = self.register()
        try:
            yield app
        finally:
            with contextlib.suppress(urllib.error.HTTPError):  # some tests remove it themselves
                self.operate("app_remove", client_id=app.client_id)

    @contextlib.contextmanager
    def as_network(self) -> Iterator[None]:
        """For this process, the relay is the way out and the development authority is trusted."""
        with environment(self.relay, self._certificate):
            yield

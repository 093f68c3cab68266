"""A whole portal whose deliveries are made by hand, and a real HTTP server that receives them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from livefeed.durable.lanes import Lease, lease_due
from livefeed.durable.store import Tx
from livefeed.portal.admin import Admin
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.events.deliveries import DeliveryRow, list_deliveries
from livefeed.portal.events.handlers import person_epoch
from livefeed.portal.events.why import why
from livefeed.portal.feed import posts, reading
from livefeed.portal.feed.posts import Change
from livefeed.portal.lifecycle import present
from livefeed.portal.server import Portal, PortalOptions
from livefeed.portal.web.scene.stage import Stage
from livefeed.ui.languages import told
from livefeed.wire.form import Form, decode
from livefeed.wire.ids import PostId, UserId

from .asgi import Response, request
from .conftest import House


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> Form:
        return decode(self.body, strict=True)

    @property
    def event(self) -> str:
        return str(self.form["event"])

    @property
    def auth(self) -> dict[str, str]:
        auth = self.form["auth"]
        assert isinstance(auth, dict)
        return {key: str(value) for key, value in auth.items()}

    @property
    def post(self) -> int:
        data: Any = self.form["data"]
        return int(data["FIELDS"]["POST_ID"])


@dataclass
class Receiver:
    """Answers 200 unless told otherwise: ``answers`` by path, each as raw bytes of an HTTP answer."""

    url: str = ""
    got: list[Received] = field(default_factory=list)
    answers: dict[str, list[bytes]] = field(default_factory=dict)

    def will(self, path: str, *statuses: int, **headers: str) -> None:
        """The next answers at ``path``; the last one stays."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.answers[path] = [
            f"HTTP/1.1 {status} Said\r\n{lines}Content-Length: 0\r\n\r\n".encode() for status in statuses
        ]

    def taken(self) -> list[Received]:
        """What has come since the last look."""
        got, self.got = self.got, []
        return got

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {
                    k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:]) if k
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path = head[0].split(" ")[1]
                self.got.append(Received(path, headers, body))
                answers = self.answers.get(path) or [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
                writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
                await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await receiver.handle(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            with suppress(ConnectionError):
                await writer.wait_closed()
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class App:
    client_id: str
    client_secret: str
    application_token: str
    signing_secret: str
    installed: bool
    member_id: str


@dataclass
class Site:
    """Everything a test of events needs; nothing is sent until `send_due`."""

    house: House
    server: Portal
    receiver: Receiver
    admin: Admin

    async def add_app(self, **given: Any) -> App:
        document: Any = await self.admin.run("app_add", {"name": "Shop", "scope": "log,user,im", **given})
        return App(**document)

    async def do(self, operation: str, **arguments: Any) -> Any:
        return await self.admin.run(operation, arguments)

    async def token(self, app: App, user: int = 1) -> str:
        """An access token of ``app`` in the name of ``user``."""

        def unit(tx: Tx) -> str:
            found = present(tx, self.house.portal, app.client_id)
            epoch = person_epoch(tx, self.house.portal.member_id, UserId(user))
            bearer = found.bearer(UserId(user), epoch or 0)
            return codec_of(self.house.keys).mint("access", bearer, tx.now_ms)

        return await self.house.store.read(unit)

    async def http(self, method: str, url: str, **rest: Any) -> Response:
        return await request(self.server.asgi, method, url, **rest)

    async def ask(self, token: str, method: str, **params: Any) -> Response:
        """Call a REST method with an access token, as JSON."""
        body = json.dumps({**params, "auth": token}).encode()
        return await self.http(
            "POST", f"/rest/{method}", body=body, headers={"content-type": "application/json"}
        )

    async def call(self, token: str, method: str, **params: Any) -> Any:
        answer = await self.ask(token, method, **params)
        assert answer.status == 200, answer.text
        return answer.json()["result"]

    async def fault(self, token: str, method: str, **params: Any) -> tuple[int, str, str]:
        answer = await self.ask(token, method, **params)
        document = answer.json()
        return answer.status, document["error"], document["error_description"]

    async def bind(
        self, app: App, path: str = "/h", *, event: str = "OnLiveFeedPostUpdate", user: int = 1, **rest: Any
    ) -> int:
        """Bind a handler and return its id."""
        await self.call(
            await self.token(app, user), "event.bind", event=event, handler=self.receiver.url + path, **rest
        )
        rows = await self.house.store.read(lambda tx: tx.execute("SELECT max(id) FROM handler").fetchone())
        return int(rows[0])

    async def edit(self, post: int, text: str = "changed", *, actor: int | None = 1) -> None:
        def unit(tx: Tx) -> None:
            found = reading.find(tx, self.house.portal.member_id, PostId(post))
            assert found is not None
            posts.edit(
                tx, found, Change(text=text), actor=None if actor is None else UserId(actor), source="web"
            )

        await self.house.store.write(unit)

    async def send_due(self) -> list[Received]:
        """Send what is due now; what arrived, in order."""
        self.receiver.taken()
        await self.server.dispatcher.run_due()
        return self.receiver.taken()

    async def lease(self) -> Lease:
        leases = await self.house.store.write(lambda tx: lease_due(tx, limit=1, lease_s=60.0))
        return leases[0]

    async def rows(self, **wanted: Any) -> list[DeliveryRow]:
        member_id = self.house.portal.member_id
        return await self.house.store.read(lambda tx: list_deliveries(tx, portal=member_id, **wanted))

    async def states(self, **wanted: Any) -> list[str]:
        return [row.state for row in await self.rows(**wanted)]

    async def why(self, post: int, handler: int) -> str:
        member_id, now_ms = self.house.portal.member_id, self.house.clock.now_ms()
        words = await self.house.store.read(
            lambda tx: why(tx, portal=member_id, post=post, handler=handler, now_ms=now_ms)
        )
        return told(words, "en")

    async def run(self, unit: Callable[[Tx], Any]) -> Any:
        return await self.house.store.write(unit)


@asynccontextmanager
async def standing(house: House, *, stage: Stage | None = None, **options: Any) -> AsyncIterator[Site]:
    """A running portal beside a receiver, with a scene if there is a stage."""
    chosen = {
        "allow_private": True,
        "is_dispatching": False,
        "admin_token": "token-of-this-run",
        "is_demo": True,
    }
    server = Portal(
        store=house.store,
        keys=house.keys,
        clock=house.clock,
        options=PortalOptions(**{**chosen, **options}),
        stage=stage,
    )
    admin = Admin(store=house.store, keys=house.keys, clock=house.clock, directory=house.directory)
    async with receiving() as receiver, server.running():
        yield Site(house=house, server=server, receiver=receiver, admin=admin)

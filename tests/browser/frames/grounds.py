"""A portal in a thread, on a clock of its own, and a small application whose pages use the vendor's SDK."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests import engines
from tests.client.serving import serving

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, Tx, open_store
from livefeed.portal import portals
from livefeed.portal.admin import Admin
from livefeed.portal.people import sessions
from livefeed.portal.portals import Directory, PortalRow
from livefeed.portal.seed import seed_demo
from livefeed.portal.server import ROOMS, Portal, PortalOptions
from livefeed.portal.web.desk import session
from livefeed.secrets import KeyRing
from livefeed.wire.ids import UserId

SCOPE = "log,user,im,placement"

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Application</title>
<h1>{path}</h1><p id="state">starting</p>
<script src="/sdk.js"></script>
<script>
  window.handed = {handed};
  B24Js.initializeB24Frame().then(
    (frame) => {{ window.b24 = frame; document.getElementById("state").textContent = "ready"; }},
    (error) => {{ document.getElementById("state").textContent = String(error); }},
  );
  window.call = async (method, params) =>
    (await b24.actions.v2.call.make({{ method, params: params ?? {{}}, requestId: "r" }})).getData();
</script></html>"""

SILENT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Foreign</title><h1>{path}</h1>
<script>
  window.heard = [];
  addEventListener("message", (event) => heard.push(event.data));
</script></html>"""


class Pages(BaseHTTPRequestHandler):
    """Pages of one origin: with the SDK, silent ones at ``/silent``, and ``/away``, which leads elsewhere.

    Who calls ``/busy`` is asked to come back in an hour.
    """

    sdk: bytes
    away: str
    got: list[dict[str, str]]
    asked: list[str]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.asked.append(path)
        if path == "/sdk.js":
            self._send(200, self.sdk, "text/javascript")
        elif path == "/away":
            self.send_response(302)
            self.send_header("location", self.away)
            self.send_header("content-length", "0")
            self.end_headers()
        elif path.startswith("/busy"):
            self.send_response(503)
            self.send_header("Retry-After", "3600")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.startswith("/silent"):
            self._send(200, SILENT.format(path=path).encode(), "text/html; charset=utf-8")
        else:
            handed = json.dumps(self._handed()).replace("<", "\\u003c")
            self._send(200, PAGE.format(path=path, handed=handed).encode(), "text/html; charset=utf-8")

    do_POST = do_GET

    def _handed(self) -> dict[str, str]:
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        handed = {**dict(parse_qsl(urlsplit(self.path).query)), **dict(parse_qsl(body))}
        self.got.append({"path": urlsplit(self.path).path, **handed})
        return handed

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@dataclass
class Site:
    """An origin that serves `Pages`; ``asked`` are the paths, ``got`` what was handed to it, in order."""

    url: str
    got: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def pages(sdk: bytes, *, away: str = "", port: int = 0) -> Iterator[Site]:
    """An origin of its own, until the block ends; its port is the system's choice."""
    site = Site(url="")
    kind = type("OwnPages", (Pages,), {"sdk": sdk, "away": away, "got": site.got, "asked": site.asked})
    server = ThreadingHTTPServer(("127.0.0.1", port), kind)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Grounds:
    """The portal; `do` and `run` work from the thread of the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._end = asyncio.Event()
        self.clock = ManualClock()
        self.keys = KeyRing([b"g" * 32])
        self.url = ""
        self.store: Store
        self.portal: PortalRow
        self._admin: Admin

    @contextmanager
    def open(self) -> Iterator["Grounds"]:
        self._thread.start()
        started = threading.Event()
        served = asyncio.run_coroutine_threadsafe(self._serve(started), self._loop)
        served.add_done_callback(lambda _: started.set())
        started.wait()
        if served.done():
            served.result()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            served.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self.store = open_store(engines.database(self._folder, "portal", ROOMS), ROOMS, self.clock)
        options = PortalOptions(is_demo=True, is_dispatching=False, allow_private=True)
        server = Portal(store=self.store, keys=self.keys, clock=self.clock, options=options)
        try:
            async with serving(server.asgi) as self.url:
                self.portal = await self.store.write(
                    lambda tx: portals.create(tx, public_url=self.url, name="Meridian", is_default=True)
                )
                await self.store.write(lambda tx: seed_demo(tx, portal=self.portal, keys=self.keys))
                directory = await Directory.load(self.store)
                self._admin = Admin(store=self.store, keys=self.keys, clock=self.clock, directory=directory)
                async with server.running():
                    started.set()
                    await self._end.wait()
        finally:
            await self.store.close()

    def do(self, operation: str, **arguments: Any) -> Any:
        """One operation of the administrator."""
        return self.wait(self._admin.run(operation, arguments))

    def run(self, unit: Callable[[Tx], Any]) -> Any:
        """One unit of work."""
        return self.wait(self.store.write(unit))

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of work in the portal's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    def session(self, person: int) -> dict[str, str]:
        """The cookie of a browser in which ``person`` is signed in."""
        visit = session.fresh_session()
        code = visit.hash(self.keys)
        assert self.run(lambda tx: sessions.begin(tx, self.portal.member_id, UserId(person), code))
        name = f"{session.SESSION_COOKIE}_{urlsplit(self.url).port}"
        return {"name": name, "value": visit.code, "url": self.url}

    def number(self, client_id: str) -> int:
        """The number of an application on the portal."""
        row = self.run(
            lambda tx: tx.execute("SELECT id FROM app WHERE client_id = ?", (client_id,)).fetchone()
        )
        return int(row[0])

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.run(lambda tx: tx.execute(f"SELECT count(*) FROM {table}").fetchone())[0])

"""The portal as a process: the installed command, an address, and the operations of its administrator."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from livefeed.durable.store import Reader, open_readonly
from livefeed.portal import portals
from livefeed.portal.events.deliveries import DeliveryRow, list_deliveries
from livefeed.portal.server import ROOMS
from livefeed.testing.seen import listed

PATIENCE_S: Final = 30.0
_LOOK_S: Final = 0.02
_COMMAND: Final = (sys.executable, "-m", "livefeed")


class ProcessPortal:
    """``livefeed portal serve`` with an SQLite database in a folder of its own.

    Attributes:
        url: ``http://127.0.0.1:40123``, without a slash at its end; the same after a restart.
        member_id: Of the portal.
        webhook_url: An incoming webhook of the administrator, ending in a slash.
        database: ``sqlite:////tmp/…/portal.db``, for commands.
    """

    def __init__(
        self, folder: Path, *, seed: str = "demo", flags: Sequence[str] = ("--allow-private",)
    ) -> None:
        """Found a portal in ``folder`` and serve it with ``flags``; `close` ends it."""
        self._folder = folder
        self._flags = tuple(flags)
        self._process: subprocess.Popen[bytes] | None = None
        self.database: Final = f"sqlite:///{folder / 'portal.db'}"
        self._port = _free_port()
        self.url: Final = f"http://127.0.0.1:{self._port}"
        founded = self.command("init", "--seed", seed, "--public-url", self.url)
        self.member_id: Final = str(founded["member_id"])
        try:
            self.start()
            self.webhook_url = self.add_webhook()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Serve: at the same address each time.

        Raises:
            AssertionError: It runs already, or did not start; the message has what it wrote.
        """
        if self._process is not None:
            raise AssertionError("the portal runs already; stop or kill it first")
        serve = ("portal", "serve", "--db", self.database, "--port", str(self._port))
        with (self._folder / "portal.log").open("a") as log:
            self._process = subprocess.Popen(
                [*_COMMAND, *serve, *self._flags], stdout=log, stderr=subprocess.STDOUT
            )
        self._wait(self._is_ready, "the portal did not start", lambda: [self.log()])

    def stop(self) -> None:
        """Let it end in order."""
        self._end(is_kill=False)

    def kill(self) -> None:
        """End it at once, as the loss of its machine does; `start` starts it again."""
        self._end(is_kill=True)

    def close(self) -> None:
        """End it for good."""
        self._end(is_kill=False)

    def log(self) -> str:
        """The end of what it wrote."""
        return (self._folder / "portal.log").read_text()[-4_000:]

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run ``livefeed portal <arguments> --json`` on its database; the document.

        Raises:
            AssertionError: The command failed; the message has its words.
        """
        run = [*_COMMAND, "portal", *arguments, "--db", self.database, "--json"]
        done = subprocess.run(run, capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode:
            raise AssertionError(f"livefeed portal {arguments[0]}: {done.stderr or done.stdout}")
        return json.loads(done.stdout) if done.stdout else {}

    def do(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Any operation of the administrator API; its document.

        Raises:
            AssertionError: It was refused; the message says why.
        """
        run: Mapping[str, Any] = json.loads((self._folder / "portal.db.run").read_text())
        headers = {"authorization": f"Bearer {run['token']}", "content-type": "application/json"}
        status, document = self._ask("POST", f"/admin/api/{operation}", json.dumps(arguments), headers)
        if status != 200:
            raise AssertionError(f"{operation}: {status} {document}")
        return document

    def install(self, **given: object) -> dict[str, Any]:
        """Register an application; its client_id, client_secret, application_token and member_id.

        Args:
            given: ``name``, ``install_url``, ``handler_url``, ``scope``, ``interface``, ``auth_keys``.
        """
        return self.do("app_add", **{"name": "App", **given})

    def add_webhook(self, user: int = 1, *, scope: str = "log,im,user") -> str:
        """Another incoming webhook; its URL, ending in a slash."""
        return str(self.do("webhook_add", user=user, scope=scope)["url"])

    def call(self, method: str, **params: object) -> Any:
        """Call a REST method as the administrator; its ``result``.

        Raises:
            AssertionError: It was answered with an error.
        """
        path = urlsplit(self.webhook_url).path
        headers = {"content-type": "application/json"}
        status, document = self._ask("POST", f"{path}{method}", json.dumps(params), headers)
        if status != 200:
            raise AssertionError(f"{method}: {status} {document}")
        return document["result"]

    def add_post(self, text: str, *, title: str = "") -> int:
        """Publish a post to everybody as the administrator; its number."""
        named = {"POST_TITLE": title} if title else {}
        return int(self.call("log.blogpost.add", POST_MESSAGE=text, DEST=["UA"], **named))

    def edit(self, post: int, text: str, *, user: int = 1, as_automation: bool = False) -> None:
        """Edit a post, in the name of ``user`` or of nobody."""
        who = {"as_automation": True} if as_automation else {"user": user}
        self.do("edit_post", post=post, text=text, **who)

    def deliveries(self, *, post: int | None = None) -> list[DeliveryRow]:
        """What was tried, one row a try, and what waits; oldest event first."""
        with contextlib.closing(open_readonly(self.database, ROOMS)) as reader:
            return self._deliveries(reader, post)

    def wait_delivered(
        self, *, post: int | None = None, times: int = 1, timeout_s: float = PATIENCE_S
    ) -> list[DeliveryRow]:
        """Wait until a handler has taken ``times`` events; of ``post``, if one is named.

        Returns:
            The tries that went well.

        Raises:
            AssertionError: It did not happen in time; the message lists what was tried.
        """
        with contextlib.closing(open_readonly(self.database, ROOMS)) as reader:

            def good() -> list[DeliveryRow]:
                return [row for row in self._deliveries(reader, post) if row.state == "delivered"]

            what = f"{times} deliveries did not happen within {timeout_s:g} s"
            self._wait(lambda: len(good()) >= times, what, lambda: self._deliveries(reader, post), timeout_s)
            return good()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _deliveries(self, reader: Reader, post: int | None) -> list[DeliveryRow]:
        portal = reader.read(portals.default)
        assert portal is not None, "it was founded in the beginning"
        return reader.read(lambda tx: list_deliveries(tx, portal=portal.member_id, post=post))

    def _ask(self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body.encode(), dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, content.decode()

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"the portal ended with {self._process.returncode}:\n{self.log()}")
        try:
            return self._ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def _end(self, *, is_kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        (process.kill if is_kill else process.terminate)()
        process.wait(PATIENCE_S)

    def _wait(
        self,
        is_so: Callable[[], bool],
        failure: str,
        instead: Callable[[], Sequence[object]],
        timeout_s: float = PATIENCE_S,
    ) -> None:
        end_s = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > end_s:
                raise AssertionError(f"{failure}\n{listed('there was', instead())}")
            time.sleep(_LOOK_S)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]

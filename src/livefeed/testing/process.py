"""The portal as a process: the installed command, an address, and the operations of its administrator."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from livefeed.durable.store import Tx, open_readonly
from livefeed.portal.server import ROOMS
from livefeed.testing.checks import Checks
from livefeed.testing.faults.plan import Faults
from livefeed.testing.rehearsal.prompter import Prompter, RemoteClock
from livefeed.testing.seen import Delivery, Seen, listed
from livefeed.testing.serving.asking import ask, wait_for
from livefeed.testing.serving.hosting import serving_asgi
from livefeed.testing.serving.ports import KeptPort
from livefeed.testing.serving.sites import serving_wsgi

T = TypeVar("T")

PATIENCE_S: Final = 30.0
_HOURS: Final = 96.0  # a day more than the portal tries for
_LOOK_S: Final = 0.02
_COMMAND: Final = (sys.executable, "-m", "livefeed")


class ProcessPortal(Checks):
    """``livefeed portal serve`` with an SQLite database in a folder of its own.

    It works by itself, in real time. `faults` and `clock` are there as with `LocalPortal`; both outlive
    `kill` and `start`. What is due when a block of faults begins is delivered before, and what is due when it
    ends is still delivered in it. What faults hold back (``reorder``, ``burst``) waits for `deliver`,
    `settle` or the end of the block, and is lost when the process ends.

    Attributes:
        url: ``http://127.0.0.1:40123``, without a slash at its end; the same after a restart.
        member_id: Of the portal.
        clock: The machine's, turned ahead: ``portal.clock.advance(hours=1)``.
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
        self._ends: Final = contextlib.ExitStack()
        self._port: Final = KeptPort()
        self._told = 0
        self.database: Final = f"sqlite:///{folder / 'portal.db'}"
        self.url: Final = f"http://127.0.0.1:{self._port.number}"
        self._prompter: Final = Prompter(folder / "rehearsal.jsonl", self._wish)
        self.clock: Final[RemoteClock] = self._prompter.clock
        try:
            founded = self.command("init", "--seed", seed, "--public-url", self.url)
            self.member_id = str(founded["member_id"])
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
        place = ("--port", str(self._port.number), "--public-url", self.url)
        serve = ("portal", "serve", "--db", self.database, *place)
        rehearsal = ("--rehearsal", str(self._prompter.path))
        with (self._folder / "portal.log").open("a") as log:
            self._process = subprocess.Popen(
                [*_COMMAND, *serve, *rehearsal, *self._flags], stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_ready()

    def stop(self) -> None:
        """Let it end in order."""
        self._end(is_kill=False)

    def kill(self) -> None:
        """End it at once, as the loss of its machine does; `start` starts it again."""
        self._end(is_kill=True)

    def close(self) -> None:
        """End it for good, and what is served."""
        try:
            self._end(is_kill=False)
        finally:
            self._ends.close()
            self._port.close()

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
        return self._administer(f"/admin/api/{operation}", json.dumps(arguments))

    def install(self, *, events: Mapping[str, str] | None = None, **given: object) -> dict[str, Any]:
        """Register an application; its client_id, client_secret, application_token and member_id.

        Args:
            events: Handlers bound in its name, event → URL; None: it binds them itself with ``event.bind``.
            given: ``name``, ``install_url``, ``handler_url``, ``scope``, ``interface``, ``auth_keys``.
        """
        app = self.do("app_add", **{"name": "App", "scope": "log,user,im", **given})
        for event, url in (events or {}).items():
            self._prompter.bind(app["client_id"], event, url)
        return app

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
        status, document = ask(self.url, "POST", f"{path}{method}", json.dumps(params), headers)
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

    def serve_asgi(self, app: Any) -> str:
        """Serve an ASGI application in a thread of the test until it ends; its URL."""
        return self._ends.enter_context(serving_asgi(app))[0]

    def serve_wsgi(self, app: Any) -> str:
        """Serve a WSGI application in threads of the test until it ends; its URL."""
        return self._ends.enter_context(serving_wsgi(app))

    def faults(self, seed: int = 0) -> Faults:
        """What goes wrong while a block lasts: ``with portal.faults(seed=7).drop(before=0.2): …``."""
        return self._prompter.faults(seed)

    def deliver(self) -> list[Delivery]:
        """Wait until all that is due at this moment is delivered; let go what faults hold back.

        Returns:
            The deliveries that were made since this or `settle` was asked last, each try of its own.
        """
        self._prompter.deliver()
        return self._news()

    def settle(self, *, hours: float = _HOURS) -> list[Delivery]:
        """Deliver, and turn the clock to each moment at which more is due, until nothing is.

        Args:
            hours: No further than this.

        Returns:
            As `deliver`.

        Raises:
            AssertionError: More was due after ``hours``.
        """
        self._check_settled(self._prompter.settle(hours), hours, self._told)
        return self._news()

    def wait_delivered(
        self, *, post: int | None = None, times: int = 1, timeout_s: float = PATIENCE_S
    ) -> list[Delivery]:
        """Wait until a handler has taken ``times`` events; of ``post``, if one is named.

        Returns:
            The tries that went well.

        Raises:
            AssertionError: It did not happen in time; the message lists what was tried.
        """

        def good() -> list[Delivery]:
            return [one for one in self.deliveries if one.is_good and (post is None or one.post == post)]

        def check() -> list[Delivery]:
            found = good()
            if len(found) < times:
                failure = f"{times} deliveries did not happen within {timeout_s:g} s"
                raise AssertionError(f"{failure}\n{listed('there was', self.deliveries)}")
            return found

        return self.wait_for(check, timeout_s=timeout_s)

    def now_ms(self) -> int:
        """What the portal's clock says."""
        return self.clock.now_ms()

    def wait_for(self, check: Callable[[], T], *, timeout_s: float = PATIENCE_S) -> T:
        """Repeat a check until it holds: for what an application does after its answer.

        ``portal.wait_for(lambda: portal.assert_notified(2, "Friday"))``

        Returns:
            What the check gave.

        Raises:
            AssertionError: It did not hold in time; the check's own, or that it gave nothing.
        """
        return wait_for(check, timeout_s)

    def seen(self) -> Sequence[Seen]:
        """Everything that was delivered, called and refreshed, in the order in which it ended."""
        return self._prompter.seen()

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on the portal's database, whether it runs or not."""
        with contextlib.closing(open_readonly(self.database, ROOMS)) as reader:
            return reader.read(query)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _news(self) -> list[Delivery]:
        begun, made = self._told, self.deliveries
        self._told = len(made)
        return made[begun:]

    def _wish(self, path: str, body: str) -> Any:
        """Ask the process for what only a rehearsal can do; None where it does not run."""
        return None if self._process is None else self._administer(path, body)

    def _administer(self, path: str, body: str) -> Any:
        run: Mapping[str, Any] = json.loads((self._folder / "portal.db.run").read_text())
        headers = {"authorization": f"Bearer {run['token']}", "content-type": "application/json"}
        status, document = ask(self.url, "POST", path, body, headers)
        if status != 200:
            raise AssertionError(f"{path.rpartition('/')[2]}: {status} {document}")
        return document

    def _wait_ready(self) -> None:
        process, end_s = self._process, time.monotonic() + PATIENCE_S
        while not self._is_ready():
            if process is not None and process.poll() is not None:
                raise AssertionError(f"the portal ended with {process.returncode}:\n{self.log()}")
            if time.monotonic() > end_s:
                raise AssertionError(f"the portal did not start:\n{self.log()}")
            time.sleep(_LOOK_S)

    def _is_ready(self) -> bool:
        try:
            return ask(self.url, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def _end(self, *, is_kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        (process.kill if is_kill else process.terminate)()
        process.wait(PATIENCE_S)

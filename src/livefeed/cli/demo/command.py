"""``demo``: a portal with a seeded company and the notifier, as two processes, installed over HTTP."""

import asyncio
import signal
import threading
import webbrowser
from pathlib import Path

import click
import msgspec

from livefeed.cli.databases import key_ring
from livefeed.cli.demo.certificates import Certificates, certificates
from livefeed.cli.demo.processes import Child, wait_until
from livefeed.cli.demo.state import DemoState, read_state, write_state
from livefeed.cli.listening import bound_socket
from livefeed.cli.numbers import PORT, QUIET
from livefeed.cli.output import encode
from livefeed.cli.portal.founding import found_portal
from livefeed.cli.running import find_running, operate
from livefeed.errors import SettingsError
from livefeed.settings import APP_PORT, PORTAL_PORT, DatabaseUrl

SCOPES = "log,user,im,department,sonet_group"


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".livefeed"),
    show_default=True,
    help="Folder of the databases and keys; made if it does not exist.",
)
@click.option("--port", type=PORT, default=PORTAL_PORT, show_default=True, help="Port of the portal.")
@click.option("--app-port", type=PORT, default=APP_PORT, show_default=True, help="Port of the notifier.")
@click.option(
    "--quiet-s",
    type=QUIET,
    default=1.0,
    show_default=True,
    help="Seconds without an edit before people are told.",
)
@click.option("--tls", is_flag=True, help="Serve the portal over https, with an authority made in --data.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one line of JSON when all is up, secrets included; all else goes to stderr.",
)
@click.option("--no-browser", is_flag=True, help="Do not open the feed in a browser.")
def demo(
    data: Path, port: int, app_port: int, quiet_s: float, tls: bool, as_json: bool, no_browser: bool
) -> None:
    """Start portal and notifier with a seeded company; Ctrl-C stops both, the data stays."""
    if port == app_port:
        raise click.BadParameter(f"{port} is the portal's --port already", param_hint="--app-port")
    data.mkdir(parents=True, exist_ok=True)
    for wanted, flag in ((port, "--port"), (app_port, "--app-port")):
        bound_socket("127.0.0.1", wanted, flag=flag).close()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    house = House(data, port, app_port, quiet_s, certificates(data.resolve()) if tls else None)
    try:
        state = house.start()
        _greet(house, state, as_json=as_json)
        if not no_browser and not as_json:
            webbrowser.open(house.portal_url)
        while not stop.wait(0.2):
            house.fail_if_dead()
    finally:
        house.stop()


class PortalStatus(msgspec.Struct, frozen=True):
    """What the notifier says of one portal it knows."""

    member_id: str
    state: str
    bound: bool
    pending: int


class Status(msgspec.Struct, frozen=True):
    """What the notifier says of itself."""

    portals: list[PortalStatus]


class House:
    """The two processes of the demo and what they share."""

    def __init__(
        self, data: Path, port: int, app_port: int, quiet_s: float, tls: Certificates | None
    ) -> None:
        self.portal_url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
        self.tls = tls
        self.app_url = f"http://127.0.0.1:{app_port}"
        self._data = data.resolve()
        self._port, self._app_port, self._quiet_s = port, app_port, quiet_s
        self._portal_db = DatabaseUrl("sqlite", self._data / "portal.db")
        self._notifier_db = DatabaseUrl("sqlite", self._data / "notifier.db")
        self._children: list[Child] = []

    def start(self) -> DemoState:
        """Found the company if this is the first time, then start both halves and wait until all is up."""
        state = read_state(self._data) or self._found()
        self._start_portal()
        if state.client_id is None:
            state = self._add_notifier(state)
        self._start_notifier(state)
        return state

    def stop(self) -> None:
        """Stop the notifier, then the portal."""
        while self._children:
            self._children.pop().stop()

    def fail_if_dead(self) -> None:
        """Say so if one of the processes ended by itself.

        Raises:
            SettingsError: It did.
        """
        for child in self._children:
            if child.exit_code() is not None:
                raise SettingsError(
                    f"the {child.name} ended with code {child.exit_code()}; start the demo again"
                )

    def _found(self) -> DemoState:
        """Found beside the final name, so that a crash leaves a whole company or none."""
        fresh = DatabaseUrl("sqlite", self._data / "portal.db.new")
        if self._portal_db.path.exists():
            raise SettingsError(f"{self._data} holds a portal without demo.json; choose another --data")
        for left in self._data.glob("portal.db.new*"):
            left.unlink()
        keys = key_ring(fresh, self._data / "portal.db.key")
        state = DemoState.of(asyncio.run(found_portal(fresh, keys, "demo", self.portal_url, "Livefeed")))
        write_state(self._data, state)
        return state

    def _start_portal(self) -> None:
        fresh = self._data / "portal.db.new"
        if fresh.exists() and not self._portal_db.path.exists():
            fresh.replace(self._portal_db.path)
        arguments = ["portal", "serve", "--demo", "--allow-private", "--db", str(self._portal_db)]
        arguments += ["--port", str(self._port), "--public-url", self.portal_url]
        if self.tls is not None:
            arguments += ["--tls-cert", str(self.tls.cert), "--tls-key", str(self.tls.key)]
        child = Child("portal", arguments, {"LIVEFEED_KEY_FILE": str(self._data / "portal.db.key")})
        self._children.append(child)
        child.wait_ready(self.portal_url, None if self.tls is None else self.tls.authority)

    def _add_notifier(self, state: DemoState) -> DemoState:
        running = find_running(self._portal_db)
        if running is None:
            raise SettingsError("the portal wrote no run file; its own message stands above")
        secrets = operate(
            running,
            "app_add",
            {"name": "Livefeed notifier", "install_url": f"{self.app_url}/install", "scope": SCOPES},
        )
        state = state.with_app(secrets)
        write_state(self._data, state)
        return state

    def _start_notifier(self, state: DemoState) -> None:
        arguments = ["notifier", "serve", "--db", str(self._notifier_db), "--port", str(self._app_port)]
        arguments += ["--public-url", self.app_url, "--quiet-s", str(self._quiet_s)]
        environ = {
            "LIVEFEED_KEY_FILE": str(self._data / "notifier.db.key"),
            "LIVEFEED_PORTAL_URL": self.portal_url,
            "LIVEFEED_CLIENT_ID": state.client_id or "",
            "LIVEFEED_CLIENT_SECRET": state.client_secret or "",
            "LIVEFEED_MEMBER_ID": state.member_id,
            "LIVEFEED_RATE_LIMIT": "off",
        }
        if self.tls is not None:
            environ["LIVEFEED_CA_FILE"] = str(self.tls.authority)
        child = Child("notifier", arguments, environ)
        self._children.append(child)
        child.wait_ready(self.app_url)
        wait_until(lambda: self._is_installed(state), "the notifier is installed", self.fail_if_dead)

    def _is_installed(self, state: DemoState) -> bool:
        running = find_running(self._notifier_db)
        if running is None:
            return False
        status = msgspec.convert(operate(running, "status", {}), Status)
        return any(
            portal.member_id == state.member_id
            and portal.state == "active"
            and portal.bound
            and not portal.pending
            for portal in status.portals
        )


def _greet(house: House, state: DemoState, *, as_json: bool) -> None:
    if house.tls is not None:
        click.echo(f"livefeed: the portal's authority, to be trusted: {house.tls.authority}", err=True)
    people = [
        {
            "id": person.id,
            "name": person.name,
            "login": person.login,
            "password": person.password,
            "webhook_url": f"{house.portal_url}/rest/{person.id}/{person.webhook_code}/",
        }
        for person in state.people
    ]
    document: dict[str, object] = {
        "portal_url": house.portal_url,
        "scene_url": None,
        "feed_url": f"{house.portal_url}/",
        "developer_url": f"{house.portal_url}/developer/",
        "app_url": house.app_url,
        "console_url": None,
        "member_id": state.member_id,
        "admin_webhook_url": people[0]["webhook_url"],
        "people": people,
        "posts": state.posts,
        "app": {"client_id": state.client_id, "installed": True},
    }
    if as_json:
        click.echo(encode(document))
        return
    click.echo(f"\n  Feed        {document['feed_url']}\n  Developers  {document['developer_url']}\n")
    click.echo("  People (choose one on the feed; an incoming webhook of each, for REST):")
    for person in people:
        click.echo(f"    {person['name']:<22} {person['webhook_url']}")
    click.echo("\n  Edit a post as one of them and look at the bell of another. Ctrl-C stops everything.\n")

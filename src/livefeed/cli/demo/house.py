"""The house of the demo: its company, the portal's process, and the notifier's with its keeper."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from livefeed.app.console.entry import console_url
from livefeed.cli.databases import key_ring
from livefeed.cli.demo import stage
from livefeed.cli.demo.certificates import Certificates
from livefeed.cli.demo.keeper import Keeper
from livefeed.cli.demo.processes import Child, Stopped, wait_until
from livefeed.cli.demo.state import DemoState, read_state, write_state
from livefeed.cli.portal.founding import found_portal
from livefeed.cli.running import find_running, fresh_token, operate
from livefeed.errors import SettingsError
from livefeed.portal.seed.company import company_name
from livefeed.settings import DatabaseUrl

SCOPES: Final = "log,user,im,department,sonet_group,placement"
"""What the notifier may do: read posts and people, ring bells, and stand in the pages of the feed."""


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
        self._console_token = fresh_token()
        self._portal_db = DatabaseUrl("sqlite", self._data / "portal.db")
        self._notifier_db = DatabaseUrl("sqlite", self._data / "notifier.db")
        self._portal: Child | None = None
        self._notifier: Keeper | None = None
        # The portal's process asks the keeper for what people press on the scene.
        self._control, self._handed_control = socket.socketpair()

    @property
    def console_url(self) -> str:
        """The notifier's console, also after it was killed and started again."""
        return console_url(self.app_url, self._console_token)

    def start(self, stop: threading.Event) -> DemoState:
        """Found the company if this is the first time, then start both halves and wait until all is up.

        Raises:
            Stopped: ``stop`` was set meanwhile; what runs is to be stopped.
            SettingsError: One of them does not start.
        """
        state = read_state(self._data) or self._found()

        def go_on() -> None:
            if stop.is_set():
                raise Stopped("the demo was stopped before all was up")
            self.fail_if_dead()

        self._start_portal(go_on)
        if state.client_id is None:
            state = self._add_notifier(state)
        self._start_notifier(state, go_on)
        return state

    def stop(self) -> None:
        """Stop the notifier, then the portal."""
        if self._notifier is not None:
            self._notifier.stop()
        if self._portal is not None:
            self._portal.stop()

    def fail_if_dead(self) -> None:
        """Say so if one of the processes ended by itself; one that the scene has killed did not.

        Raises:
            SettingsError: It did.
        """
        if self._portal is not None and self._portal.exit_code() is not None:
            raise SettingsError(
                f"the portal ended with code {self._portal.exit_code()}; start the demo again"
            )
        if self._notifier is not None:
            self._notifier.fail_if_dead()

    def _found(self) -> DemoState:
        """Found beside the final name, so that a crash leaves a whole company or none."""
        fresh = DatabaseUrl("sqlite", self._data / "portal.db.new")
        if self._portal_db.path.exists():
            raise SettingsError(f"{self._data} holds a portal without demo.json; choose another --data")
        for left in self._data.glob("portal.db.new*"):
            left.unlink()
        keys = key_ring(fresh, self._data / "portal.db.key")
        state = DemoState.of(asyncio.run(found_portal(fresh, keys, "demo", self.portal_url, company_name())))
        write_state(self._data, state)
        return state

    def _start_portal(self, go_on: Callable[[], None]) -> None:
        fresh = self._data / "portal.db.new"
        if fresh.exists() and not self._portal_db.path.exists():
            fresh.replace(self._portal_db.path)
        arguments = ["portal", "serve", "--demo", "--allow-private", "--db", str(self._portal_db)]
        arguments += ["--port", str(self._port), "--public-url", self.portal_url]
        if self.tls is not None:
            arguments += ["--tls-cert", str(self.tls.cert), "--tls-key", str(self.tls.key)]
        environ = {
            "LIVEFEED_KEY_FILE": str(self._data / "portal.db.key"),
            stage.VARIABLE: msgspec.json.encode(self._handed()).decode(),
        }
        with self._handed_control as control:
            self._portal = Child("portal", arguments, environ, inherits=[control.fileno()])
        authority = None if self.tls is None else self.tls.authority
        self._portal.wait_ready(self.portal_url, authority, check=go_on)

    def _handed(self) -> stage.Handed:
        return stage.Handed(
            control=self._handed_control.fileno(),
            notifier_db=str(self._notifier_db),
            portal_db=str(self._portal_db),
            app_url=self.app_url,
        )

    def _add_notifier(self, state: DemoState) -> DemoState:
        running = find_running(self._portal_db)
        if running is None:
            raise SettingsError("the portal wrote no run file; its own message stands above")
        secrets = operate(
            running,
            "app_add",
            {
                "name": "Livefeed notifier",
                "handler_url": f"{self.app_url}/frame",
                "install_url": f"{self.app_url}/install",
                "redirect_uri": f"{self.app_url}/oauth/callback",
                "scope": SCOPES,
            },
        )
        state = state.with_app(secrets)
        write_state(self._data, state)
        return state

    def _start_notifier(self, state: DemoState, go_on: Callable[[], None]) -> None:
        arguments = ["notifier", "serve", "--db", str(self._notifier_db), "--port", str(self._app_port)]
        arguments += ["--public-url", self.app_url, "--quiet-s", str(self._quiet_s)]
        environ = {
            "LIVEFEED_KEY_FILE": str(self._data / "notifier.db.key"),
            "LIVEFEED_PORTAL_URL": self.portal_url,
            "LIVEFEED_CLIENT_ID": state.client_id or "",
            "LIVEFEED_CLIENT_SECRET": state.client_secret or "",
            "LIVEFEED_MEMBER_ID": state.member_id,
            "LIVEFEED_RATE_LIMIT": "off",
            "LIVEFEED_CONSOLE_TOKEN": self._console_token,
        }
        if self.tls is not None:
            environ["LIVEFEED_CA_FILE"] = str(self.tls.authority)
        self._notifier = Keeper(
            lambda: Child("notifier", arguments, environ),
            lambda child: child.wait_ready(self.app_url, check=go_on),
        )
        self._notifier.serve(self._control)
        wait_until(lambda: self._is_installed(state), "the notifier is installed", go_on)

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

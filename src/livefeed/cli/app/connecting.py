"""Connecting: the steps from the form at a portal to the first event, each told as it is done."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from livefeed.app import App
from livefeed.app.admin import Admin
from livefeed.app.http import HttpServer
from livefeed.app.inbox import InboxRow, list_inbox, read_event
from livefeed.app.installs import registry
from livefeed.app.installs.ladder import Installed
from livefeed.app.running import Running
from livefeed.app.server import AppServer
from livefeed.cli.app.scopes import scopes_for
from livefeed.cli.app.waiting import ALIVE, Waiting
from livefeed.cli.listening import url_of
from livefeed.durable.store import Tx
from livefeed.errors import Fault, StoreError, TransportError, WireError
from livefeed.net.authority import authority_pem
from livefeed.net.http import HttpClient
from livefeed.secrets import KeyRing, Secret
from livefeed.settings import AppSettings
from livefeed.wire.events import AppInstalled
from livefeed.wire.ids import MemberId

Tell = Callable[[str, Mapping[str, object]], None]
"""Tells that a step is done, or how far it is: its name, and what there is to say of it."""

_LOOK_S: Final = 0.2
_AGAIN_S: Final = 2.0
_REFUSED: Final = {
    403: "a callback cannot be proved; are id and key those of this application, at this portal?",
    409: "another installation is in force; confirm this one with: livefeed app confirm",
}
"""What the status says with which a callback is refused."""


def scopes_of(app: App) -> list[str]:
    """The scopes that an application needs: to be sent its events, to read, to tell, to show pages."""
    found = scopes_for(app.table().events())
    if "log" in found:
        found.add("im")  # ctx.notify
    if app.widgets:
        found.add("placement")
    return sorted(found | {"user"})


def fields_of(app: App, settings: AppSettings, scopes: list[str]) -> list[tuple[str, str]]:
    """The form at Developer resources → Other → Local application, field by field.

    Source: settings/app-installation/installation-finish.md
    """
    base = settings.public_url.rstrip("/")
    handler = "/frame" if app.widgets else settings.events_path
    return [
        ("Type", "Server"),
        ("Your handler path", f"{base}{handler}"),
        ("Initial installation path", f"{base}/install"),
        ("Script only (no user interface)", "yes"),
        ("Assign permissions", ", ".join(scopes)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An application on its way to a portal."""

    app: App
    settings: AppSettings
    keys: KeyRing
    scopes: list[str]
    tell: Tell

    async def run(
        self, listener: socket.socket, credentials: Callable[[], Awaitable[tuple[str, Secret]]]
    ) -> None:
        """All steps, one after the other; cancelled, everything is closed in order.

        Raises:
            SettingsError: A setting or the key file cannot be used, or nobody gave credentials.
            StoreError: The database cannot be used.
        """
        waiting = Waiting()
        async with HttpServer(waiting, None).serving(listener, grace_s=1.0):
            self.tell("listening", {"at": url_of(listener)})
            await self._look_around()
            self.tell("form", {"fields": dict(fields_of(self.app, self.settings, self.scopes))})
            client_id, secret = await credentials()
            settings = msgspec.structs.replace(self.settings, client_id=client_id, client_secret=secret)
            server = AppServer(self.app, settings=settings, keys=self.keys)
            async with server.open() as running:
                waiting.inner = server
                try:
                    member_id = await self._installed(running, waiting)
                    await self._ready(running, member_id)
                    await self._first_event(running, member_id)
                finally:
                    server.console.close()
                    waiting.inner = None

    async def _look_around(self) -> None:
        """Whether the public address leads here, and whether somebody is at the portal's.

        Told only: the way out may not be the way in.
        """
        url, portal = self.settings.public_url.rstrip("/"), self.settings.portal_url.rstrip("/")
        pem = authority_pem(self.settings.ca_file)
        async with HttpClient(allow_private=True, timeout_s=5.0, trusted_pem=pem) as http:
            try:
                answer = await http.send("GET", f"{url}/healthz")
                problem = "" if answer.body == ALIVE else f"something else answers there ({answer.status})"
            except TransportError as exc:
                problem = str(exc)
            step = "unreachable" if problem else "reachable"
            self.tell(step, {"url": url, **({"problem": problem} if problem else {})})
            try:
                await http.send("GET", f"{portal}/rest/")
            except TransportError as exc:
                self.tell("unreachable", {"url": portal, "problem": str(exc)})

    async def _installed(self, running: Running, waiting: Waiting) -> MemberId:
        """Until a portal is installed, by the callback that was held or by one that comes now."""
        held, waiting.held = waiting.held, None
        while held is not None:
            problem, is_over = await _climb(running, *held)
            if not problem:
                break
            self.tell("not installed", {"problem": problem})
            if is_over:
                break
            await asyncio.sleep(_AGAIN_S)
        told = False
        while not (found := await running.runtime.store.read(_active)):
            if not told:
                self.tell("waiting", {"for": "the installation; save the form, or install again there"})
                told = True
            if status := waiting.refused:
                waiting.refused = 0
                self.tell(
                    "not installed", {"problem": _REFUSED.get(status, f"a callback is answered {status}")}
                )
            await asyncio.sleep(_LOOK_S)
        granted = set(found.scope.split(","))
        self.tell(
            "installed",
            {
                "member_id": found.member_id,
                "domain": found.domain,
                "scope": found.scope,
                "missing_scope": sorted(set(self.scopes) - granted),
            },
        )
        return found.member_id

    async def _ready(self, running: Running, member_id: MemberId) -> None:
        """Until every wanted event is bound and what belongs to the installation is done."""
        admin, before, is_bound = Admin(running), "", False
        while True:
            row = await _status(admin, member_id)
            if row["bound"] and not is_bound:
                is_bound = True
                self.tell("bound", {"events": sorted(running.binder.wanted)})
            progress = await _progress(running, member_id)
            pending = row["pending"]
            if is_bound and not pending:
                self.tell("filled", progress)
                return
            if (said := f"{pending} {progress}") != before:
                before = said
                self.tell("filling", {"lanes": pending, **progress})
            await asyncio.sleep(_LOOK_S)

    async def _first_event(self, running: Running, member_id: MemberId) -> None:
        """Until an event has come and is dealt with."""
        store = running.runtime.store
        since = running.runtime.clock.now_ms()
        self.tell("waiting", {"for": "the first event; change something at the portal"})
        seen: InboxRow | None = None
        while seen is None or seen.state not in {"done", "dead"}:
            rows = await store.read(lambda tx: list_inbox(tx, portal=member_id, since_ms=since, limit=20))
            come = [row for row in reversed(rows) if row.event != AppInstalled.wire_name]
            if come and come[0].state != (None if seen is None else seen.state):
                seen = come[0]
                self.tell("event", _shown(seen))
                continue
            await asyncio.sleep(_LOOK_S)


async def _climb(running: Running, body: bytes, is_json: bool) -> tuple[str, bool]:
    """Prove a callback: what is wrong, empty for nothing, and whether another try is of no use."""
    try:
        verdict = await running.ladder.install(read_event(body, is_json).envelope())
    except WireError as exc:
        return f"what came is no callback: {exc}", True
    except (TransportError, Fault, StoreError) as exc:
        return f"it cannot be proved now: {exc}", False
    if isinstance(verdict, Installed):
        return "", True
    return f"it is not proved: {getattr(verdict, 'reason', 'another installation is in force')}", True


def _active(tx: Tx) -> registry.Install | None:
    """The portal that was installed last."""
    active = [install for install in registry.every(tx) if install.is_active]
    return max(active, key=lambda install: install.installed_at, default=None)


async def _status(admin: Admin, member_id: MemberId) -> Mapping[str, object]:
    portals = (await admin.run("status", {}))["portals"]
    assert isinstance(portals, list), "status lists the portals"
    rows = [row for row in portals if isinstance(row, dict) and row["member_id"] == member_id]
    return rows[0]


async def _progress(running: Running, member_id: MemberId) -> Mapping[str, object]:
    """How much of the feed is known; nothing of an application that keeps none of it."""
    if "livefeed.notifier" not in running.app.rooms:
        return {}
    from livefeed.notifier.gaps import coverage  # not needed by an application of one's own

    found = await running.runtime.store.read(lambda tx: coverage(tx, member_id))
    return {"phase": found.phase, "archived": found.archived, "readable": found.readable}


def _shown(row: InboxRow) -> Mapping[str, object]:
    return {
        "event": row.event,
        "post": row.post,
        "state": row.state,
        "steps": [step.step for step in row.steps],
    }

"""``app serve`` and ``notifier serve``: run an application."""

import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from livefeed.app import App
from livefeed.app.console.entry import console_url
from livefeed.app.server import prepared
from livefeed.cli.app.listening import listen
from livefeed.cli.databases import db_option, key_file_option, key_ring
from livefeed.cli.listening import base_url, bound_sockets, run_until_stopped, url_of
from livefeed.cli.numbers import PAUSE, PORT, QUIET, WAIT
from livefeed.cli.output import Later
from livefeed.cli.running import fresh_token
from livefeed.cli.serve.roles import app_role_option, check_processes, workers_option
from livefeed.errors import LivefeedError, SettingsError
from livefeed.net.authority import authority_pem
from livefeed.secrets import KeyRing, Secret
from livefeed.settings import APP_PORT, AppRole, AppSettings, DatabaseUrl
from livefeed.telemetry import configure_logs


def load_app(target: str) -> App:
    """Import ``MODULE:APP`` from the working directory or PYTHONPATH.

    Raises:
        SettingsError: There is no such module, or no App of that name in it.
    """
    module_name, _, attribute = target.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise SettingsError(f"{target!r} names no module; write MODULE:APP, as in shop.feed:app")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except LivefeedError:
        raise
    except ModuleNotFoundError as exc:
        raise SettingsError(_not_found(module_name, exc.name or "")) from exc
    except Exception as exc:
        raise SettingsError(f"{module_name} cannot be imported: {_told(exc)}") from exc
    found = getattr(module, attribute or "app", None)
    if not isinstance(found, App):
        raise SettingsError(f"{target!r} is not an App; write MODULE:APP, the name of a livefeed.app.App")
    return found


def _not_found(module_name: str, missing: str) -> str:
    if missing == module_name or module_name.startswith(f"{missing}."):
        return f"there is no module {missing}; run this command where {missing}.py lies, or set PYTHONPATH"
    return f"{module_name} cannot be imported: it needs {missing}, which is not installed"


def _told(exc: Exception) -> str:
    """The error, and the line of the user's code that it comes from."""
    if isinstance(exc, SyntaxError):
        return f"SyntaxError: {exc}"
    frames = traceback.extract_tb(exc.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(exc).__name__}: {exc}{place}"


@click.group(
    cls=Later,
    later={"confirm": "livefeed.cli.app.portals:confirm", "portals": "livefeed.cli.app.portals:portals"},
)
def app() -> None:
    """Serve an application of your own."""


@click.group()
def notifier() -> None:
    """Serve the notifier, which tells the participants of a discussion what changed."""


SETTINGS: Final = (
    "The portal and the application's credentials come from LIVEFEED_PORTAL_URL, LIVEFEED_CLIENT_ID, "
    "LIVEFEED_CLIENT_SECRET, LIVEFEED_MEMBER_ID and LIVEFEED_APPLICATION_TOKEN."
)


_SWEEPING: Final = ("sweep_every_s", "sweep_all_every_s", "hot_window_days", "offline_events")


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What both ``serve`` commands are asked for."""

    host: str
    port: int
    public_url: str | None
    role: AppRole
    workers: int
    stop_with_stdin: bool
    database: DatabaseUrl
    key_file: Path | None

    def settings(self, **more: float | str | None) -> AppSettings:
        """The application's settings: these flags, then the environment."""
        return AppSettings.from_environment(
            db=self.database.url,
            key_file=None if self.key_file is None else str(self.key_file),
            public_url=self.public_url or f"http://{self.host}:{self.port}",
            environ=None,
            **more,
        )

    def run(self, loaded: App, settings: AppSettings) -> None:
        """Serve until SIGINT or SIGTERM."""
        check_processes(self.database, self.role, self.workers)
        authority_pem(settings.ca_file)  # refused here, before anything is made
        configure_logs()
        listeners = bound_sockets(self.host, self.port, self.workers)
        url = url_of(listeners[0])
        keys = key_ring(self.database, self.key_file)
        token = fresh_token()
        is_chosen = bool(settings.console_token.reveal())
        console_token = settings.console_token.reveal() or self._console_token(keys)
        settings = msgspec.structs.replace(settings, console_token=Secret(console_token))
        base_url = f"http://{self.host}:{self.port}"
        opens_at = console_url(base_url, console_token)
        if is_chosen:  # whoever chose it knows it, and it need not stand in a log
            opens_at = f"{base_url}/console/ with the token that was set for it"
        run_until_stopped(
            lambda: prepared(
                loaded,
                settings=settings,
                keys=keys,
                admin_token=token,
                role=self.role,
                url=url,
            ),
            database=self.database,
            listeners=listeners,
            admin_token=token,
            with_stdin=self.stop_with_stdin,
            listen=listen,
            greeting="" if self.role == "worker" else f"the console opens at {opens_at}",
        )

    def _console_token(self, keys: KeyRing) -> str:
        """Another one for each start; where processes share a database, the one that belongs to their key."""
        return fresh_token() if self.database.is_file else keys.derive("console.token").hex()


def serving_options(default_db: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The flags that both ``serve`` commands share."""
    options = [
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
        click.option("--port", type=PORT, default=APP_PORT, show_default=True, help="Port to listen on."),
        click.option(
            "--public-url",
            envvar="LIVEFEED_PUBLIC_URL",
            show_envvar=True,
            metavar="URL",
            callback=base_url,
            help="Base URL under which the portal reaches this application.  [default: http://HOST:PORT]",
        ),
        app_role_option,
        workers_option,
        click.option("--stop-with-stdin", is_flag=True, hidden=True),
        db_option(default_db),
        key_file_option,
    ]

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@app.command("serve", short_help="Serve MODULE:APP until SIGINT or SIGTERM.", epilog=SETTINGS)
@click.argument("target", metavar="MODULE:APP")
@serving_options("sqlite:///livefeed-app.db")
def serve_app(target: str, **flags: Any) -> None:  # noqa: ANN401 - click hands over every flag by name
    """Serve APP of MODULE until SIGINT or SIGTERM.

    MODULE is looked up in the working directory and in PYTHONPATH; the database is made at the first start.
    """
    serving = Serving(**flags)
    serving.run(load_app(target), serving.settings())


@notifier.command("serve", short_help="Serve it until SIGINT or SIGTERM.", epilog=SETTINGS)
@click.option(
    "--quiet-s",
    type=QUIET,
    envvar="LIVEFEED_QUIET_S",
    default=60.0,
    show_default=True,
    help="Seconds without an edit before people are told.",
)
@click.option(
    "--max-wait-s",
    type=WAIT,
    envvar="LIVEFEED_MAX_WAIT_S",
    default=300.0,
    show_default=True,
    help="Seconds after the first edit at which they are told in any case.",
)
@click.option(
    "--sweep-every",
    "sweep_every_s",
    type=PAUSE,
    envvar="LIVEFEED_SWEEP_EVERY_S",
    default=900.0,
    show_default=True,
    help="Seconds between two looks for edits of the hot window that no event told; 0: never.",
)
@click.option(
    "--sweep-all-every",
    "sweep_all_every_s",
    type=PAUSE,
    envvar="LIVEFEED_SWEEP_ALL_EVERY_S",
    default=86_400.0,
    show_default=True,
    help="Seconds between two looks at every readable post; 0: never.",
)
@click.option(
    "--hot-window",
    "hot_window_days",
    type=click.FloatRange(0, 3650),
    envvar="LIVEFEED_HOT_WINDOW_DAYS",
    default=14.0,
    show_default=True,
    help="Days since its publication for which a post is in the hot window.",
)
@click.option(
    "--offline-events",
    is_flag=True,
    envvar="LIVEFEED_OFFLINE_EVENTS",
    help="Have the portal queue changes too, and fetch them: a second channel.",
)
@serving_options("sqlite:///livefeed-notifier.db")
def serve_notifier(quiet_s: float, max_wait_s: float, **flags: Any) -> None:  # noqa: ANN401 - as above
    """Serve the notifier until SIGINT or SIGTERM; its database is made at the first start."""
    from livefeed.notifier.application import build  # not needed by an application of one's own

    sweeping = {name: flags.pop(name) for name in _SWEEPING}
    serving = Serving(**flags)
    settings = serving.settings(quiet_s=quiet_s, max_wait_s=max(max_wait_s, quiet_s), **sweeping)
    serving.run(build(settings), settings)

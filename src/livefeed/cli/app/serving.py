"""``app serve`` and ``notifier serve``: run an application."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from livefeed.app import App
from livefeed.app.server import prepared
from livefeed.cli.databases import db_option, key_file_option, key_ring
from livefeed.cli.listening import bound_socket, refuse_workers, run_until_stopped
from livefeed.cli.running import fresh_token
from livefeed.errors import SettingsError
from livefeed.notifier.application import build
from livefeed.settings import APP_PORT, AppSettings, DatabaseUrl
from livefeed.telemetry import configure_logs


def load_app(target: str) -> App:
    """Import ``MODULE:APP`` from the working directory or PYTHONPATH.

    Raises:
        SettingsError: There is no such module, or no App of that name in it.
    """
    module_name, _, attribute = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        raise SettingsError(
            f"cannot import {exc.name}; run this command where {module_name}.py lies"
        ) from exc
    found = getattr(module, attribute or "app", None)
    if not isinstance(found, App):
        raise SettingsError(f"{target} is not an App; write MODULE:NAME of a livefeed.app.App")
    return found


@click.group()
def app() -> None:
    """Serve an application of your own."""


@click.group()
def notifier() -> None:
    """Serve the notifier, which tells the participants of a discussion what changed."""


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What both ``serve`` commands are asked for."""

    host: str
    port: int
    public_url: str | None
    workers: int
    stop_with_stdin: bool
    database: DatabaseUrl
    key_file: Path | None

    def settings(self, **more: float) -> AppSettings:
        """The application's settings: these flags, then the environment."""
        return AppSettings.from_environment(
            db=str(self.database),
            key_file=None if self.key_file is None else str(self.key_file),
            public_url=self.public_url or f"http://{self.host}:{self.port}",
            environ=None,
            **more,
        )

    def run(self, loaded: App, settings: AppSettings) -> None:
        """Serve until SIGINT or SIGTERM."""
        refuse_workers(self.workers)
        configure_logs()
        keys = key_ring(self.database, self.key_file)
        token = fresh_token()
        listener = bound_socket(self.host, self.port)
        run_until_stopped(
            lambda: prepared(loaded, settings=settings, keys=keys, admin_token=token),
            database=self.database,
            listener=listener,
            admin_token=token,
            with_stdin=self.stop_with_stdin,
        )


def serving_options(default_db: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The flags that both ``serve`` commands share."""
    options = [
        click.option("--host", default="127.0.0.1", show_default=True),
        click.option("--port", default=APP_PORT, show_default=True),
        click.option("--public-url", envvar="LIVEFEED_PUBLIC_URL", help="As the portal reaches this app."),
        click.option("--workers", default=1, show_default=True, help="Processes; an SQLite file has one."),
        click.option("--stop-with-stdin", is_flag=True, hidden=True),
        db_option(default_db),
        key_file_option,
    ]

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@app.command("serve")
@click.argument("target", metavar="MODULE:APP")
@serving_options("sqlite:///livefeed-app.db")
def serve_app(target: str, **flags: Any) -> None:  # noqa: ANN401 - click hands over every flag by name
    """Serve MODULE:APP until SIGINT or SIGTERM; MODULE is looked up here and in PYTHONPATH."""
    serving = Serving(**flags)
    serving.run(load_app(target), serving.settings())


@notifier.command("serve")
@click.option(
    "--quiet-s", default=60.0, show_default=True, help="Seconds without an edit before people are told."
)
@click.option(
    "--max-wait-s", default=300.0, show_default=True, help="Seconds after which they are told anyway."
)
@serving_options("sqlite:///livefeed-notifier.db")
def serve_notifier(quiet_s: float, max_wait_s: float, **flags: Any) -> None:  # noqa: ANN401 - as above
    """Serve the notifier until SIGINT or SIGTERM."""
    if not 0 <= quiet_s <= 300:
        raise click.BadParameter("between 0 and 300 seconds", param_hint="--quiet-s")
    serving = Serving(**flags)
    settings = serving.settings(quiet_s=quiet_s, max_wait_s=max(max_wait_s, quiet_s))
    serving.run(build(settings), settings)

"""``app serve`` and ``notifier serve``: run an application."""

import importlib
import sys
from pathlib import Path

import click

from livefeed.app import App
from livefeed.cli.databases import db_option, key_file_option
from livefeed.errors import SettingsError
from livefeed.settings import APP_PORT, AppSettings, DatabaseUrl


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


@app.command("serve")
@click.argument("target", metavar="MODULE:APP")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=APP_PORT, show_default=True)
@click.option(
    "--public-url", envvar="LIVEFEED_PUBLIC_URL", default=None, help="As the portal reaches this app."
)
@click.option("--workers", default=1, show_default=True, help="Processes; an SQLite file has one.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True)
@db_option("sqlite:///livefeed-app.db")
@key_file_option
def serve_app(
    target: str,
    host: str,
    port: int,
    public_url: str | None,
    workers: int,
    stop_with_stdin: bool,
    database: DatabaseUrl,
    key_file: Path | None,
) -> None:
    """Serve MODULE:APP until SIGINT or SIGTERM; MODULE is looked up here and in PYTHONPATH."""
    settings = AppSettings.from_environment(
        db=str(database), public_url=public_url or f"http://{host}:{port}"
    )
    loaded = load_app(target)
    _serve(loaded, settings, database, key_file, host, port, workers, stop_with_stdin)


@notifier.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=APP_PORT, show_default=True)
@click.option("--public-url", envvar="LIVEFEED_PUBLIC_URL", default=None, help="As the portal reaches it.")
@click.option(
    "--quiet-s", default=60.0, show_default=True, help="Seconds without an edit before people are told."
)
@click.option(
    "--max-wait-s", default=300.0, show_default=True, help="Seconds after which they are told anyway."
)
@click.option("--workers", default=1, show_default=True, help="Processes; an SQLite file has one.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True)
@db_option("sqlite:///livefeed-notifier.db")
@key_file_option
def serve_notifier(
    host: str,
    port: int,
    public_url: str | None,
    quiet_s: float,
    max_wait_s: float,
    workers: int,
    stop_with_stdin: bool,
    database: DatabaseUrl,
    key_file: Path | None,
) -> None:
    """Serve the notifier until SIGINT or SIGTERM."""
    from livefeed.notifier.application import build

    if not 0 <= quiet_s <= 300:
        raise click.BadParameter("between 0 and 300 seconds", param_hint="--quiet-s")
    settings = AppSettings.from_environment(
        db=str(database),
        public_url=public_url or f"http://{host}:{port}",
        quiet_s=quiet_s,
        max_wait_s=max(max_wait_s, quiet_s),
    )
    _serve(build(settings), settings, database, key_file, host, port, workers, stop_with_stdin)

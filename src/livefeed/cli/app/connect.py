"""``connect``: from an empty form at a portal to the first event, step by step."""

import asyncio
import contextlib
import signal
import sys
import termios
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

import click
import uvloop
from click.core import ParameterSource

from livefeed.app import App
from livefeed.cli.app.connecting import Connection, scopes_of
from livefeed.cli.app.serving import load_app
from livefeed.cli.databases import db_option, key_file_option, key_ring
from livefeed.cli.listening import base_url
from livefeed.cli.numbers import PORT
from livefeed.cli.output import INTERRUPTED, encode, json_option
from livefeed.errors import SettingsError
from livefeed.net.listening import listening
from livefeed.secrets import Secret
from livefeed.settings import APP_PORT, AppSettings, DatabaseUrl
from livefeed.telemetry import configure_logs

T = TypeVar("T")
_EVERYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104 - looked for, not listened on
_APP_DB: Final = "sqlite:///livefeed-app.db"
_NEEDED: Final = ("LIVEFEED_PORTAL_URL", "LIVEFEED_CLIENT_ID", "LIVEFEED_CLIENT_SECRET")


@click.command(short_help="Connect an application to a portal, from the form to the first event.")
@click.argument("portal_url", metavar="URL", callback=base_url)
@click.option("--app", "target", default=None, metavar="MODULE:APP", help="Which.  [default: the notifier]")
@click.option(
    "--public-url",
    envvar="LIVEFEED_PUBLIC_URL",
    default=None,
    show_envvar=True,
    metavar="URL",
    callback=base_url,
    help=(
        "Base URL under which the portal reaches this command, and later the application.  "
        "[default for a portal on this machine: http://HOST:PORT]"
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=PORT, default=APP_PORT, show_default=True, help="Port to listen on.")
@click.option("--scope", default=None, help="Scopes, with commas.  [default: what its handlers need]")
@db_option("sqlite:///livefeed-notifier.db")
@key_file_option
@json_option
def connect(
    portal_url: str,
    target: str | None,
    public_url: str | None,
    host: str,
    port: int,
    scope: str | None,
    database: DatabaseUrl,
    key_file: Path | None,
    as_json: bool,
) -> None:
    """Connect an application to the portal at URL.

    Says what to enter at the portal, asks for the credentials that it shows then (or takes
    LIVEFEED_CLIENT_ID and LIVEFEED_CLIENT_SECRET, or two lines of stdin), proves the installation, binds the
    events, fills the archive, and shows the first event that comes. Ctrl-C ends it; what is done stays done.
    The database is the one that is served later: livefeed-app.db for MODULE:APP.
    """
    if target is not None and _is_by_default("database"):
        database = DatabaseUrl.parse(_APP_DB)
    public_url = public_url or _own_url(portal_url, host, port)
    settings = AppSettings.from_environment(
        db=database.url,
        key_file=None if key_file is None else str(key_file),
        public_url=public_url,
        portal_url=portal_url,
    )
    configure_logs("error")
    app = _loaded(target, settings)
    scopes = sorted(scope.split(",")) if scope else scopes_of(app)

    def tell(step: str, facts: Mapping[str, object]) -> None:
        _say(step, facts, as_json=as_json)

    connection = Connection(
        app=app, settings=settings, keys=key_ring(database, key_file), tell=tell, scopes=scopes
    )
    listener = listening(host, port, flag="--port")
    with listener, _terminal_kept():
        code = uvloop.run(_until_stopped(connection.run(listener, _Credentials(settings).ask)))
    if code == 0:
        words = "notifier serve" if target is None else f"app serve {target}"
        command = f"livefeed {words} --db {database} --port {port} --public-url {public_url}"
        tell("serve", {"command": command, "environment": list(_NEEDED)})
    else:
        click.echo("livefeed: stopped; what is done stays, and the same command goes on from there", err=True)
    sys.exit(code)


def _is_by_default(parameter: str) -> bool:
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.DEFAULT


def _own_url(portal_url: str, host: str, port: int) -> str:
    """Where a portal on this machine reaches this command.

    Raises:
        MissingParameter: The portal is elsewhere.
    """
    if not _is_here(urlsplit(portal_url).hostname or ""):
        raise click.MissingParameter(
            f"{portal_url} must reach this command (docs/how-to/tunnel.md).",
            param_hint="--public-url",
            param_type="option",
        )
    return f"http://{'127.0.0.1' if host in _EVERYWHERE else host}:{port}"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _loaded(target: str | None, settings: AppSettings) -> App:
    if target is not None:
        return load_app(target)
    from livefeed.notifier.application import build  # not needed by an application of one's own

    return build(settings)


async def _until_stopped(work: Awaitable[None]) -> int:
    """0 when the work is done; 130 when somebody stopped it."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return INTERRUPTED
    return 0


@dataclass(frozen=True, slots=True)
class _Credentials:
    """The application's id and secret: of the environment, of a terminal, or the first lines of stdin."""

    settings: AppSettings

    async def ask(self) -> tuple[str, Secret]:
        """Ask, while the loop goes on."""
        given = self.settings
        if given.client_id and given.client_secret.reveal():
            return given.client_id, given.client_secret
        return await _in_thread(self._read)

    def _read(self) -> tuple[str, Secret]:
        if sys.stdin.isatty():
            client_id = click.prompt("Application ID (client_id)", err=True)
            return str(client_id).strip(), Secret(click.prompt("Application key", hide_input=True, err=True))
        client_id, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
        if not client_id or not secret:
            raise SettingsError(
                "stdin ended before client_id and secret; set LIVEFEED_CLIENT_ID and LIVEFEED_CLIENT_SECRET"
            )
        return client_id, Secret(secret)


async def _in_thread(read: Callable[[], T]) -> T:
    """What ``read`` returns; nothing waits for a thread that waits for somebody to type."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # pyright: ignore[reportArgumentType] - without an error it is there

    def run() -> None:
        result, error = None, None
        try:
            result = read()
        except BaseException as exc:  # noqa: BLE001 - it is raised where it is waited for
            error = exc if isinstance(exc, Exception) else SettingsError("nothing was entered")
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="credentials", daemon=True).start()
    return await future


@contextlib.contextmanager
def _terminal_kept() -> Generator[None]:
    """A terminal that was asked for a secret, and was not answered, shows again what is typed."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _say(step: str, facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(encode({"step": step, **facts}))
    elif step == "form":
        fields = facts["fields"]
        assert isinstance(fields, dict), "the form has fields"
        click.echo("Applications → Developer resources → Other → Local application:")
        for name, value in fields.items():  # pyright: ignore[reportUnknownVariableType] - of the form
            click.echo(f"  {name:<32} {value}")
        click.echo("Save it; then the portal shows an Application ID and an Application key.")
    else:
        click.echo(f"{step:<14} " + "  ".join(f"{name}: {_told(value)}" for name, value in facts.items()))


def _told(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[object]", value)) or "none"
    return "–" if value in {None, ""} else str(value)

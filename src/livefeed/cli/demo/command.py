"""``demo``: a portal with a seeded company and the notifier, as two processes, installed over HTTP."""

import signal
import sys
import threading
import webbrowser
from pathlib import Path

import click

from livefeed.cli.demo.certificates import certificates
from livefeed.cli.demo.house import House
from livefeed.cli.demo.processes import Stopped
from livefeed.cli.demo.state import DemoState
from livefeed.cli.numbers import PORT, QUIET
from livefeed.cli.output import INTERRUPTED, encode
from livefeed.net.listening import listening
from livefeed.settings import APP_PORT, PORTAL_PORT


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
@click.option("--no-browser", is_flag=True, help="Do not open the scene in a browser.")
def demo(
    data: Path, port: int, app_port: int, quiet_s: float, tls: bool, as_json: bool, no_browser: bool
) -> None:
    """Start portal and notifier with a seeded company; Ctrl-C stops both, the data stays."""
    if port == app_port:
        raise click.BadParameter(f"{port} is the portal's --port already", param_hint="--app-port")
    data.mkdir(parents=True, exist_ok=True)
    for wanted, flag in ((port, "--port"), (app_port, "--app-port")):
        listening("127.0.0.1", wanted, flag=flag).close()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    house = House(data, port, app_port, quiet_s, certificates(data.resolve()) if tls else None)
    try:
        try:
            state = house.start(stop)
            _greet(house, state, as_json=as_json)
            if not no_browser and not as_json:
                webbrowser.open(f"{house.portal_url}/scene")
            while not stop.wait(0.2):
                house.fail_if_dead()
        finally:
            house.stop()
    except Stopped as exc:  # told when both are silent
        click.echo(f"livefeed: {exc}; the same command goes on from there", err=True)
        sys.exit(INTERRUPTED)


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
        "scene_url": f"{house.portal_url}/scene",
        "feed_url": f"{house.portal_url}/",
        "developer_url": f"{house.portal_url}/developer/",
        "app_url": house.app_url,
        "console_url": house.console_url,
        "member_id": state.member_id,
        "admin_webhook_url": people[0]["webhook_url"],
        "people": people,
        "posts": state.posts,
        "app": {"client_id": state.client_id, "installed": True},
    }
    if as_json:
        click.echo(encode(document))
        return
    click.echo(f"\n  Scene       {document['scene_url']}   the way of one event, step by step")
    click.echo(f"  Feed        {document['feed_url']}")
    click.echo(f"  Developers  {document['developer_url']}")
    click.echo(f"  Console     {document['console_url']}")
    click.echo(f"  REST        {document['admin_webhook_url']}   as {state.people[0].name}, an administrator")
    click.echo("\n  People: one click away on the pages, or signed in with login and password.")
    for person in state.people:
        click.echo(f"    {person.name:<22} {person.login:<10} {person.password or ''}".rstrip())
    click.echo("\n  Edit a post as one of them and look at the bell of another. Ctrl-C stops everything.\n")

"""Commands that change a portal: through the running half, or through the file if nothing runs."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from livefeed.cli.databases import (
    FOUNDING,
    PORTAL_DB,
    db_option,
    key_file_option,
    key_ring,
    portal_option,
    require,
)
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import Later, json_option, print_document
from livefeed.cli.running import find_running, operate
from livefeed.clock import SystemClock
from livefeed.durable.store import open_store
from livefeed.portal import portals
from livefeed.portal.admin import Admin
from livefeed.portal.portals import Directory
from livefeed.rooms import PORTAL
from livefeed.settings import DatabaseUrl


def perform(
    database: DatabaseUrl, key_file: Path | None, operation: str, arguments: Mapping[str, object]
) -> dict[str, object]:
    """Do one administrator's operation and return its document.

    Raises:
        SettingsError: There is no such database.
        LivefeedError: The operation was refused; the message says why.
    """
    require(database, hint=FOUNDING)
    given = {name: value for name, value in arguments.items() if value is not None}
    running = find_running(database)
    if running is not None:
        return operate(running, operation, given)
    return asyncio.run(_perform_in_file(database, key_file, operation, given))


async def _perform_in_file(
    database: DatabaseUrl, key_file: Path | None, operation: str, arguments: Mapping[str, object]
) -> dict[str, object]:
    keys = key_ring(database, key_file)
    clock = SystemClock()
    store = open_store(database, PORTAL, clock, create=False)
    try:
        await store.write(lambda tx: portals.check_key(tx, keys))
        admin = Admin(store=store, keys=keys, clock=clock, directory=await Directory.load(store))
        return dict(await admin.run(operation, arguments))
    finally:
        await store.close()


@click.group(
    cls=Later,
    later={"payment": "livefeed.cli.portal.payments:set_payment"},
    short_help="Register, update, open and remove applications.",
)
def app() -> None:
    """Register, finish, update, open, rotate and remove applications."""


@app.command("add", short_help="Register a local application.")
@click.option("--name", required=True, help="Shown to people.")
@click.option("--handler-url", default=None, help="The application's own page or event handler.")
@click.option("--install-url", default=None, help="Where ONAPPINSTALL is sent, or the installer's page.")
@click.option("--redirect-uri", default=None, help="Where OAuth codes are sent; without it they are shown.")
@click.option("--scope", default="log,user,im", show_default=True, help="Scopes, separated by commas.")
@click.option("--interface", is_flag=True, help="Has pages: its events are withheld until `app finish`.")
@click.option(
    "--auth-keys",
    type=click.Choice(["documented", "extended", "minimal"]),
    default="documented",
    show_default=True,
    help="Which keys the auth block of its events has.",
)
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def add_app(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Register a local application, as user 1; its secrets are shown once."""
    document = perform(database, key_file, "app_add", {**given, "portal": member_id})
    print_document(document, as_json=as_json)


@app.command("finish", short_help="Finish an installation.")
@click.argument("client_id")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def finish_app(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, client_id: str
) -> None:
    """Finish the installation of an application with pages; its events are withheld until then."""
    document = perform(database, key_file, "app_finish", {"client_id": client_id, "portal": member_id})
    print_document(document, as_json=as_json)


@app.command("update", short_help="Give an application another version.")
@click.argument("client_id")
@click.option("--version", required=True, help="What its maker calls the version: 2.0.0.")
@click.option("--handler-url", default=None, help="Its page, if it is another one now.")
@click.option("--install-url", default=None, help="Its installer, if it is another one now.")
@click.option("--scope", default=None, help="Scopes, separated by commas, if they are others now.")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def update_app(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Give an application another version: its handlers and widgets are gone, and it is told (ONAPPUPDATE).

    One with an installer's page is withheld until that page has finished the installation again.
    """
    document = perform(database, key_file, "app_update", {**given, "portal": member_id})
    print_document(document, as_json=as_json)


@app.command("reinstall", short_help="Install an application anew.")
@click.argument("client_id")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def reinstall_app(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, client_id: str
) -> None:
    """Install an application anew: its handlers and widgets are gone, its settings stay.

    One with pages is withheld until its installer has finished; another gets ONAPPINSTALL at once.
    """
    document = perform(database, key_file, "app_reinstall", {"client_id": client_id, "portal": member_id})
    print_document(document, as_json=as_json)


@app.command("remove", short_help="Uninstall an application.")
@click.argument("client_id")
@click.option("--clean", is_flag=True, help="Ask the application to delete its data too (CLEAN=1).")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def remove_app(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    client_id: str,
    clean: bool,
) -> None:
    """Uninstall an application: its handlers and tokens are dead at once."""
    arguments = {"client_id": client_id, "clean": clean, "portal": member_id}
    print_document(perform(database, key_file, "app_remove", arguments), as_json=as_json)


@app.command("open", short_help="Show what its page would be handed.")
@click.argument("client_id")
@click.option("--user", type=NUMBER, default=1, show_default=True, help="User id of who opens it.")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def open_app(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    client_id: str,
    user: int,
) -> None:
    """Show what the application's page would be handed if USER opened it: fresh tokens of that person."""
    arguments = {"client_id": client_id, "user": user, "portal": member_id}
    print_document(perform(database, key_file, "app_open", arguments), as_json=as_json)


@app.command("rotate")
@click.argument("client_id")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def rotate_app(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, client_id: str
) -> None:
    """Give an application a new client secret; it is shown once.

    Its tokens end at once, and it is installed anew: start it with the new secret.
    """
    document = perform(database, key_file, "app_rotate", {"client_id": client_id, "portal": member_id})
    print_document(document, as_json=as_json)


@click.command("edit", short_help="Edit a post.")
@click.argument("post", type=NUMBER)
@click.option("--text", required=True, help="The new text, with BB codes.")
@click.option("--title", default=None, help="A new title; without it the title stays.")
@click.option("--user", type=NUMBER, default=None, help="User id of who edits.  [default: 1]")
@click.option("--as-automation", is_flag=True, help="No person edits: the event carries no tokens.")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def edit_post(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Edit POST: its text, and its title if one is given; its recipients stay.

    This is an administrator's command: whether that user may edit the post is not asked.
    """
    if given["user"] is not None and given["as_automation"]:
        raise click.UsageError("--user and --as-automation exclude each other")
    document = perform(database, key_file, "edit_post", {**given, "portal": member_id})
    print_document(document, as_json=as_json)

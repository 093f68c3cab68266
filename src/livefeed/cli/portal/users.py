"""``portal user``: take people in, show them, give them another password, dismiss them."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option, portal_option
from livefeed.cli.halves import read
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.cli.portal.changing import perform
from livefeed.cli.portal.reading import member_of
from livefeed.durable.store import Tx
from livefeed.portal.people import people
from livefeed.portal.people.people import Person
from livefeed.rooms import PORTAL
from livefeed.settings import DatabaseUrl

Command = TypeVar("Command", bound=Callable[..., object])

_SHOWN = ("id", "login", "name", "position", "admin", "active")

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; without it one is made."
)


def on_portal(command: Command) -> Command:
    """The options of a command that changes a portal."""
    return portal_option(db_option(PORTAL_DB)(key_file_option(json_option(command))))


@click.group()
def user() -> None:
    """Take people in, list them, change passwords, dismiss them."""


@user.command("add", short_help="Take a person in.")
@click.argument("login")
@click.option("--first-name", default=None, help="First name.")
@click.option("--last-name", default=None, help="Last name.")
@click.option("--email", default=None, help="Address for mail.")
@click.option("--position", default=None, help="What the person does in the company.")
@click.option("--department", type=NUMBER, default=1, show_default=True, help="Where the person works.")
@click.option(
    "--language", type=click.Choice(["en", "ru"]), default="en", show_default=True, help="Of pages."
)
@click.option("--admin", is_flag=True, help="The person administers the portal.")
@password_option
@on_portal
def add_user(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    password_stdin: bool,
    **given: object,
) -> None:
    """Take a person in, who signs in with LOGIN; the password is shown once."""
    arguments = {**given, "password": _password(password_stdin), "portal": member_id}
    print_document(perform(database, key_file, "user_add", arguments), as_json=as_json)


@user.command("password", short_help="Give a person another password.")
@click.argument("name", metavar="USER")
@password_option
@on_portal
def set_password(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    password_stdin: bool,
    name: str,
) -> None:
    """Give USER, a login or a user id, another password; it is shown once, and ends every session."""
    arguments: Mapping[str, object] = {
        "user": name,
        "password": _password(password_stdin),
        "portal": member_id,
    }
    print_document(perform(database, key_file, "user_password", arguments), as_json=as_json)


@user.command("list", short_help="Show who works here.")
@portal_option
@db_option(PORTAL_DB)
@json_option
def list_users(database: DatabaseUrl, member_id: str | None, as_json: bool) -> None:
    """Show the people of a portal, dismissed ones too."""

    def query(tx: Tx) -> list[dict[str, object]]:
        return [_row(one) for one in people.select(tx, member_of(tx, member_id))]

    print_rows(read(database, (PORTAL,), query), _SHOWN, as_json=as_json)


@user.command("dismiss", short_help="Let a person go.")
@click.argument("name", metavar="USER")
@on_portal
def dismiss_user(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, name: str
) -> None:
    """Let USER, a login or a user id, go: sessions, tokens and webhooks are dead at once."""
    arguments = {"user": name, "portal": member_id}
    print_document(perform(database, key_file, "user_dismiss", arguments), as_json=as_json)


def _row(one: Person) -> dict[str, object]:
    return {
        "id": one.id,
        "login": one.login,
        "name": one.display_name,
        "position": one.position,
        "admin": one.is_admin,
        "active": one.is_active,
    }


def _password(is_given: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if is_given else None

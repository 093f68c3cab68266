"""``portal webhook``: make, show, change, regenerate and remove webhooks, incoming and outgoing."""

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
from livefeed.portal.apps.webhooks import Incoming
from livefeed.portal.events import handlers
from livefeed.portal.webhooks import managing
from livefeed.portal.webhooks.managing import Webhook
from livefeed.portal.webhooks.wishes import last_day
from livefeed.rooms import PORTAL
from livefeed.settings import DatabaseUrl

Command = TypeVar("Command", bound=Callable[..., object])

_SHOWN = ("id", "kind", "name", "user", "scope", "expires", "url", "events")


def _on_portal(command: Command) -> Command:
    """The options of a command that changes a portal."""
    return portal_option(db_option(PORTAL_DB)(key_file_option(json_option(command))))


def _do(
    operation: str,
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    arguments: Mapping[str, object],
) -> None:
    document = perform(database, key_file, operation, {**arguments, "portal": member_id})
    print_document(document, as_json=as_json)


def _by(words: str) -> Callable[[Command], Command]:
    return click.option("--user", type=NUMBER, default=1, show_default=True, help=words)


_taker_option = _by("User id of who does it; somebody else's webhook becomes his, if he is an administrator.")
_doer_option = _by("User id of who does it: whose webhook it is, or an administrator.")


@click.group()
def webhook() -> None:
    """Make, list, change, regenerate and remove webhooks.

    An incoming webhook is a URL that calls methods with one person's rights. An outgoing one is an address
    that is sent events. Both are numbered together.
    """


@webhook.command("add", short_help="Make an incoming webhook.")
@click.option("--user", type=NUMBER, required=True, help="User id of whose rights it has.")
@click.option("--scope", default="log,im,user", show_default=True, help="Scopes, separated by commas.")
@click.option("--name", default="", help="What people call it.")
@click.option("--expires", default="", metavar="DATE", help="Last day on which it works, in UTC: 2026-12-31.")
@_on_portal
def add_incoming(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Make an incoming webhook; its URL is a secret and shown once."""
    _do("webhook_add", database, key_file, member_id, as_json, given)


@webhook.command("change", short_help="Change an incoming webhook.")
@click.argument("id", type=NUMBER)
@click.option("--scope", default=None, help="Scopes, separated by commas.")
@click.option("--name", default=None, help="What people call it.")
@click.option("--expires", default=None, metavar="DATE|never", help="Last day on which it works, in UTC.")
@_taker_option
@_on_portal
def change_incoming(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    expires: str | None,
    **given: object,
) -> None:
    """Change the incoming webhook ID; what is not given stays.

    A webhook that was somebody else's gets another URL, which is shown once.
    """
    until = "" if expires == "never" else expires
    _do("webhook_change", database, key_file, member_id, as_json, {**given, "expires": until})


@webhook.command("regenerate", short_help="Give a webhook another secret.")
@click.argument("id", type=NUMBER)
@_taker_option
@_on_portal
def regenerate(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Give the webhook ID another secret, which is shown; the old one is dead at once.

    Who does it owns the webhook from then on: an incoming one has his rights.
    """
    _do("webhook_regenerate", database, key_file, member_id, as_json, given)


@webhook.command("remove", short_help="Remove a webhook.")
@click.argument("id", type=NUMBER)
@_doer_option
@_on_portal
def remove(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Remove the webhook ID: its secret is dead at once, and what waits for its address is dropped."""
    _do("webhook_remove", database, key_file, member_id, as_json, given)


@webhook.command("list", short_help="Show webhooks.")
@click.option("--user", type=NUMBER, default=None, help="Only those of this user id.")
@portal_option
@db_option(PORTAL_DB)
@json_option
def list_webhooks(database: DatabaseUrl, member_id: str | None, user: int | None, as_json: bool) -> None:
    """Show the webhooks of a portal, without their secrets."""

    def query(tx: Tx) -> list[dict[str, object]]:
        found = managing.listed(tx, member_of(tx, member_id), None)
        return [_row(tx, one) for one in found if user in (None, one.person)]

    print_rows(read(database, (PORTAL,), query), _SHOWN, as_json=as_json)


def _row(tx: Tx, one: Webhook) -> dict[str, object]:
    shared = {"id": one.id, "name": one.name, "user": one.person}
    if isinstance(one, Incoming):
        own = {"kind": "incoming", "scope": ",".join(one.scopes), "expires": last_day(one.expires_at) or None}
        return {**shared, **own, "url": None, "events": None, "handlers": None}
    bound = {handler.event: handler.id for handler in handlers.bound_of_webhook(tx, one)}
    own = {"kind": "outgoing", "scope": None, "expires": None, "url": one.url}
    return {**shared, **own, "events": ",".join(bound), "handlers": bound}


@webhook.group("outgoing", short_help="Make, change and show outgoing webhooks.")
def outgoing() -> None:
    """Make, change and show outgoing webhooks; the commands above list, regenerate and remove them."""


_event_option = click.option(
    "--event",
    "events",
    multiple=True,
    metavar="EVENT",
    help="An event that is sent, such as OnLiveFeedPostUpdate; several times for several.",
)


@outgoing.command("add", short_help="Make an outgoing webhook.")
@click.option("--user", type=NUMBER, required=True, help="User id of whose webhook it is.")
@click.option("--url", required=True, help="Where the events are sent.")
@_event_option
@click.option("--name", default="", help="What people call it.")
@_on_portal
def add_outgoing(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    events: tuple[str, ...],
    **given: object,
) -> None:
    """Make an outgoing webhook; the address proves what it is sent by the application_token shown."""
    _do("outgoing_add", database, key_file, member_id, as_json, {**given, "events": list(events)})


@outgoing.command("change", short_help="Change an outgoing webhook.")
@click.argument("id", type=NUMBER)
@click.option("--url", default=None, help="Where the events are sent, those that wait too.")
@_event_option
@click.option("--name", default=None, help="What people call it.")
@_taker_option
@_on_portal
def change_outgoing(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    events: tuple[str, ...],
    **given: object,
) -> None:
    """Change the outgoing webhook ID; what is not given stays.

    A webhook that was somebody else's gets another application_token.
    """
    arguments = {**given, "events": list(events) or None}
    _do("outgoing_change", database, key_file, member_id, as_json, arguments)


@outgoing.command("show", short_help="Show an outgoing webhook with its token.")
@click.argument("id", type=NUMBER)
@_doer_option
@_on_portal
def show_outgoing(
    database: DatabaseUrl, key_file: Path | None, member_id: str | None, as_json: bool, **given: object
) -> None:
    """Show the outgoing webhook ID with its application_token, which is a secret."""
    _do("outgoing_show", database, key_file, member_id, as_json, given)

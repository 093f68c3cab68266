"""``portal events|deliveries|why``: what happened to each event; reads the database, changes nothing."""

from typing import Literal

import click
import msgspec

from livefeed.cli.databases import PORTAL_DB, db_option, portal_option
from livefeed.cli.halves import read
from livefeed.cli.moments import since_option
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.clock import SystemClock
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.portal import portals
from livefeed.portal.events.deliveries import list_deliveries, list_events
from livefeed.portal.events.why import why as explain
from livefeed.rooms import PORTAL
from livefeed.settings import DatabaseUrl
from livefeed.ui.languages import LANGUAGES, told
from livefeed.wire.ids import MemberId

STATES = ("waiting", "leased", "backing_off", "delivered", "dead", "withheld", "expired")
DELIVERY = ("seq", "handler", "post", "attempt", "webhook_id", "sent_at", "status", "error", "ms", "state")


def member_of(tx: Tx, member_id: str | None) -> MemberId:
    """The portal that was named, or the default one.

    Raises:
        SettingsError: There is no such portal.
    """
    row = portals.default(tx) if member_id is None else portals.find(tx, member_id)
    if row is None:
        named = "no portal" if member_id is None else f"no portal {member_id!r}"
        raise SettingsError(f"there is {named} in this database; `livefeed portal init` makes one")
    return row.member_id


@click.command()
@click.option("--post", type=NUMBER, default=None, help="Only this post.")
@since_option
@portal_option
@db_option(PORTAL_DB)
@json_option
def events(
    database: DatabaseUrl, member_id: str | None, post: int | None, since_ms: int | None, as_json: bool
) -> None:
    """Show the events of the queue, newest last."""
    rows = read(
        database,
        (PORTAL,),
        lambda tx: list_events(tx, portal=member_of(tx, member_id), post=post, since_ms=since_ms),
    )
    print_rows(
        (msgspec.to_builtins(row) for row in rows), ("seq", "event", "post", "at", "source"), as_json=as_json
    )


@click.command()
@click.option("--post", type=NUMBER, default=None, help="Only this post.")
@click.option("--handler", type=NUMBER, default=None, help="Only this event_handler_id.")
@since_option
@click.option("--state", type=click.Choice(STATES), default=None, help="Only in this state.")
@portal_option
@db_option(PORTAL_DB)
@json_option
def deliveries(
    database: DatabaseUrl,
    member_id: str | None,
    post: int | None,
    handler: int | None,
    since_ms: int | None,
    state: Literal["waiting", "leased", "backing_off", "delivered", "dead", "withheld", "expired"] | None,
    as_json: bool,
) -> None:
    """Show deliveries, one line an attempt."""
    rows = read(
        database,
        (PORTAL,),
        lambda tx: list_deliveries(
            tx, portal=member_of(tx, member_id), post=post, handler=handler, since_ms=since_ms, state=state
        ),
    )
    print_rows((msgspec.to_builtins(row) for row in rows), DELIVERY, as_json=as_json)


@click.command(short_help="Say in one sentence why nothing arrived.")
@click.option("--post", type=NUMBER, required=True, help="The post that was edited.")
@click.option("--handler", type=NUMBER, required=True, help="The event_handler_id that heard nothing.")
@portal_option
@db_option(PORTAL_DB)
@json_option
def why(database: DatabaseUrl, member_id: str | None, post: int, handler: int, as_json: bool) -> None:
    """Say in one sentence why there was no delivery, or what became of it."""
    words = read(
        database,
        (PORTAL,),
        lambda tx: explain(
            tx, portal=member_of(tx, member_id), post=post, handler=handler, now_ms=SystemClock().now_ms()
        ),
    )
    sentence = told(words, LANGUAGES[0])
    if as_json:
        print_document({"post": post, "handler": handler, "why": sentence}, as_json=True)
    else:
        click.echo(sentence)

"""``portal resend``: send events to a handler again."""

from pathlib import Path
from typing import cast

import click

from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option, portal_option
from livefeed.cli.moments import since_option
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document
from livefeed.cli.portal.changing import perform
from livefeed.settings import DatabaseUrl


@click.command(short_help="Send events to a handler again.")
@click.option("--handler", type=NUMBER, required=True, help="The event_handler_id they go to.")
@click.option("--seq", type=NUMBER, default=None, help="One event, by its number in the queue.")
@since_option
@click.option("--only-missing", is_flag=True, help="With --since: only what was not delivered.")
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def resend(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    handler: int,
    seq: int | None,
    since_ms: int | None,
    only_missing: bool,
) -> None:
    """Send one event (--seq), or every event since a moment (--since), to a handler again.

    Each goes out in the order of its post, after what waits already, under the same webhook-id as the first
    time, so that a receiver can tell that it has had it.
    """
    if (seq is None) == (since_ms is None):
        raise click.UsageError("name either --seq or --since")
    arguments = {
        "handler": handler,
        "seq": seq,
        "since_ms": None if since_ms is None else max(since_ms, 0),
        "only_missing": only_missing or None,
        "portal": member_id,
    }
    document = perform(database, key_file, "resend", arguments)
    count = cast("int", document["resent"])
    while not document["done"]:
        document = perform(database, key_file, "resend", {**arguments, "after": document["through"]})
        count += cast("int", document["resent"])
    print_document({"handler": handler, "resent": count, "seq": document["seq"]}, as_json=as_json)

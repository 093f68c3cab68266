"""``portal app payment``: what is paid for an application, and until when."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option, portal_option
from livefeed.cli.output import json_option, print_document
from livefeed.cli.portal.changing import perform
from livefeed.settings import DatabaseUrl


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Read an ISO 8601 moment; without an offset it is local time."""
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).astimezone().isoformat()
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(f"{value!r} is not a moment such as 2026-12-31T23:59:59+01:00") from exc


@click.command("payment", short_help="Say what is paid for an application.")
@click.argument("client_id")
@click.option(
    "--status",
    type=click.Choice(["L", "F", "D", "T", "P"]),
    default="P",
    show_default=True,
    help="L local, F free, D demo, T trial, P paid.",
)
@click.option(
    "--until", default=None, metavar="ISO8601", callback=_moment, help="When that is over; without it, never."
)
@portal_option
@db_option(PORTAL_DB)
@key_file_option
@json_option
def set_payment(
    database: DatabaseUrl,
    key_file: Path | None,
    member_id: str | None,
    as_json: bool,
    client_id: str,
    status: Literal["L", "F", "D", "T", "P"],
    until: str | None,
) -> None:
    """Say what is paid for an application; when that is over it gets no tokens (PAYMENT_REQUIRED)."""
    arguments = {"client_id": client_id, "status": status, "until": until, "portal": member_id}
    print_document(perform(database, key_file, "app_payment", arguments), as_json=as_json)

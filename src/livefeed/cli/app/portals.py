"""``app portals`` and ``app confirm``: who has the application, and who waits for a confirmation."""

from typing import Any

import click

from livefeed.app.installs import admission, registry
from livefeed.cli.databases import NOTIFIER_DB, db_option
from livefeed.cli.halves import APPLICATION, read
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.cli.running import find_running, operate
from livefeed.client import vault
from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl

PORTALS = ("member_id", "state", "domain", "quarantined", "tokens")


@click.command(short_help="Show the portals, and how their tokens are.")
@db_option(NOTIFIER_DB)
@json_option
def portals(database: DatabaseUrl, as_json: bool) -> None:
    """Show the portals of an application: state, installations that wait for a confirmation, tokens' health.

    Tokens are shown by how they are, never by what they are.
    """
    rows = read(database, APPLICATION, _rows)
    if not as_json:
        rows = [
            {**row, "quarantined": "waits" if row["quarantined"] else None, "tokens": _told(row["tokens"])}
            for row in rows
        ]
    print_rows(rows, PORTALS, as_json=as_json)


@click.command(short_help="Confirm an installation in quarantine.")
@click.argument("member_id")
@db_option(NOTIFIER_DB)
@json_option
def confirm(database: DatabaseUrl, member_id: str, as_json: bool) -> None:
    """Vouch for the installation of portal MEMBER_ID that would replace a known one's application_token.

    The old application_token counts for a day more. The application must be running.
    """
    running = find_running(database)
    if running is None:
        raise SettingsError(f"no application runs on {database}; start it and come again")
    print_document(operate(running, "install_confirm", {"member_id": member_id}), as_json=as_json)


def _told(tokens: list[dict[str, Any]]) -> str:
    """How each person's are, on one line."""
    return "; ".join(
        f"user {one['user_id']}: {one['state']}, to be renewed by {one['refresh_by']}" for one in tokens
    )


def _rows(tx: Tx) -> list[dict[str, Any]]:
    installs = {one.member_id: one for one in registry.every(tx)}
    waiting = set(admission.quarantined(tx))
    rows: list[dict[str, Any]] = []
    for member_id in sorted({*installs, *waiting}):
        install = installs.get(member_id)
        rows.append(
            {
                "member_id": member_id,
                "state": "unknown" if install is None else install.state,
                "domain": "" if install is None else install.domain,
                "quarantined": member_id in waiting,
                "tokens": [
                    {
                        "user_id": pair.user_id,
                        "state": pair.state,
                        "received_at": iso(pair.received_at),
                        "refresh_by": iso(pair.received_at + vault.KEEP_ALIVE_S * 1000),
                    }
                    for pair in vault.health(tx, member_id)
                ],
            }
        )
    return rows

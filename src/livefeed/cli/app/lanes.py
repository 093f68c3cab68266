"""``lanes``: what has still to be done, and what failed tried at once."""

import asyncio
from typing import Final

import click
from click.core import ParameterSource

from livefeed.app.handling.hurrying import hurry
from livefeed.app.inbox import post_key
from livefeed.app.rounds import is_round
from livefeed.cli.databases import NOTIFIER_DB, db_option
from livefeed.cli.halves import APPLICATION, EITHER, read, writable
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.cli.running import find_running, operate
from livefeed.clock import iso
from livefeed.durable.consumers import list_consumers
from livefeed.durable.lanes import LaneRow, list_lanes
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import PostId

LANES: Final = ("portal", "consumer", "key", "state", "attempt", "since", "due_at")


@click.group(invoke_without_command=True)
@click.option(
    "--limit", type=NUMBER, default=1000, show_default=True, help="At most so many rows, the next due first."
)
@db_option(NOTIFIER_DB)
@json_option
@click.pass_context
def lanes(ctx: click.Context, database: DatabaseUrl, limit: int, as_json: bool) -> None:
    """Show what is waiting, leased or backing off; "nothing to show" means that nothing is pending."""
    if ctx.invoked_subcommand is not None:
        given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        if given:
            raise click.UsageError(f"write options after {ctx.invoked_subcommand}", ctx)
        return
    rows = read(database, EITHER, lambda tx: list_lanes(tx, limit=limit))
    rows = [row for row in rows if not (is_round(row.key) and row.state == "waiting")]
    print_rows(map(_lane, rows), LANES, as_json=as_json)


def _lane(row: LaneRow) -> dict[str, object]:
    """``consumer`` is its name: ``inbox``, ``bell``, ``handler:<event_handler_id>``, ``install:<app>``."""
    return {
        "portal": row.portal,
        "consumer": row.name,
        "key": row.key,
        "state": row.state,
        "attempt": row.attempt,
        "since": iso(row.first_at_ms),
        "due_at": iso(row.due_at_ms),
    }


@lanes.command("retry", short_help="Try at once what failed and waits for its next try.")
@click.option("--post", type=NUMBER, default=None, help="Only what is about this post.")
@click.option("--key", default=None, help="Only what is about this, as `livefeed lanes` names it.")
@click.option("--portal", default=None, metavar="MEMBER_ID", help="Only of this portal.")
@db_option(NOTIFIER_DB)
@json_option
def retry(
    database: DatabaseUrl, post: PostId | None, key: str | None, portal: str | None, as_json: bool
) -> None:
    """Try at once what an application could not do, and what waits for its next try: you have mended why.

    Its handlers are called as soon as the application runs; the tries that were made still count, so that
    what fails again waits as long as it would have. Nothing that waits for a quiet time is hurried.
    """
    if post is not None and key is not None:
        raise click.UsageError("--post and --key exclude each other")
    about = key if post is None else post_key(post)
    read(database, APPLICATION, lambda tx: _check(tx, portal))  # refused here, if it is no application's
    running = find_running(database)
    if running is not None:
        document = operate(running, "lanes_retry", {"portal": portal, "key": about})
    else:
        with writable(database) as store:
            document = {"retried": asyncio.run(_retry(store, portal, about))}
    print_document(document, as_json=as_json)


def _check(tx: Tx, portal: str | None) -> None:
    if portal is not None and not list_consumers(tx, portal=portal):
        raise SettingsError(f"there is no portal {portal!r} in this database; see: livefeed app portals")


async def _retry(store: Store, portal: str | None, key: str | None) -> int:
    try:
        return await hurry(store, portal=portal, key=key)
    finally:
        await store.close()

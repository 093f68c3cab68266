"""``portal``: host a News Feed, and see what became of each event."""

import asyncio
from pathlib import Path
from typing import Literal

import click

from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option, key_ring, require
from livefeed.cli.listening import bound_socket, refuse_workers, run_until_stopped
from livefeed.cli.output import json_option, print_document
from livefeed.cli.portal.changing import app, edit_post, webhook
from livefeed.cli.portal.reading import deliveries, events, why
from livefeed.cli.running import fresh_token
from livefeed.settings import PORTAL_PORT, DatabaseUrl
from livefeed.telemetry import configure_logs


@click.group()
def portal() -> None:
    """Host a News Feed: people, posts, applications and an event queue."""


for command in (app, webhook, edit_post, events, deliveries, why):
    portal.add_command(command)


@portal.command()
@click.option("--seed", type=click.Choice(["demo", "empty"]), default="demo", show_default=True)
@click.option(
    "--public-url", default=f"http://127.0.0.1:{PORTAL_PORT}", show_default=True, help="As apps see it."
)
@click.option("--name", default="Livefeed", show_default=True, help="Name of the company.")
@db_option(PORTAL_DB)
@key_file_option
@json_option
def init(
    database: DatabaseUrl,
    key_file: Path | None,
    seed: Literal["demo", "empty"],
    public_url: str,
    name: str,
    as_json: bool,
) -> None:
    """Make a portal in a database; in one that has a portal already, add another for its own --public-url."""
    from livefeed.cli.portal.founding import found_portal

    founded = asyncio.run(found_portal(database, key_ring(database, key_file), seed, public_url, name))
    document = {"member_id": founded.member_id, "admin_webhook_url": founded.people[0].webhook_url}
    print_document(document, as_json=as_json)


@portal.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=PORTAL_PORT, show_default=True)
@click.option("--public-url", default=None, help="As apps see the default portal; default: as it was made.")
@click.option("--policy", type=click.Choice(["durable", "bitrix24"]), default="durable", show_default=True)
@click.option("--allow-private", is_flag=True, help="Deliver to addresses that are not public, too.")
@click.option("--max-body", default=32 * 1024 * 1024, show_default=True, help="Largest REST body, bytes.")
@click.option("--workers", default=1, show_default=True, help="Processes; an SQLite file has one.")
@click.option("--demo", is_flag=True, hidden=True, help="People can be chosen on the feed page.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True)
@db_option(PORTAL_DB)
@key_file_option
def serve(
    database: DatabaseUrl,
    key_file: Path | None,
    host: str,
    port: int,
    public_url: str | None,
    policy: Literal["durable", "bitrix24"],
    allow_private: bool,
    max_body: int,
    workers: int,
    demo: bool,
    stop_with_stdin: bool,
) -> None:
    """Serve the portals of a database until SIGINT or SIGTERM."""
    from livefeed.cli.portal.composition import prepared_portal
    from livefeed.portal.server import PortalOptions

    refuse_workers(workers)
    require(database, hint="make it with: livefeed portal init")
    configure_logs()
    token = fresh_token()
    options = PortalOptions(
        policy=policy,
        allow_private=allow_private,
        max_body_bytes=max_body,
        is_demo=demo,
        admin_token=token,
    )
    keys = key_ring(database, key_file)
    run_until_stopped(
        lambda: prepared_portal(database, keys, options, public_url),
        database=database,
        listener=bound_socket(host, port),
        admin_token=token,
        with_stdin=stop_with_stdin,
    )

"""``portal``: host a News Feed, and see what became of each event."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from livefeed.cli.databases import FOUNDING, PORTAL_DB, db_option, key_file_option, key_ring, require
from livefeed.cli.listening import base_url, bound_sockets, run_until_stopped, url_of
from livefeed.cli.numbers import NUMBER, PORT
from livefeed.cli.output import Later, json_option, print_document
from livefeed.cli.running import fresh_token
from livefeed.cli.serve.roles import check_processes, portal_role_option, workers_option
from livefeed.cli.tls import cert_option, key_option, usable
from livefeed.settings import PORTAL_PORT, DatabaseUrl, PortalRole
from livefeed.telemetry import configure_logs

if TYPE_CHECKING:
    from livefeed.portal.web.scene.stage import Stage
    from livefeed.testing.rehearsal.rehearsal import Rehearsal


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it is empty; people see it on every page")
    return value.strip()


def _stage() -> "Stage | None":
    """What the demo hands its portal; what it needs is not imported where there is none."""
    if "LIVEFEED_DEMO_STAGE" not in os.environ:
        return None
    from livefeed.cli.demo.stage import handed_over

    return handed_over()


def _rehearsal(journal: Path | None) -> "Rehearsal | None":
    """What a test has its portal do; what it needs is not imported where there is none."""
    if journal is None:
        return None
    from livefeed.testing.rehearsal.rehearsal import Rehearsal

    return Rehearsal(journal)


@click.group(
    cls=Later,
    later={
        "app": "livefeed.cli.portal.changing:app",
        "deliveries": "livefeed.cli.portal.reading:deliveries",
        "edit": "livefeed.cli.portal.changing:edit_post",
        "events": "livefeed.cli.portal.reading:events",
        "resend": "livefeed.cli.portal.resending:resend",
        "user": "livefeed.cli.portal.users:user",
        "webhook": "livefeed.cli.portal.webhooks:webhook",
        "why": "livefeed.cli.portal.reading:why",
    },
)
def portal() -> None:
    """Host a News Feed: people, posts, applications and an event queue."""


@portal.command(short_help="Make a portal in a database.")
@click.option(
    "--seed",
    type=click.Choice(["demo", "empty"]),
    default="demo",
    show_default=True,
    help="A company with posts, or one administrator and nothing else.",
)
@click.option(
    "--public-url",
    default=f"http://127.0.0.1:{PORTAL_PORT}",
    show_default=True,
    metavar="URL",
    callback=base_url,
    help="Base URL under which people and applications reach it.",
)
@click.option("--name", default="Livefeed", show_default=True, callback=_name, help="Name of the company.")
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
    """Make a portal in a database, which is created if it does not exist.

    A database may hold several portals, each with its own --public-url; the first is the default one. The
    webhook URL and the password that are shown are secrets, and shown once.
    """
    from livefeed.cli.portal.founding import found_portal

    founded = asyncio.run(found_portal(database, key_ring(database, key_file), seed, public_url, name))
    admin = founded.people[0]
    document = {
        "member_id": founded.member_id,
        "admin_webhook_url": admin.webhook_url,
        "admin_login": admin.login,
        "admin_password": admin.password,
    }
    print_document(document, as_json=as_json)


@portal.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=PORT, default=PORTAL_PORT, show_default=True, help="Port to listen on.")
@click.option(
    "--public-url",
    default=None,
    metavar="URL",
    callback=base_url,
    help="A new base URL for the default portal; without it each keeps its own.",
)
@click.option(
    "--policy",
    type=click.Choice(["durable", "bitrix24"]),
    default="durable",
    show_default=True,
    help="Repeat failed deliveries for three days, or try once as Bitrix24 does.",
)
@click.option(
    "--limits",
    type=click.Choice(["off", "standard", "enterprise"]),
    default="off",
    show_default=True,
    help="Refuse callers who call more often, or longer, than one of Bitrix24's plans allows.",
)
@click.option("--allow-private", is_flag=True, help="Deliver to addresses that are not public, too.")
@click.option(
    "--max-body",
    type=NUMBER,
    default=32 * 1024 * 1024,
    show_default=True,
    help="Largest REST body, in bytes.",
)
@portal_role_option
@workers_option
@cert_option
@key_option
@click.option("--demo", is_flag=True, hidden=True, help="People can be chosen on the feed page.")
@click.option("--stop-with-stdin", is_flag=True, hidden=True)
@click.option("--rehearsal", type=click.Path(dir_okay=False, path_type=Path), default=None, hidden=True)
@db_option(PORTAL_DB)
@key_file_option
def serve(
    database: DatabaseUrl,
    key_file: Path | None,
    host: str,
    port: int,
    public_url: str | None,
    policy: Literal["durable", "bitrix24"],
    limits: Literal["off", "standard", "enterprise"],
    allow_private: bool,
    max_body: int,
    role: PortalRole,
    workers: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    demo: bool,
    stop_with_stdin: bool,
    rehearsal: Path | None,
) -> None:
    """Serve every portal of a database until SIGINT or SIGTERM."""
    from livefeed.cli.portal.composition import prepared_portal
    from livefeed.portal.limits.plans import PLANS
    from livefeed.portal.server import PortalOptions

    check_processes(database, role, workers)
    require(database, hint=FOUNDING)
    tls = usable(tls_cert, tls_key)
    configure_logs()
    token = fresh_token()
    options = PortalOptions(
        policy=policy,
        allow_private=allow_private,
        max_body_bytes=max_body,
        is_demo=demo,
        admin_token=token,
        role=role,
        limits=PLANS.get(limits),
    )
    listeners = bound_sockets(host, port, workers)
    url = url_of(listeners[0], tls)
    keys = key_ring(database, key_file)
    run_until_stopped(
        lambda: prepared_portal(
            database,
            keys,
            options,
            public_url,
            url=url,
            with_tls=tls is not None,
            stage=_stage() if demo else None,
            rehearsal=_rehearsal(rehearsal),
        ),
        database=database,
        listeners=listeners,
        admin_token=token,
        with_stdin=stop_with_stdin,
        tls=tls,
    )

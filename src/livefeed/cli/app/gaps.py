"""``gaps``: how each edit was heard of, how late, and how much of the feed is known."""

from typing import cast

import click

from livefeed.app.channels import Channel
from livefeed.app.sweep.progress import Sweep
from livefeed.cli.databases import NOTIFIER_DB, db_option
from livefeed.cli.halves import APPLICATION, read
from livefeed.cli.moments import since_option
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.notifier.gaps import Edit, Report, portals, report
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import MemberId

EDITS = ("portal", "post", "version", "how", "found_at", "late_s")


@click.command()
@click.option("--portal", default=None, metavar="MEMBER_ID", help="Only of this portal.")
@click.option(
    "--how",
    type=click.Choice(["event", "offline", "sweep"]),
    default=None,
    help="Only edits that were heard of in this way.",
)
@since_option
@click.option(
    "--limit", type=NUMBER, default=100, show_default=True, help="At most so many edits a portal, the newest."
)
@db_option(NOTIFIER_DB)
@json_option
def gaps(
    database: DatabaseUrl,
    portal: str | None,
    how: str | None,
    since_ms: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show how each edit was heard of: told by an event, fetched from the offline queue, or found by a sweep.

    Lateness counts from the edit if something told when it was, else from the look before: at most so much.
    """

    def query(tx: Tx) -> list[Report]:
        if portal is not None and portal not in portals(tx):
            raise SettingsError(f"there is no portal {portal!r} in this database; see: livefeed app portals")
        return report(
            tx,
            portal=None if portal is None else MemberId(portal),
            since_ms=since_ms or 0,
            how=cast("Channel | None", how),
            limit=limit,
        )

    found = read(database, APPLICATION[:1], query)
    if as_json:
        print_document({"portals": [_document(one) for one in found]}, as_json=True)
        return
    for one in found:
        print_document(_facts(one), as_json=False)
    print_rows((_edit(edit) for one in found for edit in one.edits), EDITS, as_json=False)


def _document(one: Report) -> dict[str, object]:
    return {
        "portal": one.portal,
        "backfill": one.coverage.phase,
        "coverage": one.coverage.percent,
        "readable": one.coverage.readable,
        "archived": one.coverage.archived,
        "sweeps": [_sweep(sweep) for sweep in one.sweeps],
        "found": {
            how: {"edits": count.edits, "latest_s": _seconds(count.latest_ms)}
            for how, count in one.counts.items()
        },
        "edits": [_edit(edit) for edit in one.edits],
    }


def _sweep(sweep: Sweep) -> dict[str, object]:
    return {
        "scope": sweep.scope,
        "began_at": _moment(sweep.began_at),
        "percent": sweep.percent,
        "looked": sweep.looked,
        "found": sweep.found,
        "last_ended_at": _moment(sweep.last_ended_at),
        "last_looked": sweep.last_looked,
        "last_found": sweep.last_found,
    }


def _facts(one: Report) -> dict[str, object]:
    """The same in a few words."""
    known = "not counted yet" if one.coverage.percent is None else f"{one.coverage.percent} %"
    swept = {f"sweep {sweep.scope}": _told(sweep) for sweep in one.sweeps}
    counts = ", ".join(f"{how} {count.edits}" for how, count in one.counts.items())
    return {
        "portal": one.portal,
        "coverage": f"{known} (back-fill: {one.coverage.phase})",
        **swept,
        "edits": counts,
    }


def _told(sweep: Sweep) -> str:
    if sweep.began_at is not None:
        share = "" if sweep.percent is None else f", {sweep.percent} %"
        return f"under way since {iso(sweep.began_at)}: {sweep.looked} posts{share}, {sweep.found} found"
    return f"ended {_moment(sweep.last_ended_at)}: {sweep.last_looked} posts, {sweep.last_found} found"


def _edit(edit: Edit) -> dict[str, object]:
    return {
        "portal": edit.portal,
        "post": edit.post,
        "version": edit.version,
        "how": edit.how,
        "found_at": iso(edit.at_ms),
        "late_s": _seconds(edit.late_ms),
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else round(ms / 1000, 1)


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)

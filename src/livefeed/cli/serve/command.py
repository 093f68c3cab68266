"""``processes``: what runs on a database, and where."""

import click

from livefeed.cli.databases import NOTIFIER_DB, db_option
from livefeed.cli.halves import EITHER, read
from livefeed.cli.output import json_option, print_rows
from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.durable.watch.processes import ALIVE_MS, list_processes
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl

_COLUMNS = ("role", "host", "pid", "url", "version", "started_at", "seen_at", "alive")


@click.command()
@db_option(NOTIFIER_DB)
@json_option
def processes(database: DatabaseUrl, as_json: bool) -> None:
    """Show the processes that serve a PostgreSQL database, on whatever machine they run.

    One that is not alive has said nothing for 15 seconds: it was killed, or is cut off from the database.
    """
    if database.is_file:
        raise SettingsError("one process writes an SQLite file; see whether its .run file is there")

    def rows(tx: Tx) -> list[dict[str, object]]:
        return [
            {
                "role": one.role,
                "host": one.host,
                "pid": one.pid,
                "url": one.url,
                "version": one.version,
                "started_at": iso(one.started_at),
                "seen_at": iso(one.seen_at),
                "alive": tx.now_ms - one.seen_at <= ALIVE_MS,
            }
            for one in list_processes(tx)
        ]

    print_rows(read(database, EITHER, rows), _COLUMNS, as_json=as_json)

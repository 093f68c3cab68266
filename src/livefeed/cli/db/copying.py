"""``db copy``: a whole database goes to another engine, and is compared there row by row."""

import time

import click

from livefeed.cli.halves import rooms_of
from livefeed.cli.output import json_option, print_document
from livefeed.clock import SystemClock
from livefeed.durable.copying import copy_database
from livefeed.settings import DatabaseUrl


@click.command(short_help="Move a database to the other engine.")
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
def copy(origin: str, target: str, as_json: bool) -> None:
    """Copy the database FROM to TO, which must not exist yet: from SQLite to PostgreSQL, or back.

    Stop the servers of FROM first. Every row is copied with its ids, then both databases are read again and
    compared row by row; only then can a server open TO. PostgreSQL holds no zero character in a text:
    U+FFFD stands for it there, and such rows are counted as changed. A broken-off copy to PostgreSQL is begun
    anew by the same command. The key file is not part of it: name it by LIVEFEED_KEY_FILE when TO is served.
    """
    here, there = DatabaseUrl.parse(origin), DatabaseUrl.parse(target)
    began = time.monotonic()
    copied = copy_database(here, there, rooms_of(here), SystemClock(), on_progress=_tell)
    document = {
        "from": str(here),
        "to": str(there),
        "tables": len(copied.rows),
        "rows": sum(copied.rows.values()),
        "is_equal": True,
        "changed": sum(copied.changed.values()),
        "seconds": round(time.monotonic() - began, 3),
    }
    if as_json:
        of_tables = {
            name: {"rows": count, "digest": copied.digests[name]} for name, count in copied.rows.items()
        }
        print_document(document | {"of_tables": of_tables}, as_json=True)
    else:
        print_document(document, as_json=False)


def _tell(table: str, done: int, total: int) -> None:
    if total:
        click.echo(f"livefeed: {table} {done}/{total}", err=True)

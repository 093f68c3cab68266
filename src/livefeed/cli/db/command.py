"""``db``: back up a database while it is in use, or copy it to another engine."""

import time
from pathlib import Path

import click

from livefeed.cli.databases import PORTAL_DB, db_option, require
from livefeed.cli.db.copying import copy
from livefeed.cli.halves import HINT
from livefeed.cli.output import json_option, print_document
from livefeed.durable.store import back_up
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl


@click.group()
def db() -> None:
    """Work on a whole database."""


db.add_command(copy)


@db.command(short_help="Copy an SQLite database while it is in use.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--compact", is_flag=True, help="Leave out the pages that nothing uses any more; takes longer.")
@db_option(PORTAL_DB)
@json_option
def backup(database: DatabaseUrl, file: Path, compact: bool, as_json: bool) -> None:
    """Copy an SQLite database to FILE while its half goes on working, and check the copy.

    FILE holds everything that was acknowledged before this command began; it must not exist yet. The key
    file is not part of it: keep a copy of that too, somewhere else.
    """
    if not database.is_file:
        raise SettingsError(f"{database} is backed up with pg_dump or pg_basebackup; see docs/operations.md")
    require(database, hint=HINT)
    began = time.monotonic()
    size = back_up(database, file, compact=compact)
    document = {"file": str(file), "bytes": size, "seconds": round(time.monotonic() - began, 3)}
    print_document(document, as_json=as_json)

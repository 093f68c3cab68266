"""``doctor``: says what is wrong with a database and what to do."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from livefeed.app.running import is_key_of as is_key_of_app
from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option
from livefeed.cli.halves import rooms_of
from livefeed.cli.output import encode, json_option
from livefeed.clock import SystemClock
from livefeed.durable.diagnosis import Finding, examine, ok, problem
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError, SettingsError
from livefeed.portal.portals import ROOMS as PORTAL_ROOMS
from livefeed.portal.portals import is_key_of as is_key_of_portal
from livefeed.secrets import read_or_create_key_file
from livefeed.settings import DatabaseUrl


@click.command()
@db_option(PORTAL_DB)
@key_file_option
@json_option
def doctor(database: DatabaseUrl, key_file: Path | None, as_json: bool) -> None:
    """Look at a database and say what is wrong with it: one line an item, exit code 1 if there is a problem.

    Nothing is changed, and its servers may be running.
    """
    is_well = True
    for finding in _findings(database, key_file):
        is_well = is_well and finding.is_ok
        _print(finding, as_json=as_json)
    sys.exit(0 if is_well else 1)


def _findings(database: DatabaseUrl, key_file: Path | None) -> Iterator[Finding]:
    try:
        rooms = rooms_of(database)
    except LivefeedError as exc:
        yield problem("database", str(exc), "see what it says")
        return
    yield ok("database", f"{database} can be read")

    def key(tx: Tx) -> Iterator[Finding]:
        yield _key(tx, database, key_file, is_portal=rooms is PORTAL_ROOMS)

    yield from examine(database, rooms, SystemClock(), key)


def _key(tx: Tx, database: DatabaseUrl, key_file: Path | None, *, is_portal: bool) -> Finding:
    path = key_file or database.path.with_name(database.path.name + ".key")
    if not path.exists():
        return problem("key", f"there is no key file {path}", "set LIVEFEED_KEY_FILE to the right one")
    try:
        keys = read_or_create_key_file(path)
        is_right = is_key_of_portal(tx, keys) if is_portal else is_key_of_app(tx, keys)
    except SettingsError as exc:
        return problem("key", str(exc), "set LIVEFEED_KEY_FILE to the key this database was made with")
    if not is_right:
        return problem("key", "the key check of this database is damaged", "restore the last backup")
    return ok("key", f"{path} opens what is sealed")


def _print(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        click.echo(encode(msgspec.to_builtins(finding)))
        return
    word = "ok" if finding.is_ok else "problem"
    then = f" → {finding.then}" if finding.then else ""
    click.echo(f"{word:<8} {finding.item:<18} {finding.said}{then}")

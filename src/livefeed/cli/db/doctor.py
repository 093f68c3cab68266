"""``doctor``: says what is wrong with a database, or with an application's installations, and what to do."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from livefeed.app.installs import registry
from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option
from livefeed.cli.db import installs, recording
from livefeed.cli.db.access import held
from livefeed.cli.halves import APPLICATION, read, rooms_of
from livefeed.cli.keys.holding import opens
from livefeed.cli.output import encode, json_option
from livefeed.clock import SystemClock
from livefeed.durable.diagnosis import Finding, examine, ok, problem
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError, SettingsError
from livefeed.rooms import PORTAL
from livefeed.secrets import Secret, read_or_create_key_file
from livefeed.settings import AppSettings, DatabaseUrl
from livefeed.wire.ids import MemberId

_UNREADABLE: Final = frozenset({"schema", "integrity"})


@click.command()
@db_option(PORTAL_DB)
@key_file_option
@click.option("--local", "is_local", is_flag=True, help="Ask neither portals nor the application's address.")
@click.option(
    "--record",
    "record_to",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE",
    help="Of an application: write what was found, settings and the last bodies without secrets, to be sent.",
)
@json_option
def doctor(
    database: DatabaseUrl, key_file: Path | None, is_local: bool, record_to: Path | None, as_json: bool
) -> None:
    """Look at a database and say what is wrong with it: one line an item, exit code 1 if there is a problem.

    Of an application also at its installations, its handlers, its tokens, its address and its portals, with
    the settings of the environment. Nothing is changed, and its servers may be running.
    """
    findings: list[Finding] = []
    for finding in _findings(database, key_file, asks=not is_local):
        findings.append(finding)
        _print(finding, as_json=as_json)
    if record_to is not None:
        _record(record_to, database, key_file, findings)
    sys.exit(0 if all(finding.is_ok for finding in findings) else 1)


def _findings(database: DatabaseUrl, key_file: Path | None, *, asks: bool) -> Iterator[Finding]:
    try:
        rooms = rooms_of(database)
    except LivefeedError as exc:
        yield _told("database", exc, "name another --db")
        return
    yield ok("database", f"{database} can be read")
    is_portal = rooms is PORTAL

    def key(tx: Tx) -> Iterator[Finding]:
        yield _key(tx, database, key_file, is_portal=is_portal)

    is_readable = True
    for finding in examine(database, rooms, SystemClock(), key):
        is_readable = is_readable and (finding.is_ok or finding.item not in _UNREADABLE)
        yield finding
    if is_readable and not is_portal:
        yield read(database, APPLICATION, installs.failing)
        settings = _settings(database, key_file)
        found = read(database, APPLICATION, installs.stored)
        tokens = _tokens(database, key_file) if asks else None
        yield from installs.look(database, settings, found, tokens=tokens or {}, asks=asks)


def _tokens(database: DatabaseUrl, key_file: Path | None) -> Mapping[MemberId, Secret]:
    path = _key_path(database, key_file)
    try:
        keys = read_or_create_key_file(path) if path.exists() else None
    except SettingsError:
        keys = None
    if keys is None:  # the item "key" tells of it
        return {}
    ring, now_ms = keys, SystemClock().now_ms()
    return read(database, APPLICATION, lambda tx: held(tx, ring, registry.every(tx), now_ms=now_ms))


def _settings(database: DatabaseUrl, key_file: Path | None) -> AppSettings:
    return AppSettings.from_environment(db=database.url, key_file=None if key_file is None else str(key_file))


def _record(path: Path, database: DatabaseUrl, key_file: Path | None, findings: Sequence[Finding]) -> None:
    if rooms_of(database) is PORTAL:
        raise SettingsError(f"{database} is a portal's; --record is of applications")
    key_path = _key_path(database, key_file)
    # Without a key no body can be opened; a new one beside the database would be taken for the right one.
    keys = read_or_create_key_file(key_path) if key_path.exists() else None

    def query(tx: Tx) -> tuple[list[installs.Known], list[recording.Body], str]:
        return (
            installs.stored(tx)[0],
            [] if keys is None else recording.last_bodies(tx, keys),
            recording.engine_of(tx, database),
        )

    portals, bodies, engine = read(database, APPLICATION, query)
    recording.write_recording(
        path,
        database=database,
        engine=engine,
        settings=_settings(database, key_file),
        findings=findings,
        portals=portals,
        bodies=bodies,
    )


def _key_path(database: DatabaseUrl, key_file: Path | None) -> Path:
    return key_file or database.path.with_name(database.path.name + ".key")


def _key(tx: Tx, database: DatabaseUrl, key_file: Path | None, *, is_portal: bool) -> Finding:
    path = _key_path(database, key_file)
    if not path.exists():
        return problem("key", f"there is no key file {path}", "set LIVEFEED_KEY_FILE to the right one")
    try:
        keys = read_or_create_key_file(path)
        is_right = opens(tx, keys, is_portal=is_portal)
    except SettingsError as exc:
        return _told("key", exc, "set LIVEFEED_KEY_FILE to the key this database was made with")
    if not is_right:
        return problem("key", "the key check of this database is damaged", "restore the last backup")
    if path.stat().st_mode & 0o077:
        return problem("key", f"{path} can be read by others than its owner", f"chmod 600 {path}")
    return ok("key", f"{path} opens what is sealed")


def _told(item: str, error: LivefeedError, otherwise: str) -> Finding:
    """An error as a finding: most say behind a semicolon what to do."""
    said, _, then = str(error).partition("; ")
    return problem(item, said, then or otherwise)


def _print(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        click.echo(encode(msgspec.to_builtins(finding)))
        return
    word = "ok" if finding.is_ok else "problem"
    then = f" → {finding.then}" if finding.then else ""
    click.echo(f"{word:<8} {finding.item:<18} {finding.said}{then}")

"""``keys``: show, rotate and retire the keys that seal the secrets of a database, while its half runs."""

from dataclasses import asdict
from pathlib import Path

import click

from livefeed.cli.databases import PORTAL_DB, db_option, key_file_option
from livefeed.cli.keys.holding import Key, keys_of
from livefeed.cli.keys.rotating import prepare, retire, rotate
from livefeed.cli.output import encode, json_option
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl


@click.group()
def keys() -> None:
    """Show, rotate and retire the keys that seal secrets."""


@keys.command("list", short_help="Show the keys, and how much hangs on each.")
@db_option(PORTAL_DB)
@key_file_option
@json_option
def list_(database: DatabaseUrl, key_file: Path | None, as_json: bool) -> None:
    """Show the keys of the key file by their ids, newest first, and how much hangs on each."""
    found = keys_of(database, _existing(database, key_file))
    if as_json:
        click.echo(encode([asdict(one) for one in found]))
        return
    for one in found:
        click.echo(_line(one))


@keys.command("rotate", short_help="Make a new key and seal everything anew with it.")
@db_option(PORTAL_DB)
@key_file_option
@click.option(
    "--patience",
    "patience_s",
    default=60.0,
    show_default=True,
    metavar="S",
    help="How long to wait for a running half.",
)
@click.option(
    "--prepare", "is_prepared", is_flag=True, help="Only add the key, so that it can be copied first."
)
@click.option("--one-file", "is_one_file", is_flag=True, help="All machines read this very file.")
@json_option
def rotate_(
    database: DatabaseUrl,
    key_file: Path | None,
    patience_s: float,
    is_prepared: bool,
    is_one_file: bool,
    as_json: bool,
) -> None:
    """Make a new key and seal everything anew with it, in small units, while the half goes on working.

    Running processes read the key file again by themselves. A rotation that was interrupted is ended, and no
    second key is made.

    Where processes run on several machines, each has a copy of the key file: run this with --prepare on one
    of them, copy the file to the others, and run it again without. They take the key over when it seals.
    """
    path = _existing(database, key_file)
    if is_prepared:
        key = prepare(database, path)
        if as_json:
            click.echo(encode({"prepared": key}))
            return
        click.echo(f"key {key} prepared; copy {path} to every machine, then run: livefeed keys rotate")
        return

    def told(place: str, count: int) -> None:
        click.echo(f"livefeed: {count} {place} sealed anew", err=True)

    done = rotate(database, path, patience_s=patience_s, told=told, is_one_file=is_one_file)
    if as_json:
        click.echo(encode(asdict(done)))
        return
    made = "made" if done.is_made else "was made by an earlier rotation, which is ended now"
    click.echo(f"key {done.key} {made}; everything is sealed with it")
    for place, number in done.waits.items():
        click.echo(f"{number} {place} hang on an older key until they are past their retention")
    click.echo("old keys stay in the file; take them out with: livefeed keys retire")
    if not database.is_file:
        click.echo(f"where other machines have a copy of {path}, copy it there before they are started again")


@keys.command("retire", short_help="Take old keys out of the key file.")
@db_option(PORTAL_DB)
@click.option(
    "--also", multiple=True, metavar="URL", help="Another database that is sealed with this key file."
)
@key_file_option
@json_option
def retire_(database: DatabaseUrl, also: tuple[str, ...], key_file: Path | None, as_json: bool) -> None:
    """Take the keys on which nothing hangs any more out of the key file.

    Name every database that is sealed with this key file: --db and, as often as needed, --also.
    """
    others = [DatabaseUrl.parse(one) for one in also]
    gone, left = retire([database, *others], _existing(database, key_file))
    if as_json:
        click.echo(encode({"retired": [one.id for one in gone], "needed": [one.id for one in left]}))
        return
    for one in gone:
        click.echo(f"key {one.id} retired")
    for one in left:
        click.echo(f"needed still: {_line(one)}")
    if not gone and not left:
        click.echo("there is one key; nothing to retire")


def _line(key: Key) -> str:
    hangs = ", ".join(f"{number} {place}" for place, number in key.hangs.items()) or "nothing hangs on it"
    kind = "newest" if key.is_newest else "next  " if key.is_prepared else "older "
    return f"{key.id}  {kind}  {hangs}"


def _existing(database: DatabaseUrl, key_file: Path | None) -> Path:
    path = key_file or database.path.with_name(database.path.name + ".key")
    if not path.exists():
        raise SettingsError(f"there is no key file {path}; set LIVEFEED_KEY_FILE to the one of {database}")
    return path

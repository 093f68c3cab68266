"""``person``: what is kept of one person, shown or erased."""

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from livefeed.cli.databases import NOTIFIER_DB, db_option, key_file_option, key_ring
from livefeed.cli.db.access import Opener
from livefeed.cli.halves import read
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import encode, json_option, print_document
from livefeed.cli.privacy.reaching import NOTIFIER, by_hand, portal_of
from livefeed.cli.running import find_running, operate
from livefeed.errors import SettingsError
from livefeed.notifier.privacy.exporting import export as exported
from livefeed.notifier.privacy.operations import Admission, Erasure, admit_again
from livefeed.notifier.privacy.operations import erase as erase_some
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import UserId

_portal_option = click.option(
    "--portal", default=None, metavar="MEMBER_ID", help="Where, if there are several portals."
)
_AFTER_AN_ERASURE = ("place", "after", "mended", "left", "held")


@click.group()
def person() -> None:
    """Show or erase what the notifier keeps of one person."""


@person.command(short_help="Show everything that is kept of one person.")
@click.argument("number", metavar="ID", type=NUMBER)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write the document to this file, which must not exist, readable by you alone.",
)
@_portal_option
@db_option(NOTIFIER_DB)
@key_file_option
@json_option
def export(
    database: DatabaseUrl,
    key_file: Path | None,
    number: int,
    out: Path | None,
    portal: str | None,
    as_json: bool,
) -> None:
    """Show what is kept of person ID of a portal: what he wrote, edited and commented, who was told of it,
    what he was told, events that name him, and that there are tokens, never what they are.

    With --json or --out it is one document with every row; otherwise rows are counted.
    """
    keys = key_ring(database, key_file)
    document = read(
        database,
        NOTIFIER,
        lambda tx: exported(tx, keys, Opener(tx, keys), portal_of(tx, portal), UserId(number)),
    )
    if out is not None:
        _write(out, document)
    if as_json:
        click.echo(encode(document))
    else:
        kept: Any = document.pop("kept")
        print_document({**document, **{name: len(rows) for name, rows in kept.items()}}, as_json=False)


@person.command(short_help="Erase what is kept of one person, and keep him out.")
@click.argument("number", metavar="ID", type=NUMBER)
@_portal_option
@db_option(NOTIFIER_DB)
@key_file_option
@json_option
def erase(
    database: DatabaseUrl, key_file: Path | None, number: int, portal: str | None, as_json: bool
) -> None:
    """Erase what person ID of a portal wrote, his name, his notices and his tokens; this cannot be undone.

    What others need stays without him: that a post was edited, and when. Nothing of him is kept from then
    on, though the portal may still show it: erase him there first. What a legal hold keeps is left and
    counted; so is what is being worked on, and then the exit code is 1: run it again.
    """
    member_id = read(database, NOTIFIER, lambda tx: portal_of(tx, portal))
    running = find_running(database)
    asked: dict[str, Any] = {"portal": member_id, "person": number}
    done: dict[str, Any] = {"is_over": False}
    while not done["is_over"]:
        if running is not None:
            done = operate(running, "person_erase", asked)
        else:
            given = msgspec.convert(asked, Erasure)
            done = dict(by_hand(database, key_file, lambda hands, given=given: erase_some(hands, given)))
        asked |= {name: done[name] for name in _AFTER_AN_ERASURE}
        if not done["is_over"]:
            click.echo(f"livefeed: {done['mended']} rows erased, now {done['name']}", err=True)
    print_document(
        {
            "portal": member_id,
            "person": number,
            "erased": done["mended"],
            "held": done["held"],
            "left": done["left"],
            "is_overwritten": done["is_overwritten"],
        },
        as_json=as_json,
    )
    if done["left"]:
        raise click.exceptions.Exit(1)


@person.command(short_help="Keep what comes of an erased person again.")
@click.argument("number", metavar="ID", type=NUMBER)
@_portal_option
@db_option(NOTIFIER_DB)
@key_file_option
@json_option
def admit(
    database: DatabaseUrl, key_file: Path | None, number: int, portal: str | None, as_json: bool
) -> None:
    """Keep what comes of person ID from now on, as of anybody: he has come back. What is erased stays so."""
    member_id = read(database, NOTIFIER, lambda tx: portal_of(tx, portal))
    running = find_running(database)
    if running is not None:
        document = operate(running, "person_admit", {"portal": member_id, "person": number})
    else:
        asked = Admission(portal=member_id, person=number)
        document = dict(by_hand(database, key_file, lambda hands: admit_again(hands, asked)))
    print_document(document, as_json=as_json)


def _write(out: Path, document: dict[str, object]) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        raise SettingsError(f"{out} cannot be made: {exc.strerror}; choose another --out") from exc
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")

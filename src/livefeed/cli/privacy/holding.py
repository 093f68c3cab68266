"""``hold``: what has to be kept whatever is asked for."""

import getpass
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from livefeed.app.keeping import holds
from livefeed.app.keeping.holds import Hold, HoldKind
from livefeed.app.keeping.setting import end_hold, set_hold
from livefeed.cli.databases import NOTIFIER_DB, db_option
from livefeed.cli.halves import APPLICATION, read
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.cli.privacy.reaching import in_store, portal_of
from livefeed.cli.running import find_running, operate
from livefeed.clock import iso
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import MemberId

Command = TypeVar("Command", bound=Callable[..., object])

_MOST_CHARS: Final = 2_000
HOLDS = ("portal", "kind", "number", "set_at", "set_by", "reason", "ended_at", "ended_by")


def _words(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    text = _user() if value is None else " ".join(value.split())
    if not text or len(text) > _MOST_CHARS:
        raise click.BadParameter(f"write from 1 to {_MOST_CHARS} characters")
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return "somebody"


def _of_what(command: Command) -> Command:
    """``--post`` or ``--person``, and where."""
    for option in (
        db_option(NOTIFIER_DB),
        click.option("--by", default=None, callback=_words, help="Who does it.  [default: your user name]"),
        click.option(
            "--portal", default=None, metavar="MEMBER_ID", help="Where, if there are several portals."
        ),
        click.option("--person", type=NUMBER, default=None, help="A person, by user id."),
        click.option("--post", type=NUMBER, default=None, help="A post."),
    ):
        command = option(command)
    return command


@click.group()
def hold() -> None:
    """Keep what must not be lost: no purge, redaction or erasure touches what is held."""


@hold.command(short_help="Hold a post or a person.")
@_of_what
@click.option("--reason", required=True, callback=_words, help="Why, for whoever comes later.")
@json_option
def add(
    database: DatabaseUrl,
    post: int | None,
    person: int | None,
    portal: str | None,
    by: str,
    reason: str,
    as_json: bool,
) -> None:
    """Hold a post; or a person with all events of his portal, which do not say in clear whom they name.

    A portal that leaves is not erased while anything of it is held.
    """
    print_document(
        _changed(database, "hold_add", post, person, portal, by=by, reason=reason), as_json=as_json
    )


@hold.command("remove", short_help="End a hold.")
@_of_what
@json_option
def remove(
    database: DatabaseUrl, post: int | None, person: int | None, portal: str | None, by: str, as_json: bool
) -> None:
    """End the hold on a post or a person; its record stays. What is past its retention goes in an hour."""
    print_document(_changed(database, "hold_remove", post, person, portal, by=by), as_json=as_json)


@hold.command("list", short_help="Show what is held, by whom and why.")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@db_option(NOTIFIER_DB)
@json_option
def list_holds(database: DatabaseUrl, everything: bool, as_json: bool) -> None:
    """Show the holds, the newest first."""
    rows = read(database, APPLICATION, holds.every)
    print_rows((_row(one) for one in rows if everything or one.ended_at_ms is None), HOLDS, as_json=as_json)


def _changed(
    database: DatabaseUrl,
    operation: str,
    post: int | None,
    person: int | None,
    portal: str | None,
    **words: str,
) -> dict[str, Any]:
    if (post is None) == (person is None):
        raise click.UsageError("name one --post, or one --person")
    kind: HoldKind = "person" if post is None else "post"
    number = person if post is None else post
    assert number is not None, "one of the two is named"
    member_id = read(database, APPLICATION, lambda tx: portal_of(tx, portal))
    running = find_running(database)
    if running is not None:
        return operate(running, operation, {"portal": member_id, "kind": kind, "number": number, **words})
    return _by_hand(database, member_id, kind, number, **words)


def _by_hand(
    database: DatabaseUrl, portal: MemberId, kind: HoldKind, number: int, *, by: str, reason: str = ""
) -> dict[str, Any]:
    if reason:
        return in_store(
            database,
            lambda store: set_hold(store, portal=portal, kind=kind, number=number, reason=reason, by=by),
        )
    return in_store(database, lambda store: end_hold(store, portal=portal, kind=kind, number=number, by=by))


def _row(one: Hold) -> dict[str, object]:
    return {
        "portal": one.portal,
        "kind": one.kind,
        "number": one.number,
        "set_at": iso(one.set_at_ms),
        "set_by": one.set_by,
        "reason": one.reason,
        "ended_at": None if one.ended_at_ms is None else iso(one.ended_at_ms),
        "ended_by": one.ended_by or None,
    }

"""``inbox``, ``notices``, ``who``, ``dead``: what a half has received, holds, and could not do."""

import asyncio
from collections.abc import Sequence

import click
import msgspec
from msgspec.structs import asdict

from livefeed.app.inbox import FINISHED, InboxRow, list_inbox
from livefeed.app.installs import registry
from livefeed.cli.databases import NOTIFIER_DB, db_option
from livefeed.cli.halves import APPLICATION, EITHER, read, rooms_of, writable
from livefeed.cli.moments import since_option
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.cli.running import find_running, operate
from livefeed.clock import iso
from livefeed.durable import dead as letters
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.notifier import decisions
from livefeed.notifier.notices import list_notices
from livefeed.rooms import PORTAL
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import MemberId, PostId, UserId

INBOX = ("seq", "portal", "event", "post", "state", "attempts", "steps")
NOTICES = ("person", "post", "from_version", "to_version", "reason", "channel", "calls", "state")
WHO = ("person", "name", "told", "reason", "why", "state")
DEAD = ("id", "portal", "consumer", "key", "seq", "kind", "reason", "at")


@click.command()
@click.option("--post", type=NUMBER, default=None, help="Only this post.")
@click.option(
    "--limit", type=NUMBER, default=100, show_default=True, help="At most so many rows, the newest."
)
@db_option(NOTIFIER_DB)
@json_option
def inbox(database: DatabaseUrl, post: PostId | None, limit: int, as_json: bool) -> None:
    """Show what an application received and the steps each event went."""
    rows = read(database, APPLICATION, lambda tx: list_inbox(tx, post=post, limit=limit))
    steps = _steps if as_json else _told
    print_rows(({**asdict(row), "steps": steps(row)} for row in rows), INBOX, as_json=as_json)


def _steps(row: InboxRow) -> list[dict[str, object]]:
    return [{"step": step.step, "at_ms": step.at_ms, "detail": step.detail} for step in row.steps]


def _told(row: InboxRow) -> str:
    """The steps of one event on one line; the last one that came to something with its detail.

    The detail of the end itself is how many attempts it took, and has a column of its own.
    """
    telling = max((place for place, step in enumerate(row.steps) if step.step != FINISHED), default=0)
    return " → ".join(
        f"{step.step} ({step.detail})" if place == telling and step.detail else step.step
        for place, step in enumerate(row.steps)
    )


@click.command()
@click.option("--post", type=NUMBER, default=None, help="Only about this post.")
@click.option("--person", type=NUMBER, default=None, help="Only to this person, by user id.")
@click.option(
    "--limit", type=NUMBER, default=100, show_default=True, help="At most so many rows, the newest."
)
@db_option(NOTIFIER_DB)
@json_option
def notices(
    database: DatabaseUrl, post: PostId | None, person: UserId | None, limit: int, as_json: bool
) -> None:
    """Show who was told about which change, and how often the call was made."""
    rows = read(database, APPLICATION[:1], lambda tx: list_notices(tx, post=post, person=person, limit=limit))
    print_rows((msgspec.to_builtins(row) for row in rows), NOTICES, as_json=as_json)


@click.command()
@click.argument("post", type=NUMBER)
@click.option("--portal", default=None, metavar="MEMBER_ID", help="Where, if several portals have it.")
@db_option(NOTIFIER_DB)
@json_option
def who(database: DatabaseUrl, post: PostId, portal: str | None, as_json: bool) -> None:
    """Show who was told of the last edit of POST, who was not, and why."""
    rows = read(database, APPLICATION[:1], lambda tx: _who(tx, post, portal))
    print_rows(map(_heard, rows), WHO, as_json=as_json)


def _who(tx: Tx, post: PostId, portal: str | None) -> list[decisions.Line]:
    known = decisions.portals_with(tx, post)
    if portal is None and len(known) > 1:
        raise SettingsError(f"{len(known)} portals have a post {post}; name one with --portal MEMBER_ID")
    if portal is not None and portal not in {one.member_id for one in registry.every(tx)}:
        raise SettingsError(f"there is no portal {portal!r} in this database; see: livefeed app portals")
    wanted = [one for one in known if portal in (None, one)]
    if not wanted:
        raise SettingsError(f"nothing is known of an edit of post {post}; see: livefeed inbox --post {post}")
    return [line for one in wanted for line in decisions.who(tx, MemberId(one), post)]


def _heard(line: decisions.Line) -> dict[str, object]:
    return {
        "person": line.person,
        "name": line.name,
        "told": line.is_told,
        "reason": line.reason,
        "why": line.why,
        "state": line.state,
    }


@click.group()
def dead() -> None:
    """Show dead letters, or replay them."""


@dead.command("list")
@since_option
@click.option(
    "--limit", type=NUMBER, default=100, show_default=True, help="At most so many rows, the oldest first."
)
@db_option(NOTIFIER_DB)
@json_option
def list_letters(database: DatabaseUrl, since_ms: int | None, limit: int, as_json: bool) -> None:
    """Show what was given up, and why."""
    rows = read(database, EITHER, lambda tx: letters.list_dead(tx, since_ms=since_ms or 0, limit=limit))
    print_rows(map(_letter, rows), DEAD, as_json=as_json)


def _letter(row: letters.DeadLetter) -> dict[str, object]:
    return {
        "id": row.id,
        "portal": row.portal,
        "consumer": row.name,
        "key": row.key,
        "seq": row.seq,
        "kind": row.kind,
        "reason": row.reason,
        "at": iso(row.at_ms),
    }


@dead.command("replay", short_help="Put dead letters back into their lanes.")
@click.argument("letter", type=NUMBER, required=False)
@click.option("--all", "everything", is_flag=True, help="Replay every dead letter.")
@since_option
@db_option(NOTIFIER_DB)
@json_option
def replay_letters(
    database: DatabaseUrl, letter: int | None, everything: bool, since_ms: int | None, as_json: bool
) -> None:
    """Put dead letters back into their lanes: LETTER (an id of `dead list`), all, or all since a moment."""
    if (letter is not None) + everything + (since_ms is not None) != 1:
        raise click.UsageError("name one LETTER, or --all, or --since")
    running = find_running(database)
    if running is not None:
        given: dict[str, object] = {"id": letter} if letter is not None else {"since_ms": since_ms or 0}
        document = operate(running, "dead_replay", given)
    else:
        with writable(database) as store:
            amend = _amend_of(rooms_of(database))
            document = {"replayed": asyncio.run(_replay(store, letter, since_ms or 0, amend))}
    print_document(document, as_json=as_json)


def _amend_of(rooms: Sequence[str]) -> letters.Amend:
    """A portal sends a letter as the event it was; an application keeps it as it is."""
    if rooms is not PORTAL:
        return lambda letter: letter.body
    from livefeed.portal.events.log.resending import put_back

    return put_back


async def _replay(store: Store, letter: int | None, since_ms: int, amend: letters.Amend) -> int:
    try:
        if letter is not None:
            if await store.write(lambda tx: letters.replay(tx, letter, amend=amend)) is None:
                raise SettingsError(
                    f"there is no dead letter {letter}, or its handler is gone; see: livefeed dead list"
                )
            return 1
        count = 0
        while some := await store.write(lambda tx: letters.replay_all(tx, since_ms=since_ms, amend=amend)):
            count += some
        return count
    finally:
        await store.close()

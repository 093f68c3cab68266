"""``redact``: the words of a version are taken out of the archive."""

from pathlib import Path

import click

from livefeed.cli.databases import NOTIFIER_DB, db_option, key_file_option
from livefeed.cli.halves import read
from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document
from livefeed.cli.privacy.reaching import NOTIFIER, by_hand, portal_with
from livefeed.cli.running import find_running, operate
from livefeed.notifier.privacy.operations import Redaction, take_out
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import PostId


@click.command()
@click.argument("post", type=NUMBER)
@click.argument("version", type=NUMBER)
@click.option("--reason", default="", help="Why, for whoever comes later.")
@click.option("--portal", default=None, metavar="MEMBER_ID", help="Where, if several portals have the post.")
@db_option(NOTIFIER_DB)
@key_file_option
@json_option
def redact(
    database: DatabaseUrl,
    key_file: Path | None,
    post: int,
    version: int,
    reason: str,
    portal: str | None,
    as_json: bool,
) -> None:
    """Take the words of VERSION of POST out of the notifier's archive, for all and for good.

    That the version was made, when, and by whom stays. The same words in other versions of the post go, too,
    and do not come back from the portal, which may still show them: edit the post there first. Notices that
    were sent cannot be called back.
    """
    member_id = read(database, NOTIFIER, lambda tx: portal_with(tx, portal, PostId(post)))
    asked: dict[str, object] = {"portal": member_id, "post": post, "version": version, "reason": reason}
    running = find_running(database)
    if running is not None:
        document = operate(running, "redact", asked)
    else:
        given = Redaction(portal=member_id, post=post, version=version, reason=reason)
        document = dict(by_hand(database, key_file, lambda hands: take_out(hands, given)))
    print_document(document, as_json=as_json)

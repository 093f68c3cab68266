"""``inbox``, ``notices``, ``dead`` and ``lanes``: what an application has received and what it did with it."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
import msgspec

from livefeed.app.inbox import list_inbox
from livefeed.cli.app.replaying import perform_replay
from livefeed.cli.databases import NOTIFIER_DB, db_option, key_file_option, require
from livefeed.cli.output import json_option, print_document, print_rows
from livefeed.clock import iso
from livefeed.durable.dead import list_dead
from livefeed.durable.lanes import list_lanes
from livefeed.durable.store import Tx, open_readonly
from livefeed.notifier.notices import list_notices
from livefeed.settings import DatabaseUrl

HINT = "start the half once, or name another --db"
INBOX = ("seq", "portal", "event", "post", "state", "attempts", "steps")
NOTICES = ("person", "post", "from_version", "to_version", "reason", "channel", "calls", "state")


def read[T](database: DatabaseUrl, query: Callable[[Tx], T]) -> T:
    """Run one query on a database opened read-only."""
    require(database, hint=HINT)
    reader = open_readonly(str(database))
    try:
        return reader.read(query)
    finally:
        reader.close()

"""Every column of an application's database is known to hold something of a person, or nothing.

Whoever adds one says which: in `livefeed.notifier.privacy.places`, where it is exported and erased, or here.
"""

import asyncio
from pathlib import Path

from livefeed.app.runtime import ROOMS
from livefeed.clock import ManualClock
from livefeed.durable.store import Tx, open_store
from livefeed.notifier.privacy.places import PLACES

IMPERSONAL = {
    "archived_comment": "portal comment log_id",
    "archived_entry": "portal log_id post",
    "archived_person": "portal",
    "archived_post": "portal post seen_version told_version comments_checked state edited_at swept_at "
    "published_at",
    "archived_version": "portal post version source at late_ms",
    "attempt_run": "id day consumer state first_seq last_seq seqs",
    "bucket": "member_id times at",
    "comment_round": "portal post version is_again at",
    "consumer": "id portal name kind state ready_at not_before fails in_flight cap pace_ms quiet_ms "
    "max_wait_ms epoch",
    "dead": "id consumer seq kind at",
    "decision": "portal post at",
    "done": "consumer seq handler",
    "effect": "portal place key state lane token until calls at",  # the words of handlers, for one event
    "entry": "seq portal kind at source only_for arrived_for is_urgent",
    "entry_key": "portal seq",
    "entry_order": "portal seq",
    "erased_person": "portal hash erased_at",  # a keyed hash, which keeps him out
    "handler_watch": "portal checked_at lost lost_at",
    "install": "member_id state domain client_endpoint scope status application_token previous_token "
    "previous_until proof bound bound_at installed_at uninstalled_at erase_at version",
    "install_version": "id version erased",
    "key_check": "id sealed",
    "lane": "consumer seq head first_at calm_at due_at attempt",
    "lease": "consumer token until",
    "legal_hold": "portal kind set_at set_by ended_at ended_by",  # who answers for a hold is not forgotten
    "notice": "id portal post channel from_version to_version state calls planned_at sending_at settled_at",
    "offline_queue": "portal state detail fetched fetched_at",
    "operating_time": "member_id method used_ms call_ms frees_at",
    "own_write": "id portal event post content at explains",  # keyed hashes of what the application wrote
    "paid": "portal status is_expired ends_at told_at",
    "portal_key": "member_id key_id sealed made_at",
    "process": "id role url host pid version started_at seen_at",
    "quarantine": "member_id domain client_endpoint scope status application_token proof expires_at "
    "received_at",
    "redaction": "portal post version digest redacted_at reason",
    "sequence": "name value",
    "spent": "hash until",
    "step": "seq step place at",
    "sweep": "portal scope since cursor stride base first_post looked found began_at last_began_at "
    "last_ended_at last_looked last_found",
    "told_portal": "portal language phase epoch readable",
    "token": "member_id expires_at received_at version state kind refreshing_by refreshing_until",
    "trial": "event handler portal state attempts first_at due_at reason at",  # of errors
}

OF_THE_ENGINE = ("sqlite_", "_yoyo", "yoyo_")


def columns(tx: Tx) -> set[str]:
    tables = [row[0] for row in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        f"{table}.{row['name']}"
        for table in tables
        if not table.startswith(OF_THE_ENGINE)
        for row in tx.execute(f"SELECT name FROM pragma_table_info('{table}')")
    }


def schema(folder: Path) -> set[str]:
    async def read() -> set[str]:
        store = open_store(f"sqlite:///{folder}/all.db", [*ROOMS, "livefeed.notifier"], ManualClock())
        try:
            return await store.read(columns)
        finally:
            await store.close()

    return asyncio.run(read())


def test_every_column_is_known_to_hold_something_of_a_person_or_nothing(tmp_path: Path):
    personal = [column for place in PLACES for column in place.columns]
    impersonal = {f"{table}.{name}" for table, names in IMPERSONAL.items() for name in names.split()}

    assert len(personal) == len(set(personal))
    assert set() == set(personal) & impersonal
    assert schema(tmp_path) == set(personal) | impersonal

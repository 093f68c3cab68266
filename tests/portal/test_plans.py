"""What runs with every call finds its rows by an index: no scan of a table, no sort."""

from typing import Any

import pytest
from tests.engines import of_a_file

from livefeed.durable.sql import load
from livefeed.durable.store import Tx

from .conftest import House

pytestmark = [pytest.mark.anyio, of_a_file]

SIGHT = {"viewer": 2, "is_admin": 0}
PAGE = {**SIGHT, "codes": None, "since": None, "until": None, "count": 50}
QUEUE = {"app": 1, "connector": "", "most": 50}
TAKEN = {"app": 1, "process": "x", "messages": None}
HOT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("livefeed.portal.apps", "grants.sql", "forget_unused_codes", {"now": 1}),
    ("livefeed.portal.apps", "grants.sql", "forget_refresh", {"now": 1}),
    ("livefeed.portal.apps", "webhooks.sql", "webhook", {"person": 1, "code_hash": b"", "now": 1}),
    ("livefeed.portal.apps", "webhooks.sql", "incoming", {"id": 1}),
    ("livefeed.portal.apps", "webhooks.sql", "outgoing", {"id": 1}),
    ("livefeed.portal.events", "events.sql", "bound", {"event": "ONLIVEFEEDPOSTUPDATE"}),
    ("livefeed.portal.events", "events.sql", "bound_of_webhook", {"webhook": 1}),
    ("livefeed.portal.events", "events.sql", "redirect", {"webhook": 1, "url": "", "owner": 1}),
    ("livefeed.portal.feed", "feed.sql", "post", {"id": 1}),
    ("livefeed.portal.feed", "feed.sql", "visible_post", {"id": 1, **SIGHT}),
    ("livefeed.portal.feed", "feed.sql", "newest_posts", {**PAGE, "before": 10**9, "offset": 0}),
    ("livefeed.portal.feed", "feed.sql", "posts_after", {**PAGE, "after": 0}),
    ("livefeed.portal.feed", "feed.sql", "versions", {"post": 1}),
    ("livefeed.portal.feed", "feed.sql", "last_comment", {"post": 1}),
    ("livefeed.portal.feed", "feed.sql", "comments_of_post", {"post": 1}),
    (
        "livefeed.portal.feed",
        "feed.sql",
        "comments_of_person",
        {"author": 1, **SIGHT, "after": 0, "before": 10**9, "count": 100},
    ),
    ("livefeed.portal.feed", "feed.sql", "delete_post", {"id": 1, "now": 1}),
    ("livefeed.portal.frames", "frames.sql", "shown", {"place": "LEFT_MENU"}),
    ("livefeed.portal.frames", "frames.sql", "own_pages", {}),
    ("livefeed.portal.frames", "frames.sql", "frame", {"sid_hash": b"", "now": 1}),
    ("livefeed.portal.frames", "frames.sql", "forget_frames", {"now": 1}),
    ("livefeed.portal.offline", "offline.sql", "queues", {"event": "ONLIVEFEEDPOSTUPDATE"}),
    ("livefeed.portal.offline", "offline.sql", "about_messages", {**QUEUE, "messages": "[1,2]"}),
    ("livefeed.portal.offline", "offline.sql", "about_event", {**QUEUE, "event": "ONLIVEFEEDPOSTUPDATE"}),
    ("livefeed.portal.offline", "offline.sql", "about_failures", QUEUE),
    ("livefeed.portal.offline", "offline.sql", "about_processes", {**QUEUE, "first": "x", "before": "y"}),
    ("livefeed.portal.offline", "offline.sql", "about_numbers", {**QUEUE, "first": 1, "before": 2}),
    ("livefeed.portal.offline", "offline.sql", "about_times", {**QUEUE, "first": 1, "before": 2}),
    ("livefeed.portal.offline", "offline.sql", "some", {"few": "[1,2]"}),
    ("livefeed.portal.offline", "offline.sql", "drop_taken", {**TAKEN, "ids": None}),
    ("livefeed.portal.offline", "offline.sql", "fail_taken", TAKEN),
    ("livefeed.portal.people", "people.sql", "person", {"id": 1}),
    ("livefeed.portal.im", "im.sql", "bell", {"person": 1, "kinds": "[2,4]", "before": 10**9, "count": 50}),
    ("livefeed.portal.im", "im.sql", "count_bell", {"person": 1}),
    ("livefeed.portal.im", "im.sql", "drop_tag", {"person": 1, "tag": "x"}),
    ("livefeed.portal.im", "im.sql", "mark", {"person": 1, "first": 1, "last": 2, "read_at": 1}),
]


@pytest.mark.parametrize(("package", "file", "name", "values"), HOT, ids=[name for _, _, name, _ in HOT])
async def test_a_hot_statement_needs_no_scan_and_no_sort(
    house: House, package: str, file: str, name: str, values: dict[str, Any]
):
    sql = getattr(load(package, file), name).sql
    bound = {"portal": house.portal.member_id, **values}

    def plan(tx: Tx) -> list[str]:
        return [row["detail"] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", bound)]

    steps = await house.store.read(plan)
    assert [step for step in steps if "TEMP B-TREE" in step] == []
    assert [
        step
        for step in steps
        if step.startswith("SCAN") and "VIRTUAL TABLE" not in step and "CONSTANT" not in step
    ] == []


async def test_what_a_process_took_is_found_whatever_else_waits(house: House):
    sql = load("livefeed.portal.offline", "offline.sql").fail_taken.sql

    def plan(tx: Tx) -> list[str]:
        return [row["detail"] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}", TAKEN)]

    first, *_ = await house.store.read(plan)
    assert "USING INDEX offline_taken (app=? AND process=?)" in first

"""Readiness and metrics ask indexes alone: nothing that is scraped looks through a table. SQLite's plans."""

import sqlite3
from pathlib import Path

import pytest

from livefeed.clock import ManualClock
from livefeed.durable import sql
from livefeed.durable.store import open_store
from livefeed.durable.watch import metrics, why_not_ready

# The outermost is made of at most a hundred rows, which the second has found.
PLANS = {
    "oldest_due_lane": [
        "SEARCH consumer USING INDEX consumer_by_ready (ready_at<?)",
        "SEARCH w USING INDEX lane_by_due (consumer=? AND due_at<?)",
        "SEARCH r USING PRIMARY KEY (consumer=? AND key=?)",
    ],
    "oldest_arrival": [
        "SEARCH entry USING INTEGER PRIMARY KEY (rowid>?)",
        "SEARCH sequence USING PRIMARY KEY (name=?)",
    ],
}


@pytest.mark.parametrize("name", PLANS)
async def test_what_a_scrape_asks_is_found_by_index(tmp_path: Path, clock: ManualClock, name: str) -> None:
    store = open_store(f"sqlite:///{tmp_path}/own.db", [], clock)
    conn = sqlite3.connect(tmp_path / "own.db")
    query = getattr(sql.load("livefeed.durable", "queries/watch.sql"), name)
    given = {"now": 1} if ":now" in query.sql else {}
    plan = [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {query.sql}", given)]
    conn.close()
    await store.close()
    looks = [
        step.replace("COVERING ", "") for step in plan if "SUBQUERY" not in step and "ROUTINE" not in step
    ]
    assert [step for step in looks if step not in {"SCAN d", "SEARCH d"}] == PLANS[name]


async def test_metrics_of_a_store_that_cannot_be_read_are_still_given(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/own.db", [], clock)
    await store.close()
    page = (await metrics(store, clock)).decode()
    assert "livefeed_oldest_due_lag_seconds NaN" in page
    clock.advance(6)
    assert await why_not_ready(store, clock) == "the store is closed"

"""What is asked again and again asks indexes alone: readiness, metrics, the purge. SQLite's plans."""

import sqlite3
from pathlib import Path

import pytest

from livefeed.clock import ManualClock
from livefeed.durable import sql
from livefeed.durable.arrivals import route_all
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.purge import purge_entries
from livefeed.durable.store import Tx, open_store
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


async def test_a_purge_does_not_walk_through_what_is_young(tmp_path: Path, clock: ManualClock) -> None:
    """Nobody could write meanwhile: with millions of entries that would be minutes, every hour."""
    store = open_store(f"sqlite:///{tmp_path}/own.db", [], clock)

    def fill(tx: Tx) -> None:
        append_arrivals(
            tx, [Arrival("m", f"post:{n}", "K", b"", tx.now_ms, "door", None) for n in range(5_000)]
        )

    await store.write(fill)
    await store.write(route_all)
    looks: list[int] = []

    def counted(tx: Tx) -> int:
        conn = tx.conn
        assert isinstance(conn, sqlite3.Connection)
        conn.set_progress_handler(lambda: looks.append(1), 100)
        try:
            return purge_entries(tx, before_ms=clock.now_ms() - 1)
        finally:
            conn.set_progress_handler(None, 0)

    assert 0 == await store.write(counted)
    assert 100 * len(looks) < 5_000, "fewer steps than there are rows"
    await store.close()


async def test_metrics_of_a_store_that_cannot_be_read_are_still_given(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/own.db", [], clock)
    await store.close()
    page = (await metrics(store, clock)).decode()
    assert "livefeed_oldest_due_lag_seconds NaN" in page
    clock.advance(6)
    assert await why_not_ready(store, clock) == "the store is closed"

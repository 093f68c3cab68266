"""The plan of every hot statement: no scan of a table, no sort; what is allowed is said here."""

import sqlite3
from pathlib import Path

import pytest
from tests.engines import on_a_file

from livefeed.clock import ManualClock
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx

pytestmark = on_a_file

HOT = {
    "queries/entries.sql": [
        *(
            "add_entries",
            "add_arrivals",
            "add_rows",
            "lower_ready",
            "pass_over",
            "get_entry",
            "entry_from",
            "list_entries",
        ),
        *("list_portal_entries", "portal_entries_after", "newest_of_kind"),
    ],
    "queries/arrivals.sql": ["routed", "newest", "set_routed", "route_entries", "lower_ready"],
    "queries/lanes.sql": [
        *("due_consumers", "due_lanes", "postpone_lanes", "add_lease"),
        *(
            "run_seqs",
            "entries_of",
            "drop_whole_lane",
            "held_consumers",
            "held_lanes",
            "drop_lease",
            "drop_row",
        ),
        *("put_back_lanes", "forget_done", "renew", "is_held", "next_ready"),
        *("note_states", "look_at", "look_when_due", "lease_end", "note_lease_end"),
    ],
    "queries/consumers.sql": ["find", "get", "drop_lanes", "drop_leases", "set_state", "retire"],
    "queries/records.sql": [
        *("bury", "get_dead", "drop_dead", "add_runs", "mark_done", "finished_through"),
        *("purge_dead", "pending_for", "drop_entries", "drop_entry_key", "drop_pending", "drop_ended_lane"),
        *("drop_entry_order", "runs_with", "others_of", "drop_runs"),
    ],
    "queries/deliveries.sql": [
        *("attempted", "attempted_of_key", "pending", "pending_of_key", "expired", "expired_of_key"),
        *("attempts_of", "lane_of", "letter_of", "newest_attempts"),
    ],
}

# What the batch itself is made of, and what exists only while the statement runs.
ALLOWED = (
    *("SCAN v", "SCAN j", "SCAN c VIRTUAL", "SCAN k VIRTUAL", "SCAN json_each VIRTUAL", "SCAN CONSTANT ROW"),
    *("SCAN d", "SCAN n", "SCAN got", "SCAN (subquery", "SCAN s VIRTUAL", "SCAN p"),
)

# These group what one batch holds, in memory.
SORTS = {("queries/arrivals.sql", "route_entries"), ("queries/arrivals.sql", "lower_ready")}
SORTS |= {("queries/records.sql", "finished_through")}

# This gathers the runs of one slice.
SORTS |= {("queries/records.sql", "runs_with")}

# These sort one page of each consumer into one page of all, or what is pending, or what one post has had.
SORTS |= {("queries/deliveries.sql", name) for name in HOT["queries/deliveries.sql"]}


@pytest.fixture
async def conn(store: Store, tmp_path: Path):
    opened = sqlite3.connect(tmp_path / "store.db")
    yield opened
    opened.close()


def plan_of(conn: sqlite3.Connection, file: str, name: str) -> list[str]:
    query = getattr(sql.load("livefeed.durable", file), name)
    given = {
        one: "[]" if one in {"consumers", "lanes", "turns", "seqs", "states", "ids"} else 1
        for one in query.parameters
    }
    return [row[3] for row in conn.execute("EXPLAIN QUERY PLAN " + query.sql, given)]


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in HOT.items() for name in names])
async def test_a_hot_statement_scans_and_sorts_nothing(
    conn: sqlite3.Connection, file: str, name: str
) -> None:
    plan = plan_of(conn, file, name)
    assert [step for step in plan if step.startswith("SCAN") and not step.startswith(ALLOWED)] == []
    if (file, name) not in SORTS:
        assert [step for step in plan if "TEMP B-TREE" in step] == []


GOLDEN = {
    "due_consumers": [
        "CO-ROUTINE d",
        "SEARCH consumer USING INDEX consumer_by_ready (ready_at<?)",
        "SCAN d",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH lease USING PRIMARY KEY (consumer=?)",
    ],
    "due_lanes": [
        "SCAN c VIRTUAL TABLE INDEX 1:",
        "SEARCH l USING PRIMARY KEY (consumer=? AND key=? AND seq=?)",
        "CORRELATED LIST SUBQUERY 3",
        "SEARCH w USING COVERING INDEX lane_by_due (consumer=? AND due_at<?)",
        "CORRELATED SCALAR SUBQUERY 2",
        "SEARCH r USING PRIMARY KEY (consumer=? AND key=?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH p USING PRIMARY KEY (consumer=? AND key=? AND seq>?)",
    ],
    "run_seqs": [
        "SCAN j VIRTUAL TABLE INDEX 1:",
        "SEARCH e USING PRIMARY KEY (consumer=? AND key=? AND seq=?)",
        "CORRELATED LIST SUBQUERY 1",
        "SEARCH p USING PRIMARY KEY (consumer=? AND key=? AND seq>?)",
    ],
    "entries_of": [
        "SEARCH entry USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SCAN json_each VIRTUAL TABLE INDEX 1:",
    ],
    "held_lanes": [
        "SCAN j VIRTUAL TABLE INDEX 1:",
        "SEARCH r USING PRIMARY KEY (consumer=? AND key=?)",
        "SEARCH l USING PRIMARY KEY (consumer=? AND key=? AND seq=?)",
    ],
    "drop_row": ["SEARCH lane USING PRIMARY KEY (consumer=? AND key=? AND seq=?)"],
    "drop_lease": ["SEARCH lease USING PRIMARY KEY (consumer=? AND key=?)"],
    "renew": ["SCAN j VIRTUAL TABLE INDEX 1:", "SEARCH lease USING PRIMARY KEY (consumer=? AND key=?)"],
    "next_ready": ["SEARCH consumer USING COVERING INDEX consumer_by_ready (ready_at>?)"],
}


@pytest.mark.parametrize("name", GOLDEN)
async def test_the_plan_of_lease_and_settle_is_this_one(conn: sqlite3.Connection, name: str) -> None:
    plan = plan_of(conn, "queries/lanes.sql", name)
    assert plan == GOLDEN[name]


async def test_a_batch_of_deletes_searches_for_each_of_its_rows(conn: sqlite3.Connection) -> None:
    """An IN with a list of rows would use the first column only, and pass over all lanes of the consumer."""
    seen: list[str] = []

    class Explaining:
        engine = "sqlite"

        def execute(self, statement: str, parameters: object = ()) -> object:
            seen.extend(row[3] for row in conn.execute("EXPLAIN QUERY PLAN " + statement, parameters))
            return None

    drop_row = sql.load("livefeed.durable", "queries/lanes.sql").drop_row
    sql.run_terms(
        Tx(Explaining(), ManualClock().now_ms()),
        drop_row,
        [(1, "post:1", 0), (1, "post:2", 0), (2, "post:1", 0)],
    )
    searches = [step for step in seen if step.startswith("SEARCH")]
    assert searches == ["SEARCH lane USING PRIMARY KEY (consumer=? AND key=? AND seq=?)"] * 3

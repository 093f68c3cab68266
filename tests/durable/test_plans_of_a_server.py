"""The plan of every hot statement on PostgreSQL, with the settings of our connections.

The tables of the clockwork fill and empty by the second: the plan has to be good whether they were empty when
they were analysed last, or full.
"""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests import engines

from livefeed.durable import sql
from livefeed.durable.engines.postgresql.connections import Connection, connect
from livefeed.durable.engines.postgresql.statements import translated

from .test_plans import HOT as HOT_IN_A_FILE

pytestmark = pytest.mark.skipif("postgresql" not in engines.both(), reason="of the other engine")

OF_A_FILE = {
    "end_lane",
    "note_states",
    "look_at",
    "look_when_due",
    "lease_end",
    "note_lease_end",
}

# What this engine alone needs, and what purge, why and lists ask for.
HOT = HOT_IN_A_FILE | {
    "queries/entries.sql": [
        *("add_entries", "add_rows", "lower_ready", "get_entry", "entry_from", "newest", "list_entries"),
        *("list_portal_entries", "list_all_entries", "portal_entries_after", "newest_of_kind"),
    ],
    "queries/arrivals.sql": [
        *("arrivals_from", "note_arrivals", "take_arrivals", "hold_arrived", "route_lanes", "route_entries"),
        "lower_ready",
    ],
    "queries/lanes.sql": [
        *(name for name in HOT_IN_A_FILE["queries/lanes.sql"] if name not in OF_A_FILE),
        *("await_overdue", "put_back_overdue_of", "drop_overdue_of", "write_turns", "keep_turns"),
    ],
    "queries/consumers.sql": [*HOT_IN_A_FILE["queries/consumers.sql"], "hold", "hurry_lanes", "turns_of"],
    "queries/records.sql": [
        *(
            name
            for name in HOT_IN_A_FILE["queries/records.sql"]
            if not name.endswith(("runs", "_with", "_of"))
        ),
        "add_attempts",
        *("old_entries", "entries_of_portal", "drop_attempts_of", "drop_portal_letters", "is_leased"),
        *("purge_attempts", "list_attempts_of_key"),
    ],
    "queries/watch.sql": ["oldest_due_lane", "oldest_arrival"],
}

# These sort or group what one batch holds, in memory …
BATCHES = {
    "queries/arrivals.sql": ["take_arrivals", "route_lanes", "route_entries", "lower_ready"],
    "queries/lanes.sql": ["run_seqs"],
    "queries/records.sql": [
        *("finished_through", "purge_dead", "purge_attempts", "drop_portal_letters", "list_attempts_of_key"),
    ],
}
SORTS = {(file, name) for file, names in BATCHES.items() for name in names}
# … and these one page of each consumer into one page of all, or what one post has had.
SORTS |= {("queries/deliveries.sql", name) for name in HOT["queries/deliveries.sql"]}

# What is walked in the order of an index until a page is full, or until one is found.
WALKS = {
    ("queries/entries.sql", "newest"),
    ("queries/records.sql", "old_entries"),
    ("queries/watch.sql", "oldest_arrival"),
    ("queries/lanes.sql", "next_ready"),
}
BIG = {"entry", "arrival", "lane", "lease", "attempt", "dead", "done", "consumer"}

FULL = """
INSERT INTO consumer (portal, name, state, ready_at, cap, pace_ms, quiet_ms, max_wait_ms, epoch)
    SELECT 'm' || n / 10, 'c' || n, 'active', n, 32, 0, 0, 0, 1 FROM generate_series(1, 500) AS n;
INSERT INTO entry (seq, portal, key, kind, body, at, source)
    SELECT n, 'm' || n % 50, 'post:' || n % 3000, 'K', 'b', n, 'door' FROM generate_series(1, 12000) AS n;
INSERT INTO arrival (seq) SELECT n FROM generate_series(11000, 12000) AS n;
INSERT INTO lane (consumer, key, seq, head, first_at, calm_at, due_at, attempt)
    SELECT n % 500 + 1, 'post:' || n, 0, n, n, n, n, 0 FROM generate_series(1, 6000) AS n;
INSERT INTO lane (consumer, key, seq)
    SELECT n % 500 + 1, 'post:' || n, n FROM generate_series(1, 6000) AS n;
INSERT INTO lease (consumer, key, token, until)
    SELECT n % 500 + 1, 'post:' || n, n, n FROM generate_series(1, 1000) AS n;
INSERT INTO dead (consumer, key, seq, kind, body, reason, at)
    SELECT n % 500 + 1, 'post:' || n, n, 'K', 'b', 'expired', n FROM generate_series(1, 3000) AS n;
INSERT INTO attempt (day, id, seq, consumer, key, attempt, webhook_id, sent_at, ms, state)
    SELECT n / 1000, n, n, n % 500 + 1, 'post:' || n, 1, 'w', n, 1, 'delivered'
    FROM generate_series(1, 9000) AS n;
INSERT INTO done (consumer, key, seq, handler)
    SELECT n % 500 + 1, 'post:' || n, n, 'h' FROM generate_series(1, 2000) AS n;
"""


@pytest.fixture(scope="module", params=["empty", "full"])
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    url = engines.cluster().fresh()
    with closing(connect(url, autocommit=True)) as opened:
        if request.param == "full":
            for statement in FULL.split(";\n"):
                opened.execute(statement)
        opened.execute("ANALYZE")
        yield opened
    engines.cluster().drop(url)


def plan_of(conn: Connection, file: str, name: str) -> list[dict[str, Any]]:
    """The steps of the plan that is made without looking at the parameters."""
    numbers: dict[str, int] = {}

    def place(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match.group(1), len(numbers) + 1)}"

    text = translated(getattr(sql.load("livefeed.durable", file), name).text("postgresql"))
    statement = re.sub(r"%\((\w+)\)s", place, text).replace("%%", "%")
    explained: Any = f"EXPLAIN (GENERIC_PLAN, COSTS OFF, FORMAT JSON) {statement}".encode()
    row = conn.execute(explained, prepare=False).fetchone()
    assert row is not None
    said = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return list(steps(said[0]["Plan"]))


def steps(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from steps(below)


def is_walk(step: dict[str, Any]) -> bool:
    """Whether a big table, or a whole index of it, is read from one end to the other."""
    is_of_big = step.get("Relation Name") in BIG or step["Node Type"] == "Bitmap Index Scan"
    is_reading = step["Node Type"] in {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"}
    return is_of_big and is_reading and "Index Cond" not in step


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in HOT.items() for name in names])
def test_a_hot_statement_looks_up_what_it_needs(conn: Connection, file: str, name: str) -> None:
    plan = plan_of(conn, file, name)
    if (file, name) not in WALKS:
        assert [step for step in plan if is_walk(step)] == []
    if (file, name) not in SORTS:
        assert [step["Node Type"] for step in plan if "Sort" in step["Node Type"]] == []
    assert [step for step in plan if step["Node Type"] in {"Seq Scan", "Hash Join", "Merge Join"}] == []


def test_a_statement_without_its_index_is_found_out(conn: Connection) -> None:
    conn.execute("BEGIN")
    conn.execute("DROP INDEX lane_by_due")
    plan = plan_of(conn, "queries/lanes.sql", "due_lanes")
    conn.execute("ROLLBACK")
    assert [step for step in plan if step.get("Index Name") == "lane_by_due"] == []
    assert [step["Node Type"] for step in plan if "Sort" in step["Node Type"]] != []

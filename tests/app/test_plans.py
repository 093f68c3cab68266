"""What an application asks its database finds its rows by an index: no scan of a table, no sort.

All statements of the rooms `livefeed.client` and `livefeed.app` are looked at; what may scan is named.
"""

from pathlib import Path
from typing import Any

from tests.engines import of_a_file

from livefeed.durable import sql
from livefeed.durable.store import Tx

from .conftest import House

pytestmark = of_a_file
SRC = Path(__file__).parents[2] / "src" / "livefeed"

FILES = {
    "livefeed.client": ("buckets.sql", "vault.sql", "sending/budgets.sql", "safes/keys.sql"),
    "livefeed.app": (
        "contexts/effects.sql",
        "contexts/writes.sql",
        "doors/spent.sql",
        "handling/trials.sql",
        "inbox/inbox.sql",
        "installs/installs.sql",
        "installs/watching.sql",
        "keeping/holds.sql",
        "payments/payments.sql",
        "rounds/rounds.sql",
        "safes/places.sql",
        "sweep/sweep.sql",
    ),
}
PORTAL = "sorts the people of one portal"
ROTATION = "looks at all pairs while keys are rotated"
COMMAND = "of a page or a command, at most so many events"
START = "reads all portals at a start"
MAY_SCAN = {
    "vault.sql:aging": PORTAL,
    "vault.sql:usable": PORTAL,
    "safes/keys.sql:count_keys": ROTATION,
    "safes/keys.sql:count_tokens": ROTATION,
    "safes/keys.sql:stray_tokens": ROTATION,
    "safes/keys.sql:strays": ROTATION,
    "safes/places.sql:count_quarantine": ROTATION,
    "safes/places.sql:stray_quarantine": ROTATION,
    "contexts/writes.sql:candidates": "sorts the own writes to one post within minutes",
    "contexts/writes.sql:writing_portals": "once, at a start; own writes are kept for minutes",
    "inbox/inbox.sql:dead_of": COMMAND,
    "inbox/inbox.sql:list_events": COMMAND,
    "inbox/inbox.sql:replays_of": COMMAND,
    "inbox/inbox.sql:steps_of": COMMAND,
    "inbox/inbox.sql:orphan_steps": "upkeep, on a snapshot",
    "installs/installs.sql:due_for_erasure": "upkeep, of portals",
    "installs/installs.sql:every": START,
    "installs/installs.sql:present": START,
    "installs/installs.sql:owner": "of the one portal of a local application",
    "installs/installs.sql:quarantined": "of those that wait for a person",
    "keeping/holds.sql:every": "of a command; holds are few",
    "keeping/holds.sql:in_force": "upkeep; holds are few",
    "keeping/holds.sql:portals": "of a command",
}
"""What may, and why; none of them runs with an event or a call."""


class Anything(dict[str, Any]):
    """A value for each name."""

    def __missing__(self, name: str) -> str:
        return "[]"


def test_no_file_of_statements_is_left_out():
    rooms = {"livefeed.client": "client", "livefeed.app": "app"}
    there = {
        package: {
            str(path.relative_to(SRC / room))
            for path in (SRC / room).rglob("*.sql")
            if "migrations" not in path.parts and "." not in path.stem
        }
        for package, room in rooms.items()
    }
    assert there == {package: set(files) for package, files in FILES.items()}


async def test_nothing_scans_or_sorts_but_what_is_named(house: House):
    found: dict[str, list[str]] = {}

    def explain(tx: Tx) -> None:
        for package, files in FILES.items():
            for file in files:
                for query in sql.load(package, file):
                    rows = tx.execute(f"EXPLAIN QUERY PLAN {query.sql}", Anything())
                    slow = [row["detail"] for row in rows if is_slow(row["detail"])]
                    if slow:
                        found[f"{file}:{query.name}"] = slow

    await house.running.runtime.store.read(explain)

    assert found.keys() == MAY_SCAN.keys(), found


def is_slow(step: str) -> bool:
    scans = step.startswith("SCAN") and "VIRTUAL TABLE" not in step and "CONSTANT" not in step
    return scans or "TEMP B-TREE" in step

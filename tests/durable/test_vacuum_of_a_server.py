"""What PostgreSQL makes of room: its tables stay small while events pass through, and after a purge."""

import asyncio
from pathlib import Path
from typing import Final

import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.consumers import ConsumerId, register
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.purge import purge_entries
from livefeed.durable.store import Store
from livefeed.durable.worker import Worker

pytestmark = pytest.mark.skipif("postgresql" not in engines.both(), reason="a file is another matter")

EVENTS: Final = 800
MONTH_S: Final = 31 * 86_400
CLOCKWORK: Final = ("lane", "lease", "arrival", "consumer")
_SIZES = """
SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables
WHERE relname IN ('lane', 'lease', 'arrival', 'consumer', 'entry')
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return engines.database(tmp_path, "vacuum", engine="postgresql")


async def work(store: Store, worker: Worker, handler: ConsumerId, clock: ManualClock) -> None:
    """Events that come and are dealt with."""
    for start in range(0, EVENTS, 200):
        rows = [
            Arrival("m", f"post:{number}", "K", b"x" * 300, clock.now_ms(), "door", handler)
            for number in range(start, start + 200)
        ]
        await asyncio.gather(*(store.write_row(append_arrivals, row) for row in rows))
        clock.advance(1)
        await worker.run_due()


def vacuumed(url: str) -> dict[str, int]:
    """How large each table and its indexes are, once the server has done what autovacuum does."""
    database = url.rsplit("/", 1)[1]
    for table in (*CLOCKWORK, "entry"):
        engines.cluster().sql(f"VACUUM {table}", database=database)
    return dict(engines.cluster().sql(_SIZES, database=database))


async def test_nothing_of_ours_keeps_the_server_from_using_room_again(
    url: str, store: Store, clock: ManualClock
) -> None:
    """Neither of the clockwork's tables, which fill and empty, nor of purged entries."""
    handler = await store.write(lambda tx: register(tx, portal="m", name="h", cap=500))

    async def done(lease: Lease) -> Outcome:
        return Done()

    worker = Worker(store, done, clock=clock)
    seen: list[dict[str, int]] = []
    for _ in range(4):
        await work(store, worker, handler, clock)
        seen.append(vacuumed(url))
    _, second, *_, last = seen
    assert sum(last[name] for name in CLOCKWORK) < 1.2 * sum(second[name] for name in CLOCKWORK), seen
    assert last["entry"] > 1.5 * second["entry"], "entries are kept"

    clock.advance(MONTH_S)
    while await store.write(lambda tx: purge_entries(tx, before_ms=clock.now_ms(), limit=500)):
        pass
    vacuumed(url)
    for _ in range(3):
        await work(store, worker, handler, clock)
    assert vacuumed(url)["entry"] <= last["entry"], "their room is used again"

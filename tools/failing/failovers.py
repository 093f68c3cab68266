"""Failovers under load: the primary dies, the standby takes over, the dead machine becomes the standby."""

import threading
import time
from pathlib import Path
from typing import Any

from tests.servers import Server, many_hosts
from tests.system.world import eventually
from tools.failing.door import DoorLoad
from tools.failing.shop import Shop

CALM_S = 1.0
SLOW_S = 60.0
ENOUGH = 20


def run_failovers(folder: Path, times: int, *, threads: int = 8) -> dict[str, Any]:
    """Fail over ``times`` times and judge what the door acknowledged meanwhile.

    Returns:
        The verdict of `check-history`, how long nothing was acknowledged at each failover, and how often each
        answer was given.
    """
    primary = Server("one")
    servers = [primary]
    try:
        primary.start()
        primary.sql("CREATE DATABASE livefeed")
        ((version,),) = primary.sql("SHOW server_version")
        standby = Server("two", of=primary)
        servers.append(standby)
        _attach(primary, standby)
        shop = Shop(folder, many_hosts("livefeed", *servers))
        try:
            load = shop.load(threads=threads)
            recoveries_s: list[float] = []
            promotions_s: list[float] = []
            for _ in range(times):
                threading.Event().wait(CALM_S)
                promotion_s, recovery_s = _fail_over(primary, standby, load)
                promotions_s.append(promotion_s)
                recoveries_s.append(recovery_s)
                primary, standby = standby, primary
                standby.copy(primary)
                _attach(primary, standby)
            threading.Event().wait(CALM_S)
            verdict = shop.verdict(load)
        finally:
            shop.close()
    finally:
        for server in servers:
            server.close()
    return {
        "failovers": times,
        "server": version,
        **verdict,
        "recoveries_s": [round(one, 2) for one in recoveries_s],
        "promotions_s": [round(one, 2) for one in promotions_s],
        "answers": dict(load.answers),
        "without_retry_after": load.without_retry_after,
    }


def _fail_over(primary: Server, standby: Server, load: DoorLoad) -> tuple[float, float]:
    """Kill the primary, promote the standby.

    Returns:
        How long the server took to be the primary, and the longest time without an acknowledgement.
    """
    killed_at = time.monotonic()
    primary.kill()
    standby.promote()
    promoted_at = time.monotonic()
    eventually(
        lambda: load.acked_since(promoted_at) >= ENOUGH, what="events are acknowledged again", within_s=SLOW_S
    )
    return promoted_at - killed_at, load.longest_gap_s(killed_at)


def _attach(primary: Server, standby: Server) -> None:
    """Start the standby, and from then on acknowledge only what it has."""
    standby.start()
    state = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '{}'"
    asked = state.format(standby.name)
    eventually(lambda: primary.sql(asked), what="the standby is attached", within_s=SLOW_S)
    primary.wait_for(standby.name)
    eventually(lambda: primary.sql(asked) == [("sync",)], what="the standby is synchronous", within_s=SLOW_S)

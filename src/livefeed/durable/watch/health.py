"""What `/readyz` and `/metrics` say of a store; both halves ask here."""

import asyncio
from typing import Final

from livefeed import telemetry
from livefeed.clock import Clock
from livefeed.durable import sql
from livefeed.durable.engines.unit import Tx
from livefeed.durable.store import Store
from livefeed.errors import StoreError

_SQL: Final = sql.load("livefeed.durable", "queries/watch.sql")
_READY_MS: Final = 5_000
_PATIENCE_S: Final = 2.0


async def why_not_ready(store: Store, clock: Clock) -> str | None:
    """None if a commit succeeded in the last five seconds; if none was asked for, one is made."""
    # A clock that was set back makes the last commit lie ahead: that proves nothing either.
    if 0 <= clock.now_ms() - store.committed_at_ms <= _READY_MS:
        return None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await store.probe()
    except StoreError as exc:
        return str(exc)
    except TimeoutError:
        return (
            f"no commit succeeded in the last {_READY_MS // 1000} s, "
            f"and one takes longer than {_PATIENCE_S:g} s"
        )
    return None


async def metrics(store: Store, clock: Clock) -> bytes:
    """The Prometheus text exposition of this process; the lag is asked when the page is, of indexes alone."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            due_ms = await store.read(oldest_due_ms)
    except (StoreError, TimeoutError):
        telemetry.oldest_due_lag.set(float("nan"))
    else:
        lag_ms = 0 if due_ms is None else max(0, clock.now_ms() - due_ms)
        telemetry.oldest_due_lag.set(lag_ms / 1000)
    return telemetry.metrics_page()


def oldest_due_ms(tx: Tx) -> int | None:
    """Since when the lane that has waited longest is due, in ms; None: nothing is.

    Only the consumers that have waited longest for their turn are looked at.
    """
    lane: int | None = _SQL.oldest_due_lane(tx.conn, now=tx.now_ms)
    arrival: int | None = _SQL.oldest_arrival(tx.conn)
    found = [one for one in (lane, arrival) if one is not None]
    return min(found, default=None)

"""Upkeep of lanes: renewal, what is due next, freeing at start, and what people are shown."""

from collections.abc import Sequence
from typing import Any

from livefeed.durable.consumers import ConsumerId, hold, list_consumers, refresh
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.rows import SQL, LaneRow, LaneState, Lease, as_json


def renew(tx: Tx, leases: Sequence[Lease], *, lease_s: float) -> None:
    """Hide lanes for another ``lease_s`` seconds; leases that are lost are passed over."""
    hold(tx, [lease.consumer.id for lease in leases])
    marks = [(lease.consumer.id, lease.key, lease.token) for lease in leases]
    SQL.renew.send(tx.conn, lanes=as_json(marks), until=tx.now_ms + round(lease_s * 1000))


def is_held(tx: Tx, lease: Lease) -> bool:
    """Whether the lease still holds and its consumer's epoch is the same; ask right before a send."""
    return bool(
        SQL.is_held(
            tx.conn,
            consumer=lease.consumer.id,
            key=lease.key,
            token=lease.token,
            epoch=lease.consumer.epoch,
        )
    )


def next_due(tx: Tx) -> int | None:
    """When a worker should look next, in ms; None: not before something is appended."""
    ready_at: int | None = SQL.next_ready(tx.conn)
    lease_end: int | None = None if tx.is_shared else SQL.lease_end(tx.conn)
    return min((at for at in (ready_at, lease_end) if at is not None), default=None)


def free_all(tx: Tx) -> None:
    """End all leases; for the start of the one process that writes, when no worker can be left."""
    SQL.put_back_all(tx.conn, now=tx.now_ms)
    SQL.drop_leases(tx.conn)
    if tx.is_shared:
        SQL.forget_flights(tx.conn)
    else:
        SQL.forget_lease_end(tx.conn)
    refresh(tx, [consumer.id for consumer in list_consumers(tx)])


def list_lanes(
    tx: Tx, *, consumer: ConsumerId | None = None, state: LaneState | None = None, limit: int = 1000
) -> list[LaneRow]:
    """The lanes with work, at most ``limit``, of one consumer or of all, in one state or any."""
    rows = SQL.list_lanes(tx.conn, consumer=consumer, limit=limit)
    return [LaneRow(*row[:9], state=_state(row)) for row in rows if state is None or state == _state(row)]


def _state(row: Any) -> LaneState:  # noqa: ANN401 - the driver's row
    if row["leased"]:
        return "leased"
    return "backing_off" if row["attempt"] else "waiting"

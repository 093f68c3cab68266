"""Finished handlers: where several handlers see one event, only those that failed run again.

The settle that ends the run drops its marks.
"""

from typing import Final

from livefeed.durable import sql
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.rows import Lease

_SQL: Final = sql.load("livefeed.durable", "queries/records.sql")


def mark(tx: Tx, lease: Lease, handler: str) -> None:
    """Remember that ``handler`` has finished the leased run; for the effects of an `Again`."""
    _SQL.mark_done(tx.conn, consumer=lease.consumer.id, key=lease.key, seq=lease.through, handler=handler)


def finished_through(tx: Tx, lease: Lease) -> dict[str, int]:
    """The seq through which each handler has finished in earlier attempts of this run.

    A run may have grown since: its handler then still has to see what came after.
    """
    rows = _SQL.finished_through(tx.conn, consumer=lease.consumer.id, key=lease.key, cursor=lease.cursor)
    return {str(row["handler"]): int(row["through"]) for row in rows}


def finished(tx: Tx, lease: Lease) -> frozenset[str]:
    """The handlers that have finished all of this run in an earlier attempt."""
    return frozenset(handler for handler, seq in finished_through(tx, lease).items() if seq >= lease.through)

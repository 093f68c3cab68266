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


def finished(tx: Tx, lease: Lease) -> frozenset[str]:
    """The handlers that have finished exactly this run in an earlier attempt."""
    rows = _SQL.finished(tx.conn, consumer=lease.consumer.id, key=lease.key, seq=lease.through)
    return frozenset(str(row[0]) for row in rows)

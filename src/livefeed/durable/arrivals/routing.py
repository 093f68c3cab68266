"""Routing: writes the lanes of entries that came in at the door, in bulk, exactly once."""

from typing import Final

from livefeed.durable import sql
from livefeed.durable.engines.unit import Tx

_SQL: Final = sql.load("livefeed.durable", "queries/arrivals.sql")
SLICE: Final = 500
"""How many entries are looked at in one unit."""


def route_arrivals(tx: Tx, *, limit: int = SLICE) -> int:
    """Write the lanes of up to ``limit`` entries, oldest first; how far it got commits with them.

    Consumers that are withheld or gone get no lane.

    Returns:
        How many entries were looked at; 0: there are no more.
    """
    after: int = _SQL.routed(tx.conn)
    through = min(after + limit, int(_SQL.newest(tx.conn) or 0))
    if through <= after:
        return 0
    _SQL.route_lanes(tx.conn, after=after, through=through)
    _SQL.route_entries(tx.conn, after=after, through=through)
    _SQL.lower_ready(tx.conn, after=after, through=through, now=tx.now_ms)
    _SQL.set_routed(tx.conn, through=through)
    return through - after


def route_all(tx: Tx) -> None:
    """Write the lanes of all that has arrived, before a consumer's state changes: it counts as it was."""
    while route_arrivals(tx):
        pass

"""Routing: writes the lanes of entries that came in at the door, in bulk, exactly once."""

from typing import Final

import msgspec

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
    if tx.is_shared:
        return _route_taken(tx, limit)
    after: int = _SQL.routed(tx.conn)
    through = min(after + limit, int(_SQL.newest(tx.conn) or 0))
    if through <= after:
        return 0
    _SQL.route_lanes.send(tx.conn, after=after, through=through)
    _SQL.route_entries.send(tx.conn, after=after, through=through)
    _SQL.lower_ready.send(tx.conn, after=after, through=through, now=tx.now_ms)
    _SQL.set_routed.send(tx.conn, through=through)
    return through - after


def _route_taken(tx: Tx, limit: int) -> int:
    """Where numbers are not committed in order, what waits is known by a table of its own."""
    _SQL.hold_routing.send(tx.conn)
    after: int = _SQL.arrivals_from(tx.conn, now=tx.now_ms)
    seqs: str = _SQL.take_arrivals(tx.conn, after=after, limit=limit)
    taken: list[int] = msgspec.json.decode(seqs)
    _SQL.note_arrivals.send(tx.conn, after=after, through=max(taken, default=0), now=tx.now_ms)
    if not taken:
        return 0
    _SQL.hold_arrived.send(tx.conn, seqs=seqs)
    _SQL.route_lanes.send(tx.conn, seqs=seqs)
    _SQL.route_entries.send(tx.conn, seqs=seqs)
    _SQL.lower_ready.send(tx.conn, seqs=seqs, now=tx.now_ms)
    return len(taken)


def route_all(tx: Tx) -> None:
    """Write the lanes of all that has arrived, before a consumer's state changes: it counts as it was."""
    if tx.is_shared:
        _SQL.hold_routing.send(tx.conn)  # whoever routes writes the same rows after it
        _SQL.look_anew.send(tx.conn)
    while route_arrivals(tx):
        pass

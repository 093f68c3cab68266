"""Who asks for a new pair: one process at a time, by a lease in the row of the pair."""

from typing import Final

from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId, UserId

TOPIC: Final = "tokens"
"""Woken by each commit that ends a refresh."""

LEASE_MS: Final = 7_500
"""How long a process has for one request before another process may ask.

Longer than the request's timeout, and shorter than the ten seconds for which a portal takes the same refresh
token again: what a process that died was answered is asked for once more in time (docs/adr/0046).
"""

_SQL: Final = sql.load("livefeed.client", "vault.sql")


def begin(tx: Tx, member_id: MemberId, user_id: UserId, *, version: int, by: str) -> bool:
    """Take or renew the lease of a pair of this version; False if ``by`` is not the one who may ask."""
    count: int = _SQL.begin_refresh(
        tx.conn,
        member_id=member_id,
        user_id=user_id,
        version=version,
        by=by,
        until=tx.now_ms + LEASE_MS,
        now=tx.now_ms,
    )
    return count > 0


def give_up(tx: Tx, member_id: MemberId, user_id: UserId, *, by: str) -> None:
    """No answer came; another process need not wait for the end of the lease."""
    _SQL.end_refresh(tx.conn, member_id=member_id, user_id=user_id, by=by)
    tx.wake(TOPIC)


def kill(tx: Tx, member_id: MemberId, user_id: UserId, *, version: int) -> None:
    """Neither refresh token of this version works any more."""
    _SQL.kill(tx.conn, member_id=member_id, user_id=user_id, version=version)
    tx.wake(TOPIC)

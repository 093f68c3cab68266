"""What counts once: marks in the database of what was used up, for as long as it could come again."""

from typing import Final

from livefeed.durable.sql import load
from livefeed.durable.store import Tx

_SQL: Final = load("livefeed.app.doors", "spent.sql")
_DROPPED_AT_ONCE: Final = 4


def spend(tx: Tx, mark: bytes, *, until_ms: int) -> bool:
    """Use something up, at whatever process; False if it was used up before.

    Args:
        tx: The unit of work.
        mark: Its keyed hash.
        until_ms: When it ends by itself; the mark is dropped some time after that.
    """
    _SQL.drop_over(tx.conn, now=tx.now_ms, most=_DROPPED_AT_ONCE)
    count: int = _SQL.spend(tx.conn, hash=mark, until=until_ms)
    return count > 0


def is_spent(tx: Tx, mark: bytes) -> bool:
    """Whether something was used up."""
    return bool(_SQL.is_spent(tx.conn, hash=mark))

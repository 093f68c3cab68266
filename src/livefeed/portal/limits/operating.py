"""Running time of one method for one caller, in ten baskets of a minute."""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId

WINDOW_S: Final = 600
"""After how long a basket drops out, from its first call on."""

_SQL: Final = load("livefeed.portal.limits", "limits.sql")


class Account(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Whose running time, and of what.

    Attributes:
        portal: Where.
        caller: ``app:5`` or ``webhook:7``.
        method: In lower case.
    """

    portal: MemberId
    caller: str
    method: str


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What one call has used, in microseconds."""

    account: Account
    used_us: int


class Operating(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has used in the last ten minutes.

    Attributes:
        seconds: The sum of its baskets.
        reset_at: Unix second in which the oldest basket drops out; None if there is none.
    """

    seconds: float
    reset_at: int | None = None


def read(tx: Tx, account: Account) -> Operating:
    """What ``account`` has used at this moment."""
    used_us, first_at = _SQL.spent(
        tx.conn,
        portal=account.portal,
        caller=account.caller,
        method=account.method,
        since=tx.now_ms - WINDOW_S * 1000,
    )
    return Operating(
        seconds=used_us / 1e6, reset_at=None if first_at is None else first_at // 1000 + WINDOW_S
    )


def spend(tx: Tx, calls: Sequence[Spent]) -> list[Operating]:
    """Put what calls have used into the baskets; what each account then has, in the order of the calls."""
    told: list[Operating | None] = [None] * len(calls)
    for number in sorted(range(len(calls)), key=lambda one: calls[one].account):
        account = calls[number].account
        _SQL.spend(
            tx.conn,
            portal=account.portal,
            caller=account.caller,
            method=account.method,
            minute=tx.now_ms // 60_000,
            first_at=tx.now_ms,
            used_us=calls[number].used_us,
        )
        told[number] = read(tx, account)
    return [one for one in told if one is not None]


def drop_old(tx: Tx, *, before_ms: int, most: int) -> int:
    """Drop baskets that were begun before; how many that were."""
    dropped: int = _SQL.drop_baskets(tx.conn, before=before_ms, most=most)
    return dropped

"""The rows of pairs: stored when they are proved, replaced by a refresh, never shown but for their health."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from livefeed.client.refreshing import TOPIC
from livefeed.client.safes.keys import check
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId, UserId

SQL: Final = sql.load("livefeed.client", "vault.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPair:
    """A pair of tokens ready to be stored: encrypted before the unit of work begins.

    Attributes:
        key_id: Of the portal's key, which must still be the portal's when it is stored; None: any.
    """

    member_id: MemberId
    user_id: UserId
    access: bytes
    refresh: bytes
    expires_at: int
    received_at: int
    key_id: bytes | None = None

    @property
    def columns(self) -> Mapping[str, Any]:
        """Of its row, by name."""
        return {
            "member_id": self.member_id,
            "user_id": self.user_id,
            "access": self.access,
            "refresh": self.refresh,
            "expires_at": self.expires_at,
            "received_at": self.received_at,
        }


def keep(tx: Tx, pair: SealedPair) -> None:
    """Store the pair that an installation has proved, in the installation's own unit.

    Raises:
        StoreConflict: The portal's key has been dropped since the pair was sealed.
    """
    check(tx, pair.member_id, pair.key_id)
    SQL.keep(tx.conn, **pair.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What may be shown of a pair: never its value.

    Attributes:
        user_id: Whose it is.
        expires_at: When the access token is over; it is renewed when it is needed.
        received_at: When the pair came.
        state: ``usable``, or ``dead``: the application has to be installed again.
    """

    user_id: UserId
    expires_at: int
    received_at: int
    state: str


def health(tx: Tx, member_id: MemberId) -> list[Health]:
    """How the pairs of a portal are, by user."""
    return [
        Health(user_id=UserId(row[0]), expires_at=row[1], received_at=row[2], state=row[3])
        for row in SQL.health(tx.conn, member_id=member_id)
    ]


def keep_opener(tx: Tx, pair: SealedPair, *, is_proved: bool) -> bool:
    """Store the pair of a person who opened a page or signed in; False if a better one is there.

    Args:
        tx: The unit of work.
        pair: His tokens.
        is_proved: The authorization server gave them to us itself. Otherwise they replace neither the usable
            pair of an installation, nor one that lasts longer: what is sent again replaces nothing.

    Raises:
        StoreConflict: The portal's key has been dropped since the pair was sealed.
    """
    check(tx, pair.member_id, pair.key_id)
    count: int = SQL.keep_opener(tx.conn, **pair.columns, is_proved=int(is_proved))
    return count > 0


def people(tx: Tx, member_id: MemberId, *, most: int = 10) -> list[UserId]:
    """Whose pairs can be used in a portal, at most ``most``, the newest first."""
    return [UserId(row[0]) for row in SQL.usable(tx.conn, member_id=member_id, most=most)]


def aging(tx: Tx, member_id: MemberId, *, before_ms: int) -> list[UserId]:
    """Whose usable pairs came before that moment, the oldest first."""
    return [UserId(row[0]) for row in SQL.aging(tx.conn, member_id=member_id, before=before_ms)]


def forget(tx: Tx, member_id: MemberId) -> None:
    """Delete every pair of a portal."""
    SQL.forget(tx.conn, member_id=member_id)


def replace_pair(tx: Tx, pair: SealedPair, version: int) -> bool:
    """Store a refreshed pair, unless another refresh was faster; who waits for it is told.

    Raises:
        StoreConflict: The portal's key has been dropped since the pair was sealed.
    """
    check(tx, pair.member_id, pair.key_id)
    tx.wake(TOPIC)
    count: int = SQL.replace(tx.conn, **pair.columns, version=version)
    return count > 0


def context_of(member_id: MemberId, user_id: UserId) -> bytes:
    """Binds a sealed token to its row, so that none can be moved to another portal's."""
    return f"token:{member_id}:{user_id}".encode()

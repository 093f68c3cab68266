"""Legal holds: while one is in force nothing of its post or person is purged, redacted or erased."""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from livefeed.app.inbox import post_key
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId, PostId

_SQL: Final = sql.load("livefeed.app.keeping", "holds.sql")

HoldKind: TypeAlias = Literal["post", "person"]


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One hold.

    Attributes:
        portal: Where.
        kind: Of what.
        number: Of the post or the person.
        set_at_ms: When it was set.
        reason: Why.
        set_by: By whom, in the words of whoever set it.
        ended_at_ms: When it was ended; None: it is in force.
        ended_by: By whom.
    """

    portal: MemberId
    kind: HoldKind
    number: int
    set_at_ms: int
    reason: str
    set_by: str
    ended_at_ms: int | None = None
    ended_by: str = ""


def add(tx: Tx, portal: MemberId, kind: HoldKind, number: int, *, reason: str, set_by: str) -> bool:
    """Hold a post or a person; False: it is held already, and the hold that is in force stays as it is."""
    tx.serialize(portal)
    if find(tx, portal, kind, number) is not None:
        return False
    _SQL.add(tx.conn, portal=portal, kind=kind, number=number, reason=reason, set_by=set_by, now=tx.now_ms)
    return True


def end(tx: Tx, portal: MemberId, kind: HoldKind, number: int, *, ended_by: str) -> bool:
    """End a hold, whose record stays; False: none is in force."""
    count: int = _SQL.end(tx.conn, portal=portal, kind=kind, number=number, ended_by=ended_by, now=tx.now_ms)
    return count > 0


def find(tx: Tx, portal: MemberId, kind: HoldKind, number: int) -> Hold | None:
    """The hold that is in force; None: it is not held."""
    row: Any = _SQL.find(tx.conn, portal=portal, kind=kind, number=number)
    return None if row is None else _hold(row)


def every(tx: Tx, *, portal: MemberId | None = None) -> list[Hold]:
    """The newest first, with those that have ended."""
    return [_hold(row) for row in _SQL.every(tx.conn, portal=portal)]


def posts(tx: Tx, portal: MemberId) -> frozenset[PostId]:
    """Which posts of a portal are held."""
    return frozenset(PostId(row[0]) for row in _SQL.posts(tx.conn, portal=portal))


def is_any(tx: Tx, portal: MemberId) -> bool:
    """Whether anything of a portal is held."""
    return _SQL.is_any(tx.conn, portal=portal) is not None


def kept(tx: Tx) -> list[str]:
    """What purges leave: ``<portal> post:5`` for a post; ``<portal>`` where a person is held.

    An event does not say in clear whom it names, so all events of that portal stay.
    """
    return [
        f"{row['portal']} {post_key(PostId(row['number']))}" if row["kind"] == "post" else str(row["portal"])
        for row in _SQL.in_force(tx.conn)
    ]


def portals(tx: Tx) -> list[MemberId]:
    """Every portal of which an application knows anything."""
    return [MemberId(row[0]) for row in _SQL.portals(tx.conn)]


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase the records of a portal; it is erased only when none is in force."""
    _SQL.forget(tx.conn, portal=portal)


def _hold(row: Any) -> Hold:  # noqa: ANN401 - a row of the driver, typed here
    return Hold(
        portal=MemberId(row["portal"]),
        kind=row["kind"],
        number=row["number"],
        set_at_ms=row["set_at"],
        reason=row["reason"],
        set_by=row["set_by"],
        ended_at_ms=row["ended_at"],
        ended_by=row["ended_by"],
    )

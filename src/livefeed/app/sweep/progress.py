"""Progress: how far each sweep has come, and how the last one ended."""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from livefeed.app.sweep.windows import FIRST, LIMIT, Look, Place
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId, PostId, UserId

SQL: Final = sql.load("livefeed.app.sweep", "sweep.sql")

Scope: TypeAlias = Literal["hot", "all"]
"""hot: what was published within the hot window · all: every readable post."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """One sweep of one portal; its columns are explained in the migration."""

    portal: MemberId
    scope: Scope
    person: UserId
    since: int | None
    cursor: int
    stride: int
    base: int
    first_post: PostId | None
    looked: int
    found: int
    began_at: int | None
    last_began_at: int | None
    last_ended_at: int | None
    last_looked: int | None
    last_found: int | None
    reader: UserId | None = None

    @property
    def looker(self) -> UserId:
        """Whose token looks now."""
        return self.person if self.reader is None else self.reader

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(cursor=self.cursor, stride=self.stride)

    def is_fresh(self, since_ms: int) -> bool:
        """Whether it is under way, and began after ``since_ms``."""
        return self.began_at is not None and self.began_at >= since_ms

    @property
    def percent(self) -> int | None:
        """How far it has come, judged by the last one; None: nobody knows, or none is under way."""
        if self.began_at is None or not self.last_looked:
            return None
        return min(99, 100 * self.looked // self.last_looked)


def find(tx: Tx, portal: MemberId, scope: Scope) -> Sweep | None:
    """A sweep as it stands; None before the first one."""
    row: Any = SQL.progress(tx.conn, portal=portal, scope=scope)
    return None if row is None else msgspec.convert(dict(row), Sweep)


def every(tx: Tx, portal: MemberId) -> list[Sweep]:
    """The sweeps of one portal, the hot one first."""
    return [msgspec.convert(dict(row), Sweep) for row in SQL.sweeps(tx.conn, portal=portal)]


def begin(
    tx: Tx, portal: MemberId, scope: Scope, person: UserId, since_ms: int | None, *, longest_ms: int
) -> Sweep:
    """Begin a sweep, or go on with one of the same person that began less than ``longest_ms`` ago."""
    before = find(tx, portal, scope)
    if before is not None and before.person == person and before.is_fresh(tx.now_ms - longest_ms):
        return before
    base = FIRST if before is None or scope == "all" or before.person != person else before.base
    SQL.begin(
        tx.conn,
        portal=portal,
        scope=scope,
        person=person,
        since=since_ms,
        cursor=base,
        stride=LIMIT,
        now=tx.now_ms,
    )
    return _written(tx, portal, scope)


def turn(tx: Tx, sweep: Sweep, reader: UserId) -> Sweep:
    """Remember that another one looks from the beginning; returns the sweep as it stands then."""
    SQL.turn(tx.conn, portal=sweep.portal, scope=sweep.scope, reader=reader, cursor=FIRST, stride=LIMIT)
    return _written(tx, sweep.portal, sweep.scope)


def move(tx: Tx, sweep: Sweep, look: Look, base: int | None, *, looked: int) -> Sweep:
    """Remember that pages were compared; returns the sweep as it stands then.

    Args:
        tx: The unit.
        sweep: As it stood before.
        look: What was read.
        base: Below this feed entry there was nothing to see; None: nobody knows.
        looked: How many posts nobody had seen in this sweep before.
    """
    place = look.place or sweep.place
    SQL.move(
        tx.conn,
        portal=sweep.portal,
        scope=sweep.scope,
        cursor=place.cursor,
        stride=place.stride,
        looked=looked,
        first_post=look.rows[0].id if look.rows else None,
    )
    if base is not None and sweep.reader is None:
        SQL.raise_base(tx.conn, portal=sweep.portal, scope=sweep.scope, base=base)
    return _written(tx, sweep.portal, sweep.scope)


def finish(tx: Tx, sweep: Sweep) -> None:
    """Remember how it ended."""
    SQL.finish(tx.conn, portal=sweep.portal, scope=sweep.scope, now=tx.now_ms)


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase what is known of a portal."""
    SQL.forget(tx.conn, portal=portal)


def _written(tx: Tx, portal: MemberId, scope: Scope) -> Sweep:
    sweep = find(tx, portal, scope)
    assert sweep is not None, "it was written just above"
    return sweep

"""One bucket a portal for all processes of an application: places are given out in the database."""

import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from livefeed.client.bucket import CAPACITY, DRAIN_PER_S, Bucket
from livefeed.client.ticking import LoopTime, Time
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.wire.ids import MemberId

_SQL: Final = sql.load("livefeed.client", "buckets.sql")
_TIMES: Final = struct.Struct(f"<{CAPACITY + 1 + DRAIN_PER_S}d")

HOLD_S: Final = 0.5
"""How long a place may be used after its time: as long as a process keeps places ahead."""

_MOST_AHEAD: Final = 7
_LOOKING_BACK_S: Final = 1.0


@dataclass(slots=True)
class _Place:
    """One call that may be made, in times of `Buckets.time`."""

    from_s: float
    until_s: float


@dataclass(slots=True)
class _Till:
    """What this process has of one portal's bucket; it may lose it at any moment.

    Attributes:
        ahead: Places that nobody has asked for yet.
        asked_s: When calls were asked for lately.
    """

    ahead: deque[_Place] = field(default_factory=deque[_Place])
    asked_s: deque[float] = field(default_factory=lambda: deque[float](maxlen=_MOST_AHEAD))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one caller wants.

    Attributes:
        member_id: The portal to be called.
        ahead: How many more places may be taken along, if the bucket is calm.
    """

    member_id: MemberId
    ahead: int


class Buckets:
    """The buckets of all portals.

    Who calls often takes a few places along, so that not every call costs a commit; all who ask at one moment
    share a commit in any case. Times are the database's: the clocks of machines need not agree.

    Attributes:
        time: By which is waited for a place.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.time: Time = LoopTime()
        self._tills: dict[MemberId, _Till] = {}

    async def admit(self, member_id: MemberId) -> None:
        """Wait for a place; places are given in the order of asking.

        Raises:
            StoreError: The database cannot be asked now.
        """
        asked_s = self.time.now_s()
        till = self._tills.setdefault(member_id, _Till())
        ahead = sum(1 for one in till.asked_s if one > asked_s - _LOOKING_BACK_S)
        till.asked_s.append(asked_s)
        place = _first(till, asked_s)
        if place is None:
            wish = Wish(member_id=member_id, ahead=ahead)
            delays = await self._store.write_row(reserve, wish)
            # The database counted from a moment after we asked, and its answer came a moment after that.
            told_s = self.time.now_s()
            place, *others = (_Place(told_s + delay, asked_s + delay + HOLD_S) for delay in delays)
            till.ahead.extend(others)
        delay_s = place.from_s - self.time.now_s()
        if delay_s > 0:
            await self.time.sleep(delay_s)

    async def refused(self, member_id: MemberId) -> None:
        """A portal had too many calls, of whoever else calls from this address; go on as it drains.

        Raises:
            StoreError: The database cannot be asked now.
        """
        self._tills.pop(member_id, None)
        await self._store.write(lambda tx: fill(tx, member_id))

    def of(self, member_id: MemberId) -> "Pace":
        """The bucket of one portal."""
        return Pace(self, member_id)


@dataclass(frozen=True, slots=True)
class Pace:
    """The bucket of one portal."""

    buckets: Buckets
    member_id: MemberId

    async def admit(self) -> None:
        """Wait for a place; see `Buckets.admit`."""
        await self.buckets.admit(self.member_id)

    async def refused(self) -> None:
        """Go on as the portal drains; see `Buckets.refused`."""
        await self.buckets.refused(self.member_id)


def reserve(tx: Tx, wishes: Sequence[Wish]) -> list[list[float]]:
    """Give each wish its places: seconds until each may be used, the first one for whoever asks.

    Rows are locked in one order, so that two units never wait for each other.
    """
    now_s: float = _SQL.now(tx.conn, clock_ms=tx.now_ms)
    wanted: dict[MemberId, list[int]] = {}
    for number, wish in enumerate(wishes):
        wanted.setdefault(wish.member_id, []).append(number)
    places: list[list[float]] = [[] for _ in wishes]
    for member_id in sorted(wanted):
        bucket = _locked(tx, member_id, now_s)
        for number in wanted[member_id]:
            places[number] = [bucket.reserve(now_s)]
        for number in wanted[member_id]:
            if bucket.is_calm(now_s):
                places[number] += [bucket.reserve(now_s) for _ in range(wishes[number].ahead)]
        _SQL.keep(tx.conn, member_id=member_id, times=_TIMES.pack(*bucket.times), at=now_s)
    return places


def fill(tx: Tx, member_id: MemberId) -> None:
    """The bucket is full as of now, whoever filled it."""
    now_s: float = _SQL.now(tx.conn, clock_ms=tx.now_ms)
    bucket = _locked(tx, member_id, now_s)
    bucket.fill(now_s)
    _SQL.keep(tx.conn, member_id=member_id, times=_TIMES.pack(*bucket.times), at=now_s)


def forget(tx: Tx, member_id: MemberId) -> None:
    """Drop the bucket of a portal."""
    _SQL.forget(tx.conn, member_id=member_id)


def _first(till: _Till, now_s: float) -> _Place | None:
    """The next place that was taken along and has not run out."""
    while till.ahead:
        place = till.ahead.popleft()
        if place.until_s > now_s:
            return place
    return None


def _locked(tx: Tx, member_id: MemberId, now_s: float) -> Bucket:
    """The bucket, which no other unit changes until this one is committed."""
    row = _SQL.locked(tx.conn, member_id=member_id)
    if row is None:
        empty = _TIMES.pack(*Bucket().times)
        _SQL.add(tx.conn, member_id=member_id, times=empty, at=now_s)
        row = _SQL.locked(tx.conn, member_id=member_id)
    bucket = Bucket.restored(_TIMES.unpack(row["times"]), hold_s=HOLD_S)
    if now_s < row["at"]:
        bucket.shift(now_s - row["at"])
    return bucket
